import CAloftSystem
import Glibc
import Synchronization

/// Who reaps which child of this process, so that nobody takes the exit code that another waits for.
///
/// A child is claimed from the moment there is a pid, first by its launch and then by its watch. A child that nobody
/// claims is an orphan: a descendant whose own parent ended, or, for process 1 of a container, anybody's.
enum Children {
    /// Claims for each pid. A number: a pid may be claimed anew before the last claim of its former owner is gone.
    private static let claims = Mutex<[Int32: Int]>([:])

    /// Makes a child and claims it; nobody can see one without the other.
    static func making(_ fork: () -> aloft_forked) -> aloft_forked {
        claims.withLock { claims in
            let forked = fork()
            if forked.pid > 0 { claims[forked.pid, default: 0] += 1 }
            return forked
        }
    }

    static func claim(_ pid: Int32) { claims.withLock { $0[pid, default: 0] += 1 } }

    static func release(_ pid: Int32) {
        claims.withLock { claims in
            guard let count = claims[pid] else { return }
            claims[pid] = count > 1 ? count - 1 : nil
        }
    }

    static func isClaimed(_ pid: Int32) -> Bool { claims.withLock { $0[pid] != nil } }

    /// Kills a child of ours with its group, reaps it, and gives up the launch's claim on it.
    static func end(_ pid: Int32) {
        kill(-pid, SIGKILL)
        _ = retrying { waitpid(pid, nil, 0) }
        release(pid)
    }

    /// Reaps a child that ended, where nobody claims it.
    ///
    /// - Returns: False where somebody does.
    static func reapUnclaimed(_ pid: Int32) -> Bool {
        claims.withLock { claims in
            guard claims[pid] == nil else { return false }
            _ = retrying { waitpid(pid, nil, WNOHANG) }
            return true
        }
    }
}
