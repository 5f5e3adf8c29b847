import AloftJournal
import AloftModel
import Synchronization

/// Passes each event on: to whoever watches the terminal, the daemon's log, the journal, and those who follow it.
package final class EventHub: Sendable {
    /// Most that are written in one transaction.
    private static let batchLimit = 256

    private let queue: EventQueue
    private let journal: Journal
    private let log: DaemonLog
    private let show: @Sendable (Event) -> Void
    private let state = Mutex(State())

    private struct State {
        var lost = 0
        var journalFails = false
        var isFinished = false
        var followers: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextFollower = 0
    }

    /// - Parameter show: called for each event in order; must not block.
    package init(queue: EventQueue, journal: Journal, log: DaemonLog, show: @escaping @Sendable (Event) -> Void) {
        self.queue = queue
        self.journal = journal
        self.log = log
        self.show = show
    }

    /// Events that never reached the journal.
    package var lost: Int { queue.dropped + state.withLock { $0.lost } }

    /// Passes events on until the queue is finished and empty.
    package func run() async {
        for await _ in queue.wake {
            while true {
                let batch = queue.take(Self.batchLimit)
                if batch.isEmpty { break }
                for event in batch {
                    show(event)
                    log.write(event)
                }
                await keep(batch)
            }
            if queue.isOver { break }
        }
        let followers = state.withLock { state in
            state.isFinished = true
            defer { state.followers = [:] }
            return Array(state.followers.values)
        }
        for follower in followers { follower.finish() }
    }

    /// A signal each time the journal has new events, the first at once; ask it then for those past the last id seen.
    package func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number: Int? = state.withLock { state in
            guard !state.isFinished else { return nil }
            state.nextFollower += 1
            state.followers[state.nextFollower] = continuation
            return state.nextFollower
        }
        continuation.yield()
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.followers.removeValue(forKey: number) }
        }
        return stream
    }

    /// A journal that cannot be written loses its events, not the daemon: the log and the terminal have them.
    private func keep(_ batch: [Event]) async {
        do {
            try await journal.record(batch)
            let followers = state.withLock { state in
                state.journalFails = false
                return Array(state.followers.values)
            }
            for follower in followers { follower.yield() }
        } catch {
            let isFirst = state.withLock { state in
                defer { state.journalFails = true }
                state.lost += batch.count
                return !state.journalFails
            }
            guard isFirst else { return }
            log.write(
                DaemonLog.Entry(
                    time: .now, level: .error, label: "journal", message: "events cannot be kept", kind: nil,
                    fields: [("error", "\(error)")]))
        }
    }
}
