import AloftModel
import Synchronization

/// Where every part of the daemon puts its events; made before any of them, so that none has to be wired later.
///
/// `publish` never blocks: events wait in a bounded queue, and those that do not fit are counted.
package final class EventQueue: Sendable {
    /// Events that may wait.
    package static let limit = 10_000

    private let state = Mutex(State())
    let wake: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    private struct State {
        var events: [Event] = []
        var dropped = 0
        var isFinished = false
    }

    package init() {
        (wake, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// From any thread.
    package func publish(_ event: Event) {
        state.withLock { state in
            if state.events.count < Self.limit { state.events.append(event) } else { state.dropped += 1 }
        }
        waker.yield()
    }

    package func publish(_ severity: Event.Severity, _ kind: String, _ subject: String, _ message: String) {
        publish(Event(time: .now, severity: severity, kind: kind, subject: subject, message: message))
    }

    /// Events that did not fit.
    package var dropped: Int { state.withLock { $0.dropped } }

    /// No more is expected: the reader ends once the queue is empty.
    package func finish() {
        state.withLock { $0.isFinished = true }
        waker.yield()
    }

    /// The oldest events, removed; empty where there are none.
    func take(_ count: Int) -> [Event] {
        state.withLock { state in
            let batch = Array(state.events.prefix(count))
            state.events.removeFirst(batch.count)
            return batch
        }
    }

    var isOver: Bool { state.withLock { $0.isFinished && $0.events.isEmpty } }
}
