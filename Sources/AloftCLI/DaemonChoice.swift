import AloftDaemon
import ArgumentParser
import Foundation

/// How a command finds the daemon.
struct DaemonChoice: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The daemon's file; default: aloft.yaml here or in a folder above.", valueName: "FILE"))
    var file: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The daemon's state directory; default: $ALOFT_STATE, or .aloft beside the file.", valueName: "DIR"))
    var state: String?

    @Option(
        name: [.customLong("environment"), .customLong("env")],
        help: ArgumentHelp(
            "The daemon of this environment; its state directory is .aloft-NAME beside the file.", valueName: "NAME"))
    var environment: EnvironmentName?

    func validate() throws {
        if state != nil, environment != nil {
            throw ValidationError("--state and --environment each name a daemon; give one of them")
        }
    }

    /// The state directory alone is enough; the file is only looked for where there is none.
    func paths() throws(CommandFailure) -> StatePaths {
        let variables = ProcessInfo.processInfo.environment
        let given = state ?? variables["ALOFT_STATE"].flatMap { $0.isEmpty ? nil : $0 }
        if let given {
            return StatePaths(directory: given.hasPrefix("/") ? given : "\(FileChoice.currentDirectory)/\(given)")
        }
        return try FileChoice.find(file).state(nil, name: environment?.text, environment: variables)
    }

    /// The daemon of another environment of the same file, whatever this choice and `$ALOFT_STATE` say.
    func paths(of other: EnvironmentName) throws(CommandFailure) -> StatePaths {
        try FileChoice.find(file).state(nil, name: other.text, environment: [:])
    }

    /// These options as they are to be typed again for the same daemon: ` --environment staging`, or nothing.
    var typed: String { Self.typed(file: file, state: state, environment: environment) }

    static func typed(file: String?, state: String?, environment: EnvironmentName?) -> String {
        var text = ""
        if let file { text += " --file \(file.shellWord)" }
        if let state { text += " --state \(state.shellWord)" }
        if let environment { text += " --environment \(environment.text)" }
        return text
    }
}

/// Name of an environment of the file, which is part of a folder's name.
struct EnvironmentName: ExpressibleByArgument, Sendable, Hashable {
    static let limit = 63

    let text: String

    init?(argument: String) {
        guard (1...Self.limit).contains(argument.utf8.count),
            argument.utf8.allSatisfy({ Self.isAllowed($0) })
        else { return nil }
        text = argument
    }

    /// ASCII letters, digits, `-` and `_`.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension String {
    /// As one word of a POSIX shell, quoted only where it must be.
    var shellWord: String {
        let plain = !isEmpty && utf8.allSatisfy { byte in Self.plainBytes.contains(byte) }
        return plain ? self : "'" + replacing("'", with: "'\\''") + "'"
    }

    private static let plainBytes = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/:@%+=,".utf8)
}
