import AloftJournal
import AloftLogs
import AloftModel
import Foundation

/// Reads the journal and the logs of a daemon that does not run, as after a crash.
package struct PastRecords: Sendable {
    private let paths: StatePaths

    package init(paths: StatePaths) { self.paths = paths }

    package var hasJournal: Bool { FileManager.default.fileExists(atPath: paths.journal) }
    package var hasLogs: Bool { FileManager.default.fileExists(atPath: paths.logs) }

    /// Oldest first.
    package func events(
        since: Timestamp?, subject: String?, severity: Event.Severity, limit: Int
    ) async throws -> [Event] {
        let journal = try Journal(path: paths.journal, access: .readOnly)
        let query = EventQuery(since: since, subject: subject, severity: severity, limit: limit)
        let events = try await journal.events(query).map(\.event)
        try journal.close()
        return events
    }

    /// Newest records and events that are looked through for names.
    package static let namesLimit = 10_000

    /// What events are about, of late.
    package func subjects() async throws -> Set<String> {
        Set(
            try await events(since: nil, subject: nil, severity: .notice, limit: Self.namesLimit).map(\.subject))
    }

    /// Gives each record's JSON line, oldest first, until `take` returns false.
    package func logs(
        service: String?, replica: String?, stream: String?, since: Timestamp?, tail: Int?,
        _ take: ([UInt8]) throws -> Bool
    ) async throws {
        let query = LogQuery(
            service: service, replica: replica, output: stream.flatMap(LogQuery.Output.init), since: since, tail: tail)
        for try await record in LogReader(directory: paths.logs).records(query) {
            guard try take(record.line) else { return }
        }
    }
}
