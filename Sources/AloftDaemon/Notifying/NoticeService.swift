import AloftJournal
import AloftModel
import AloftNotifications
import Logging
import ServiceLifecycle

/// Follows the journal, and tells people what concerns them; also what happened while no daemon could tell.
///
/// An event counts as told once the outbox has its notice. A crash between the two posts it again, which the notifier
/// recognises by key and title.
struct NoticeService: Service {
    /// What is older when it is read was told too late to be of use.
    static let oldest = Duration.seconds(24 * 3600)
    private static let seen = "notifications/seen"
    private static let batch = 256

    let notifier: Notifier
    let journal: Journal
    let hub: EventHub
    /// The last event that people were told of.
    let start: Int64
    /// The one that this daemon runs.
    let environment: String?
    /// The channel of `notifications` that a job's `onFailure` names.
    let channel: @Sendable (_ job: String) -> String?
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await notifier.run() }
                tasks.addTask { await follow() }
            }
        }
    }

    private func follow() async {
        var cursor = start
        for await _ in hub.changes() {
            do {
                while try await read(past: &cursor) {}
            } catch {
                // The next event tries again from the same place.
                logger.error("people are not told of events", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Where the daemon before ended; in a new state directory, and after an update, what comes from now on.
    static func start(in journal: Journal) async throws(JournalError) -> Int64 {
        if let text = try await journal.fact(seen), let seen = Int64(text) { return seen }
        return try await journal.events(EventQuery(limit: 1)).last?.id ?? 0
    }

    /// Posts what the next batch of events says; false where there are no more.
    private func read(past cursor: inout Int64) async throws -> Bool {
        let events = try await journal.events(EventQuery(after: cursor, limit: Self.batch))
        guard let last = events.last else { return false }
        var posted = false
        for event in events.map(\.event) where .now - event.time < Self.oldest {
            for posting in NoticeBook.postings(of: event, in: environment) {
                let named = posting.job.flatMap { channel($0) }
                try await notifier.post(posting.notice, also: posting.also, only: named)
                posted = true
            }
        }
        if posted { try await journal.setFact(Self.seen, "\(last.id)") }
        cursor = last.id
        return events.count == Self.batch
    }
}
