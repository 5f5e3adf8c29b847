import AloftSystem
import CAloftReactor
import Glibc

/// What other threads hold of a loop: they submit work, which runs on it in the order it came, and stop it.
package final class LoopHandle: Sendable {
    package typealias Work = @Sendable (Loop) -> Void

    /// Pieces of work that may wait. A loop that has not got to so many is stuck, and more would not help it.
    package static let limit = 4096
    /// Names the eventfd among epoll's events; no slot has it.
    static let token: UInt64 = 0

    private struct State {
        var work: [Work] = []
        /// Somebody has asked it to stop; it takes no more work once it does.
        var isStopping = false
        var isStopped = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var hasEnded = false
    }

    let epoll: Descriptor
    private let wakeup: Descriptor
    private let state = Guarded(State())

    /// Starts a loop on a thread of its own.
    ///
    /// - Parameter name: Of the thread, as `top -H` and `perf` show it; 15 bytes at most count.
    package static func start(name: String) throws(SystemError) -> LoopHandle {
        let handle = try LoopHandle()
        try LoopThread.start(name: name) {
            Loop(handle).run()
        } ended: {
            handle.ended()
        }
        return handle
    }

    private init() throws(SystemError) {
        let number = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard number >= 0 else { throw SystemError("make an event loop (epoll_create1)") }
        epoll = Descriptor(owning: number)
        let event = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard event >= 0 else { throw SystemError("make an event loop (eventfd)") }
        wakeup = Descriptor(owning: event)
        var interest = epoll_event()
        interest.events = EPOLLIN.rawValue | EPOLLET.rawValue
        interest.data.u64 = Self.token
        guard epoll_ctl(number, EPOLL_CTL_ADD, event, &interest) == 0 else {
            throw SystemError("make an event loop (epoll_ctl)")
        }
    }

    /// Has the loop run `work` soon.
    ///
    /// - Throws: `stopped` after `stop`, and `busy` while `limit` pieces wait; the work is not run then.
    package func submit(_ work: @escaping Work) throws(ReactorError) {
        let outcome: Result<Bool, ReactorError> = state.withLock { state in
            if state.isStopped { return .failure(.stopped) }
            if state.work.count >= Self.limit { return .failure(.busy) }
            state.work.append(work)
            return .success(state.work.count == 1)
        }
        if try outcome.get() { wake() }
    }

    /// Runs `work` on the loop and waits for its value.
    package func run<Value: Sendable>(_ work: @escaping @Sendable (Loop) -> Value) async throws(ReactorError) -> Value {
        let result: Result<Value, ReactorError> = await withCheckedContinuation { continuation in
            do throws(ReactorError) {
                try submit { loop in continuation.resume(returning: .success(work(loop))) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    /// Pieces of work that wait.
    package var depth: Int { state.withLock { $0.work.count } }

    /// Closes everything the loop has, at once, and returns when its thread has ended. What was submitted before runs.
    package func stop() async {
        state.withLock { $0.isStopping = true }
        wake()
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.waiters.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func wake() {
        var one: UInt64 = 1
        // The count is far from full; nothing else can fail.
        _ = write(wakeup.number, &one, 8)
    }

    // MARK: On the loop

    /// Runs what was submitted up to now; what is submitted meanwhile waits for the next turn.
    func runSubmitted(on loop: Loop) {
        var count: UInt64 = 0
        _ = read(wakeup.number, &count, 8)
        let (work, isStopping) = state.withLock { state in
            defer { state.work = [] }
            return (state.work, state.isStopping)
        }
        if isStopping { loop.requestStop() }
        for piece in work { piece(loop) }
    }

    /// Takes no more work; true where some waits still.
    func finish() -> Bool {
        state.withLock { state in
            state.isStopped = true
            return !state.work.isEmpty
        }
    }

    private func ended() {
        let waiters = state.withLock { state in
            state.hasEnded = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
