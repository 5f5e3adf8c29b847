import CAloftSystem
import Glibc
import Synchronization

/// One thread for all waiting on descriptors outside the data plane: ends of processes, connects, pipes of probes.
///
/// Handlers run on that thread and must not block. The thread sleeps in epoll_wait while nothing happens.
final class Reactor: Sendable {
    typealias Handler = @Sendable () -> Void

    private struct State {
        /// Numbers of registrations are never given twice, so that a late event of a closed descriptor finds nothing.
        var lastToken: UInt64 = 0
        var handlers: [UInt64: Handler] = [:]
        /// Asked every `pollInterval` until it says true: what can't be waited for by a descriptor.
        var polled: [UInt64: @Sendable () -> Bool] = [:]
        var threadRuns = false
    }

    private static let pollInterval: Int32 = 100
    private static let shared = Mutex<Reactor?>(nil)

    private let epoll: Descriptor
    /// Wakes the thread when something polled is added.
    private let wakeup: Descriptor
    private let state = Mutex(State())

    /// The process's one reactor, made when it is first asked for.
    static func get() throws(SystemError) -> Reactor {
        let result: Result<Reactor, SystemError> = shared.withLock { existing in
            if let existing { return .success(existing) }
            do throws(SystemError) {
                let made = try Reactor()
                existing = made
                return .success(made)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init() throws(SystemError) {
        let number = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard number >= 0 else { throw SystemError("wait for processes (epoll_create1)") }
        epoll = Descriptor(owning: number)
        let event = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard event >= 0 else { throw SystemError("wait for processes (eventfd)") }
        wakeup = Descriptor(owning: event)
        try register(event, events: EPOLLIN.rawValue, token: 0)
    }

    /// Calls the handler each time the descriptor is readable (or, with `writing`, writable), until `remove`.
    ///
    /// - Parameter once: Only the first time; for handlers that leave the reading to another thread, which would be
    ///   called again and again until that has read.
    func add(
        _ descriptor: Int32, writing: Bool = false, once: Bool = false, handler: @escaping Handler
    ) throws(SystemError) -> UInt64 {
        let token = state.withLock { state in
            state.lastToken += 1
            state.handlers[state.lastToken] = handler
            return state.lastToken
        }
        do throws(SystemError) {
            let event = (writing ? EPOLLOUT : EPOLLIN).rawValue
            try register(descriptor, events: once ? event | EPOLLONESHOT.rawValue : event, token: token)
        } catch {
            state.withLock { _ = $0.handlers.removeValue(forKey: token) }
            throw error
        }
        try startThread()
        return token
    }

    /// Ends what `add` began; the caller closes the descriptor after this.
    func remove(_ token: UInt64, _ descriptor: Int32) {
        state.withLock { _ = $0.handlers.removeValue(forKey: token) }
        epoll_ctl(epoll.number, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Calls `ended` every 100 ms until it says true: for what has no descriptor.
    func poll(_ ended: @escaping @Sendable () -> Bool) throws(SystemError) {
        state.withLock { state in
            state.lastToken += 1
            state.polled[state.lastToken] = ended
        }
        try startThread()
        var one: UInt64 = 1
        _ = retrying { write(wakeup.number, &one, 8) }
    }

    private func register(_ descriptor: Int32, events: UInt32, token: UInt64) throws(SystemError) {
        var event = epoll_event()
        event.events = events
        event.data.u64 = token
        guard epoll_ctl(epoll.number, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            throw SystemError("wait for a descriptor (epoll_ctl)")
        }
    }

    private func startThread() throws(SystemError) {
        let runs = state.withLock { state in
            defer { state.threadRuns = true }
            return state.threadRuns
        }
        if runs { return }
        var thread = pthread_t()
        let owner = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Reactor>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, owner.toOpaque())
        guard code == 0 else {
            owner.release()
            state.withLock { $0.threadRuns = false }
            throw SystemError("start a thread", code: code)
        }
        pthread_detach(thread)
    }

    private func run() {
        blockSignals()
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let timeout = state.withLock { $0.polled.isEmpty ? -1 : Self.pollInterval }
            let count = Int(epoll_wait(epoll.number, &events, Int32(events.count), timeout))
            for index in 0..<max(0, count) {
                let token = events[index].data.u64
                if token == 0 { drainWakeup() } else { state.withLock { $0.handlers[token] }?() }
            }
            runPolled()
        }
    }

    private func runPolled() {
        for (token, ended) in state.withLock({ $0.polled }) where ended() {
            state.withLock { _ = $0.polled.removeValue(forKey: token) }
        }
    }

    private func drainWakeup() {
        var value: UInt64 = 0
        _ = retrying { read(wakeup.number, &value, 8) }
    }

    /// Signals are for the threads of the daemon that expect them.
    private func blockSignals() {
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, nil)
    }
}
