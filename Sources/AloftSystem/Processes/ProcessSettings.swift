import CAloftSystem
import Glibc
import Synchronization

/// What the daemon sets for itself at its start.
package enum ProcessSettings {
    /// A write to a closed connection gives EPIPE instead of ending the process. Processes that are started get the
    /// default back.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}

/// How many files processes may have open (setrlimit(2), RLIMIT_NOFILE).
package enum OpenFiles {
    package struct Limits: Sendable, Hashable {
        /// In force; a process may raise it up to the hard one.
        package var soft: UInt64
        package var hard: UInt64

        package init(soft: UInt64, hard: UInt64) {
            self.soft = soft
            self.hard = hard
        }
    }

    private static let before = Mutex<Limits?>(nil)

    /// What this process was started with, and so what processes it starts get; nil until it has raised its own.
    ///
    /// A raised soft limit is not passed on: programs that use select(2) break above 1024, and some close every number
    /// below the limit when they start.
    package static var given: Limits? { before.withLock { $0 } }

    /// Raises this process's own soft limit to the hard one, which only root may go past.
    ///
    /// - Returns: The limit that is in force now.
    @discardableResult
    package static func raise() throws(SystemError) -> UInt64 {
        var limits = aloft_open_files()
        guard aloft_raise_open_files(&limits) == 0 else { throw SystemError("raise the limit of open files") }
        before.withLock { before in
            if before == nil { before = Limits(soft: limits.soft, hard: limits.hard) }
        }
        return limits.hard
    }
}
