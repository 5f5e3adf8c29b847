import CAloftSystem
import Glibc

/// What the daemon sets for itself at its start.
package enum ProcessSettings {
    /// Raises the soft limit of open files to the hard one, which only root may go past.
    ///
    /// - Returns: The limit that is in force now.
    @discardableResult
    package static func raiseOpenFiles() throws(SystemError) -> UInt64 {
        var limit: UInt64 = 0
        guard aloft_raise_open_files(&limit) == 0 else { throw SystemError("raise the limit of open files") }
        return limit
    }

    /// A write to a closed connection gives EPIPE instead of ending the process. Processes that are started get the
    /// default back.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
