import AloftJournal
import AloftLogs
import AloftModel
import ServiceLifecycle

/// Which events of the journal somebody wants.
struct EventHistory: Sendable, Hashable {
    var since: Timestamp?
    var subject: String?
    var severity: Event.Severity
    /// The newest so many of the past; 0 is none.
    var limit: Int
}

/// What happened and what was printed, for those who ask later.
struct Records: Sendable {
    let journal: Journal
    let hub: EventHub
    let reader: LogReader

    /// Gives the events that fit, oldest first; with `follow` goes on with new ones until shutdown or cancellation.
    ///
    /// Ids of the journal tie past and future together: none is given twice, none is left out.
    func stream(
        _ history: EventHistory, follow: Bool, _ give: (Event) async throws -> Void
    ) async throws {
        let changes = hub.changes()
        var query = EventQuery(
            since: history.since, subject: history.subject, severity: history.severity, limit: history.limit)
        if history.limit == 0 { query.after = try await journal.events(EventQuery(limit: 1)).last?.id ?? 0 }
        for await _ in changes.cancelOnGracefulShutdown() {
            for entry in try await journal.events(query) {
                try await give(entry.event)
                query.after = entry.id
            }
            if !follow { return }
            query.limit = Journal.eventLimit
            query.after = query.after ?? 0
        }
    }

    func logs(_ query: LogQuery, follow: Bool) -> LogRecords { reader.records(query, follow: follow) }
}
