import CAloftSystem
import Glibc
import Synchronization

/// How a process ended.
package enum ProcessEnding: Sendable, Hashable {
    case exited(Int32)
    case signaled(Int32)
    /// It was not a child of this process, so the system does not tell.
    case unknown
}

/// Waits for the end of one process, child or not, and reaps it if it is a child.
///
/// The wait costs one descriptor (pidfd_open(2)) and no thread; where there is none left, or the kernel knows no
/// pidfds, the process is asked for ten times a second instead. A watch that is dropped still reaps its child.
package final class ProcessWatch: Sendable {
    private struct State {
        var ending: ProcessEnding?
        var waiting: [UInt64: CheckedContinuation<ProcessEnding?, Never>] = [:]
        var lastWaiter: UInt64 = 0
    }

    package let identity: ProcessIdentity
    private let state = Mutex(State())
    private let pidfd = Mutex<Descriptor?>(nil)
    private let registration = Mutex<UInt64?>(nil)

    /// - Throws: With `ESRCH` where the process has ended (and is not a child), or the pid is another's by now.
    package init(_ identity: ProcessIdentity) throws(SystemError) {
        self.identity = identity
        Children.claim(identity.pid)
        do throws(SystemError) {
            try begin()
        } catch {
            Children.release(identity.pid)
            throw error
        }
    }

    private func begin() throws(SystemError) {
        let number = aloft_pidfd_open(identity.pid)
        let code = errno
        // The identity is checked after the descriptor was opened: from here on the descriptor can't mean another.
        guard try ProcessWatch.exists(identity) else {
            if number >= 0 { close(number) }
            throw SystemError("find process", "\(identity.pid)", code: ESRCH)
        }
        if number >= 0 {
            try watch(Descriptor(owning: number))
        } else if code == ESRCH {
            throw SystemError("find process", "\(identity.pid)", code: ESRCH)
        } else {
            try poll()
        }
    }

    /// Nil while the process runs.
    package var ending: ProcessEnding? { state.withLock { $0.ending } }

    /// Waits for the end.
    /// - Returns: Nil where the task is cancelled first.
    package func wait() async -> ProcessEnding? {
        let waiter = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready: ProcessEnding?? = state.withLock { state in
                    if let ending = state.ending { return .some(ending) }
                    if Task.isCancelled { return .some(nil) }
                    state.waiting[waiter] = continuation
                    return .none
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume(returning: nil)
        }
    }

    /// Sends a signal to this process and never to another that got its pid. One that has ended is fine.
    package func signal(_ number: Int32) throws(SystemError) {
        guard ending == nil else { return }
        let sent: Int32? = pidfd.withLock { descriptor in
            descriptor.map { aloft_pidfd_send_signal($0.number, number) }
        }
        let result = sent ?? (identity.isRunning ? kill(identity.pid, number) : 0)
        if result != 0 && errno != ESRCH { throw SystemError("signal process", "\(identity.pid)") }
    }

    /// A child that ended and was not reaped counts: its end is still to be learnt.
    private static func exists(_ identity: ProcessIdentity) throws(SystemError) -> Bool {
        guard try identity.boot == ProcessIdentity.currentBoot() else { return false }
        do throws(SystemError) {
            return try ProcessRow(pid: identity.pid).startTicks == identity.startTicks
        } catch {
            if error.isAbsence { return false }
            throw error
        }
    }

    private func watch(_ descriptor: Descriptor) throws(SystemError) {
        pidfd.withLock { $0 = descriptor }
        let reactor = try Reactor.get()
        // Holds self until the process ends: a dropped watch must still reap.
        let token = try reactor.add(descriptor.number) { [self] in
            // Called again at once where the process ended before the registration was written down.
            guard let token = registration.withLock({ $0 }), let ending = reap() else { return }
            reactor.remove(token, descriptor.number)
            finish(ending)
        }
        registration.withLock { $0 = token }
    }

    private func poll() throws(SystemError) {
        try Reactor.get().poll { [self] in
            guard let ending = reap() else { return false }
            finish(ending)
            return true
        }
    }

    /// Reaps where this is our child; nil where it still runs.
    private func reap() -> ProcessEnding? {
        var exit = aloft_exit()
        if aloft_reap(identity.pid, &exit) == 0 {
            guard exit.ended != 0 else { return nil }
            return exit.signaled != 0 ? .signaled(exit.value) : .exited(exit.value)
        }
        return identity.isRunning ? nil : .unknown
    }

    private func finish(_ ending: ProcessEnding) {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            state.ending = ending
            return state.waiting
        }
        pidfd.withLock { $0 = nil }
        Children.release(identity.pid)
        for continuation in waiting.values { continuation.resume(returning: ending) }
    }
}
