import AloftModel
import AloftScaling
import Synchronization

/// A clock that stands still until it is moved; a sleep moves it to its end at once.
final class FakeTime: ScalingClock {
    private let state: Mutex<(moment: Moment, end: Duration)>

    /// - Parameter end: A sleep past it is cancelled.
    init(_ start: Timestamp = .noon, end: Duration = .seconds(1_000_000)) {
        state = Mutex((Moment(monotonic: .seconds(1000), wall: start), .seconds(1000) + end))
    }

    var now: Moment { state.withLock { $0.moment } }

    func advance(_ time: Duration) {
        state.withLock {
            $0.moment.monotonic += time
            $0.moment.wall = $0.moment.wall + time
        }
    }

    /// Somebody sets the wall clock.
    func setWall(_ wall: Timestamp) { state.withLock { $0.moment.wall = wall } }

    func sleep(until monotonic: Duration) async throws {
        let wait = monotonic - now.monotonic
        guard monotonic <= state.withLock({ $0.end }) else { throw CancellationError() }
        if wait > .zero { advance(wait) }
        await Task.yield()
    }
}

extension Timestamp {
    /// 2026-11-21T12:00:00Z, a Saturday.
    static let noon = Timestamp(nanoseconds: 1_795_262_400_000_000_000)
}

/// History in memory, that a second scaler finds again.
actor MemoryStore: ScalingStore {
    struct Full: Error {}

    private(set) var texts: [String: String] = [:]
    private(set) var saves = 0
    var isFull = false

    func load(_ service: String) -> String? { texts[service] }

    func save(_ text: String, of service: String) throws {
        guard !isFull else { throw Full() }
        texts[service] = text
        saves += 1
    }

    func put(_ text: String, _ service: String) { texts[service] = text }
    func fill() { isFull = true }
}
