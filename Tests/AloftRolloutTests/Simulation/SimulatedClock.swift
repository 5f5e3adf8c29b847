import AloftSystem
import Synchronization

/// A clock that is moved by hand; whoever sleeps until a time it has reached goes on.
final class SimulatedClock: TimeSource {
    private struct Sleeper {
        var deadline: MonotonicTime
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        /// Wall clock minus monotonic clock.
        var offset: Int64 = 1_700_000_000_000_000_000
        var next = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    var now: MonotonicTime { state.withLock { $0.now } }
    var wallNanoseconds: Int64 { state.withLock { $0.now.nanoseconds + $0.offset } }

    func setWallBack(_ duration: Duration) {
        state.withLock { $0.offset -= Int64(duration.components.seconds) * 1_000_000_000 }
    }

    func sleep(until deadline: MonotonicTime) async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if state.now >= deadline { return .success(()) }
                    state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// How long the next one sleeps.
    var untilNext: Duration? {
        state.withLock { state in state.sleepers.values.map(\.deadline).min().map { $0 - state.now } }
    }

    func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.now = state.now + duration
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }
}
