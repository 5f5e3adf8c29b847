import AloftModel
import AloftSystem
import Foundation
import Synchronization

@testable import AloftLogs

extension Timestamp {
    static func seconds(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }
}

extension MonotonicTime {
    static func seconds(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }
}

extension LogSpec {
    static func keeping(_ size: ByteSize = .gibibytes(1), for retention: Duration = .seconds(7 * 86_400)) -> LogSpec {
        LogSpec(retention: retention, maxSize: size, level: .info, access: Percent(100))
    }
}

/// A wall clock that is set by hand.
final class HandClock: Sendable {
    private let time: Mutex<Timestamp>

    init(_ seconds: Int64 = 1_800_000_000) { time = Mutex(.seconds(seconds)) }

    var now: Timestamp { time.withLock { $0 } }

    func advance(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
}

/// Collects events.
final class EventList: Sendable {
    private let events = Mutex<[Event]>([])

    var kinds: [String] { events.withLock { $0.map(\.kind) } }

    var all: [Event] { events.withLock { $0 } }

    func add(_ event: Event) { events.withLock { $0.append(event) } }
}

/// A folder of its own for each test, removed at the end.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "aloft-logs-" + UUID().uuidString
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            preconditionFailure("no temporary folder: \(error)")
        }
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind \(path): \(error)") }
    }

    func make(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
        return path + "/" + name
    }
}

/// A tmpfs of a given size, unmounted at the end.
final class SmallDisk: Sendable {
    let path: String

    init(at path: String, size: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Self.run("mount", ["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", path])
    }

    deinit {
        do { try Self.run("umount", ["-l", path]) } catch { print("left mounted \(path): \(error)") }
    }

    private static func run(_ command: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [command] + arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableNotLoadable) }
    }
}

func line(_ text: String) -> [UInt8] { Array((text + "\n").utf8) }

/// A record as the edge or the daemon would hand it over.
func record(_ time: Timestamp, _ message: String, service: String? = nil) -> [UInt8] {
    line(#"{"time":"\#(time)",\#(service.map { #""service":"\#($0)","# } ?? "")"message":"\#(message)"}"#)
}

/// Names of the segments of a stream, oldest first.
func segmentNames(_ directory: String, _ stream: LogStream) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory + "/" + stream.rawValue).sorted()
}

/// All bytes of a stream, in order.
func content(_ directory: String, _ stream: LogStream) throws -> String {
    try segmentNames(directory, stream).map { name in
        try String(contentsOfFile: directory + "/" + stream.rawValue + "/" + name, encoding: .utf8)
    }.joined()
}
