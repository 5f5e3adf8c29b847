import Synchronization

/// Lets one task sleep until another has news; a signal that comes first is not lost.
package final class Wake: Sendable {
    private struct State {
        var isSignalled = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func signal() {
        let waiter = state.withLock { state in
            state.isSignalled = true
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Returns after a signal since the last wait, or once the task is cancelled. For one waiter at a time.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.isSignalled || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
            state.withLock { $0.isSignalled = false }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume()
        }
    }
}
