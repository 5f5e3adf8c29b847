import CAloftSystem
import Glibc
import Synchronization

/// Takes what a short-lived process prints, keeps the beginning and throws the rest away, so that it never has to wait.
package final class OutputPipe: Sendable {
    private struct State {
        var kept: [UInt8] = []
        var token: UInt64?
        var writingEnd: Descriptor?
    }

    private let limit: Int
    private let readingEnd: Descriptor
    private let state: Mutex<State>

    /// - Parameter limit: Bytes that are kept.
    package init(limit: Int) throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard aloft_pipe(&ends) == 0 else { throw SystemError("make a pipe") }
        self.limit = limit
        readingEnd = Descriptor(owning: ends[0])
        state = Mutex(State(writingEnd: Descriptor(owning: ends[1])))
        guard aloft_set_nonblocking(ends[0]) == 0 else { throw SystemError("make a pipe") }
        let reactor = try Reactor.get()
        let token = try reactor.add(ends[0]) { [weak self] in self?.readable() }
        state.withLock { $0.token = token }
    }

    deinit { stop() }

    /// What the process gets as its output; valid until `closeWritingEnd`.
    package var descriptor: Int32 { state.withLock { $0.writingEnd?.number ?? -1 } }

    /// To be called once the process has its own copy.
    package func closeWritingEnd() { state.withLock { $0.writingEnd = nil } }

    /// The first bytes that were printed until now, read to what is there.
    package func output() -> [UInt8] {
        readable()
        return state.withLock { $0.kept }
    }

    /// Reading from two threads at once only splits what is there between them, and what is kept is kept in a lock.
    private func readable() {
        state.withLock { state in
            var chunk = [UInt8](repeating: 0, count: 16 << 10)
            // Bounded, so that a process that prints without end does not hold the thread.
            for _ in 0..<64 {
                let count = retrying { read(readingEnd.number, &chunk, chunk.count) }
                if count == 0 { return stop(&state) }
                if count < 0 { return }
                state.kept += chunk[..<min(count, limit - state.kept.count)]
            }
        }
    }

    private func stop() { state.withLock { stop(&$0) } }

    private func stop(_ state: inout State) {
        guard let token = state.token else { return }
        state.token = nil
        do throws(SystemError) {
            try Reactor.get().remove(token, readingEnd.number)
        } catch {
            // There was a reactor to register with, so there is one now.
            assertionFailure("\(error)")
        }
    }
}
