import AloftSystem
import Dispatch
import Synchronization

/// Prints lines on a thread of its own, so that a terminal that was stopped (Ctrl-S) stops nothing else.
///
/// At most `limit` lines wait; more are left out, and the number is said once the terminal takes lines again.
final class LinePrinter: Sendable {
    static let limit = 1000

    private let queue = DispatchQueue(label: "aloft.terminal")
    private let state = Mutex(State())

    private struct State {
        var waiting = 0
        var dropped = 0
        var isGone = false
    }

    func print(_ text: String) {
        let isTaken = state.withLock { state in
            guard !state.isGone else { return false }
            guard state.waiting < Self.limit else {
                state.dropped += 1
                return false
            }
            state.waiting += 1
            return true
        }
        if isTaken { queue.async { self.write(text) } }
    }

    /// Returns once all is printed, after a second at most.
    func finish() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + 1)
    }

    private func write(_ text: String) {
        let dropped = state.withLock { state in
            state.waiting -= 1
            defer { state.dropped = 0 }
            return state.dropped
        }
        let notice = dropped > 0 ? "… \(dropped) lines left out; `aloft events` has them\n" : ""
        if !OwnProcess.write(Array((notice + text).utf8), to: 1) { state.withLock { $0.isGone = true } }
    }
}
