import AloftLogs
import AloftModel
import AloftSystem
import Foundation
import Logging
import Synchronization

/// Aloft's own log: JSON lines in the daemon stream, and warnings for people on stderr.
package final class DaemonLog: Sendable {
    private let store: LogStore
    private let level: Mutex<Logger.Level>
    /// Warnings and errors also go to stderr; events do not, the terminal shows those already.
    private let writesToStandardError: Bool

    package init(store: LogStore, level: LogSpec.Level, writesToStandardError: Bool) {
        self.store = store
        self.level = Mutex(level.loggerLevel)
        self.writesToStandardError = writesToStandardError
    }

    /// Takes the level of a reloaded file.
    package func change(level: LogSpec.Level) { self.level.withLock { $0 = level.loggerLevel } }

    /// A logger whose entries come here; its level follows the file.
    package func logger(_ label: String) -> Logger {
        Logger(label: label) { DaemonLogHandler(log: self, label: $0) }
    }

    var leastLevel: Logger.Level { level.withLock { $0 } }

    /// Writes one entry. Blocks on nothing but stderr, and that only for warnings.
    func write(_ entry: Entry) {
        guard entry.level >= leastLevel else { return }
        store.append(.daemon, entry.jsonLine)
        if writesToStandardError, entry.level >= .warning, entry.kind == nil {
            OwnProcess.write(Array(entry.text.utf8), to: 2)
        }
    }

    /// One line of the log.
    struct Entry: Sendable {
        var time: Timestamp
        var level: Logger.Level
        var label: String
        var message: String
        /// `Event.kind`, for entries that are events.
        var kind: String?
        var fields: [(String, String)]

        var jsonLine: [UInt8] {
            var line = JSONLine()
            line.add("time", time.description)
            line.add("level", level.rawValue)
            line.add("from", label)
            if let kind { line.add("kind", kind) }
            line.add("message", message)
            for (name, value) in fields { line.add(name, value) }
            return line.finished
        }

        var text: String {
            let values = fields.map { "  \($0.0)=\($0.1)" }.joined()
            return "\(level.rawValue): \(message)\(values)\n"
        }
    }
}

/// Writes an event as an entry of the log.
extension DaemonLog {
    func write(_ event: Event) {
        let level: Logger.Level =
            switch event.severity {
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
        write(
            Entry(
                time: event.time, level: level, label: "event", message: event.message, kind: event.kind,
                fields: [("subject", event.subject)]))
    }
}

/// swift-log's side of `DaemonLog`.
struct DaemonLogHandler: LogHandler {
    let log: DaemonLog
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    let label: String

    init(log: DaemonLog, label: String) {
        self.log = log
        self.label = label
    }

    /// The file's; setting it on one logger changes nothing, so that a reload reaches all of them.
    var logLevel: Logger.Level {
        get { log.leastLevel }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        var fields = all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) }
        if let error = event.error { fields.append(("error", "\(error)")) }
        log.write(
            DaemonLog.Entry(
                time: .now, level: event.level, label: label, message: event.message.description, kind: nil,
                fields: fields))
    }
}

extension LogSpec.Level {
    var loggerLevel: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }
}

extension Timestamp {
    /// The wall clock.
    package static var now: Timestamp { Timestamp(nanoseconds: SystemTime().wallNanoseconds) }
}
