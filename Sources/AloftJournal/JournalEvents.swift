import AloftModel
import GRDB

/// An event with its place in the journal.
package struct JournaledEvent: Sendable, Hashable {
    /// Grows with each event, never used twice; ask for what comes after it to follow.
    package let id: Int64
    package let event: Event
}

/// Which events; all conditions hold together.
package struct EventQuery: Sendable, Hashable {
    /// At or after this time.
    package var since: Timestamp?
    /// Past this id: for following.
    package var after: Int64?
    /// Exactly this subject, or, for a service, its replicas too: `web` fits `web` and `web-2`.
    package var subject: String?
    /// At least this severe.
    package var severity: Event.Severity
    /// The newest so many, or with `after` the next so many; at most ``Journal/eventLimit``.
    package var limit: Int

    package init(
        since: Timestamp? = nil, after: Int64? = nil, subject: String? = nil, severity: Event.Severity = .notice,
        limit: Int = 1000
    ) {
        self.since = since
        self.after = after
        self.subject = subject
        self.severity = severity
        self.limit = limit
    }
}

extension Journal {
    /// Writes events in one transaction and removes the oldest past the limit.
    package func record(_ events: [Event]) async throws(JournalError) {
        guard !events.isEmpty else { return }
        let limit = Int64(eventLimit)
        try await write("recording events") { database in
            for event in events {
                try database.execute(
                    sql: "INSERT INTO events (time, severity, kind, subject, message) VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        event.time.nanoseconds, event.severity.rank, event.kind, event.subject, event.message,
                    ])
            }
            try database.execute(
                sql: "DELETE FROM events WHERE id <= ?", arguments: [database.lastInsertedRowID - limit])
        }
    }

    /// Writes one event.
    package func record(_ event: Event) async throws(JournalError) { try await record([event]) }

    /// The events that fit, oldest first.
    package func events(_ query: EventQuery = EventQuery()) async throws(JournalError) -> [JournaledEvent] {
        try await read("reading events") { database in try query.fetch(database) }
    }
}
