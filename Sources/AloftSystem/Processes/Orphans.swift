import CAloftSystem
import Glibc
import Synchronization

/// Descendants whose own parents have ended.
///
/// The daemon takes them for its children (PR_SET_CHILD_SUBREAPER), which as process 1 of a container it must anyway:
/// it can say what a command left running, and reaps them when they end, or they would fill the table of processes.
package enum Orphans {
    /// Watches end their children within a moment; what is not reaped by then is nobody's.
    private static let pause = Duration.milliseconds(200)
    /// Reaped in one go; the rest comes next.
    private static let most = 10_000

    private struct State {
        var event: Descriptor?
        /// When the children that ended are to be looked at; nil where none has ended.
        var due: ContinuousClock.Instant?
    }

    private static let state = Mutex(State())

    package static var areAdopted: Bool { state.withLock { $0.event != nil } }

    /// From now on orphans are children of this process, and reaped when they end.
    package static func adopt() throws(SystemError) {
        if areAdopted { return }
        let number = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard number >= 0 else { throw SystemError("wait for the ends of children") }
        let event = Descriptor(owning: number)
        _ = try Reactor.get().add(number) { childEnded(event) }
        guard aloft_adopt_orphans(number) == 0 else { throw SystemError("become the parent of orphans") }
        state.withLock { $0.event = event }
        // Some may have ended before: what was process 1 by `exec` has children already.
        childEnded(event)
    }

    private static func childEnded(_ event: Descriptor) {
        var value: UInt64 = 0
        _ = retrying { read(event.number, &value, 8) }
        let isFirst = state.withLock { state in
            defer { state.due = state.due ?? .now + pause }
            return state.due == nil
        }
        guard isFirst else { return }
        do throws(SystemError) {
            try Reactor.get().poll {
                let isDue = state.withLock { state in
                    guard let due = state.due, due <= .now else { return false }
                    state.due = nil
                    return true
                }
                if isDue { reap() }
                return isDue
            }
        } catch {
            // There is a reactor: it has called this.
            assertionFailure("\(error)")
        }
    }

    /// Reaps every orphan that has ended.
    private static func reap() {
        for _ in 0..<most {
            let pid = aloft_ended_child()
            if pid <= 0 { return }
            // Somebody is about to learn the end of this one, and there may be orphans behind it.
            if !Children.reapUnclaimed(pid) { return reapBehind() }
        }
    }

    private static func reapBehind() {
        do throws(SystemError) {
            let own = getpid()
            for row in try ProcessRow.all() where row.parent == own && row.hasEnded {
                _ = Children.reapUnclaimed(row.pid)
            }
        } catch {
            // Out of descriptors: the end of the next child is another occasion.
        }
    }

    /// Those that run now; nil where this process does not adopt them.
    package static func living() throws(SystemError) -> [Int32]? {
        guard areAdopted else { return nil }
        return try children().filter { pid in !Children.isClaimed(pid) && isRunning(pid) }
    }

    /// A thread's file has the children that it made or was given; kernels without these files list all processes.
    private static func children() throws(SystemError) -> [Int32] {
        var found: [Int32] = []
        for thread in try Directories.names(in: "/proc/self/task") {
            do throws(SystemError) {
                let text = try readText("/proc/self/task/\(thread)/children")
                found += text.split { $0.isWhitespace }.compactMap { Int32($0) }
            } catch {
                guard error.isAbsence else { throw error }
                // The thread has ended, or no thread has such a file.
                if Directories.isDirectory("/proc/self/task/\(thread)") {
                    let own = getpid()
                    return try ProcessRow.all().filter { $0.parent == own }.map(\.pid)
                }
            }
        }
        return found
    }

    private static func isRunning(_ pid: Int32) -> Bool {
        do throws(SystemError) {
            return try !ProcessRow(pid: pid).hasEnded
        } catch {
            return !error.isAbsence
        }
    }
}
