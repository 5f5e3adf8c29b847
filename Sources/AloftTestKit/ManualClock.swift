import AloftSystem
import Synchronization

/// A clock that stands still until a test moves it; the wall clock can be set back on its own.
package final class ManualClock: TimeSource {
    private struct Sleeper {
        let deadline: MonotonicTime
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
        var wall: Int64 = 1_800_000_000_000_000_000
        var sleepers: [UInt64: Sleeper] = [:]
        var last: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    package var wallNanoseconds: Int64 { state.withLock { $0.wall } }
    package var now: MonotonicTime { state.withLock { $0.now } }

    /// Deadlines somebody sleeps until, as times from now.
    package var pending: [Duration] {
        state.withLock { state in state.sleepers.values.map { $0.deadline - state.now }.sorted() }
    }

    package func advance(by time: Duration) {
        let woken = state.withLock { state in
            state.now = state.now + time
            state.wall += Int64(time / .nanoseconds(1))
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for number in due.keys { state.sleepers[number] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume(returning: true) }
    }

    package func setWallBack(by time: Duration) { state.withLock { $0.wall -= Int64(time / .nanoseconds(1)) } }

    package func sleep(until deadline: MonotonicTime) async throws {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        let slept = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if deadline <= state.now { return true }
                    state.sleepers[number] = Sleeper(deadline: deadline, continuation: continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: number) }?.continuation.resume(returning: false)
        }
        if !slept { throw CancellationError() }
    }
}
