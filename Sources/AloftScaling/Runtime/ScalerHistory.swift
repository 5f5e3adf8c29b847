import AloftModel
import Foundation
import Logging

/// What the scaler writes down, so that a restart is no reason to scale.
extension Scaler {
    static var mostBytes: Int { 256 << 10 }

    /// History that cannot be read costs a window, nothing else: it is logged and left behind.
    func load(_ service: ServiceSpec) async -> Watched {
        var text: String?
        do {
            text = try await ports.store.load(service.name)
        } catch {
            ports.logger.warning(
                "the history of scaling could not be read",
                metadata: ["service": "\(service.name)", "error": "\(error)"])
        }
        let now = ports.clock.now
        guard let text, let record = decode(text, of: service.name) else {
            return Watched(service: service, state: ScalingState(), points: [], due: now.monotonic)
        }
        return Watched(
            service: service, state: record.state(now: now),
            points: Array(record.points(now: now).suffix(Watched.mostPoints)), due: now.monotonic)
    }

    func save(_ name: String, at now: Moment) async {
        guard let entry = watched[name] else { return }
        watched[name]?.savedAt = now.monotonic
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let record = ScalingRecord(entry.state, points: entry.points, now: now)
            let text = String(decoding: try encoder.encode(record), as: UTF8.self)
            try await ports.store.save(text, of: name)
            watched[name]?.isSaveFailing = false
        } catch {
            if watched[name]?.isSaveFailing == false {
                ports.logger.warning(
                    "the history of scaling could not be saved", metadata: ["service": "\(name)", "error": "\(error)"])
            }
            watched[name]?.isSaveFailing = true
        }
    }

    private func decode(_ text: String, of name: String) -> ScalingRecord? {
        do {
            guard text.utf8.count <= Self.mostBytes else { throw CocoaError(.fileReadTooLarge) }
            let record = try JSONDecoder().decode(ScalingRecord.self, from: Data(text.utf8))
            guard record.version == 1 else { throw CocoaError(.coderReadCorrupt) }
            return record
        } catch {
            ports.logger.warning(
                "the history of scaling is not understood", metadata: ["service": "\(name)", "error": "\(error)"])
            return nil
        }
    }
}

/// One JSON file for each service in a directory; a file is replaced whole or not at all.
package struct DirectoryScalingStore: ScalingStore {
    private let directory: String

    /// - Parameter directory: Made at the first save, mode 0700.
    package init(directory: String) { self.directory = directory }

    package func load(_ service: String) async throws -> String? {
        let path = path(of: service)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        let data = try handle.read(upToCount: Scaler.mostBytes + 1) ?? Data()
        try handle.close()
        return String(decoding: data, as: UTF8.self)
    }

    package func save(_ text: String, of service: String) async throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(of: service)), options: .atomic)
    }

    /// Names of services have no slash; one that had would not leave the directory either.
    private func path(of service: String) -> String {
        directory + "/" + service.replacing("/", with: "_") + ".json"
    }
}
