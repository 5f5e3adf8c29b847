import AloftDaemon
import AloftSystem
import Foundation

/// What a daemon in the background says about its start to the command that started it: one JSON value on a pipe.
enum DetachedReport: Sendable {
    case started(StartReport)
    case failed(CommandFailure)

    private struct Wire: Codable {
        var started: StartReport?
        var failure: Failure?

        struct Failure: Codable {
            var code: String
            var message: String
            var hint: String?
            var exitCode: Int32
        }
    }

    /// A copy that ended without a word has crashed: its log is all there is.
    init(bytes: [UInt8], log: String) throws {
        guard !bytes.isEmpty else {
            self = .failed(
                CommandFailure("the daemon ended before it was up", hint: "see \(log)", code: "crashed"))
            return
        }
        let wire = try JSONDecoder().decode(Wire.self, from: Data(bytes))
        if let started = wire.started {
            self = .started(started)
        } else if let failure = wire.failure {
            self = .failed(
                CommandFailure(
                    failure.message, hint: failure.hint, code: failure.code,
                    exitCode: CommandFailure.ExitCode(rawValue: failure.exitCode) ?? .failed))
        } else {
            self = .failed(CommandFailure("the daemon said nothing about its start", hint: "see \(log)"))
        }
    }

    var bytes: [UInt8] {
        get throws {
            let wire: Wire =
                switch self {
                case .started(let report): Wire(started: report)
                case .failed(let failure):
                    Wire(
                        failure: .init(
                            code: failure.code, message: failure.message, hint: failure.hint,
                            exitCode: failure.exitCode.rawValue))
                }
            return Array(try JSONEncoder().encode(wire))
        }
    }
}

/// `daemon.log`: both outputs of a detached daemon, kept from growing without end.
enum DaemonLogFile {
    /// A log that is larger than this at a start becomes `daemon.log.1`.
    static let limit = 4 << 20

    static func prepared(_ path: String) throws -> String {
        let manager = FileManager.default
        guard manager.fileExists(atPath: path) else { return path }
        let size = try manager.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        guard size > limit else { return path }
        let old = path + ".1"
        if manager.fileExists(atPath: old) { try manager.removeItem(atPath: old) }
        try manager.moveItem(atPath: path, toPath: old)
        return path
    }
}
