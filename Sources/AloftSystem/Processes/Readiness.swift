import Glibc
import Synchronization

/// Waits once for a descriptor to become readable or writable.
final class Readiness: Sendable {
    private struct State {
        /// The first answer counts.
        var answer: Bool?
        var continuation: CheckedContinuation<Bool, Never>?
    }

    private let state = Mutex(State())

    /// - Returns: False where the task was cancelled first.
    func wait(for descriptor: Descriptor, writing: Bool) async throws(SystemError) -> Bool {
        let reactor = try Reactor.get()
        let token = try reactor.add(descriptor.number, writing: writing, once: true) { [self] in finish(true) }
        defer { reactor.remove(token, descriptor.number) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state in
                    if state.answer == nil { state.continuation = continuation }
                    return state.answer
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            finish(false)
        }
    }

    private func finish(_ ready: Bool) {
        let waiting = state.withLock { state in
            if state.answer == nil { state.answer = ready }
            defer { state.continuation = nil }
            return state.continuation
        }
        waiting?.resume(returning: ready)
    }
}
