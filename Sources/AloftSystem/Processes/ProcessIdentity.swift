import CAloftSystem
import Glibc
import Synchronization

/// Names one process for good: a pid is given to another process some time after its process ended.
package struct ProcessIdentity: Sendable, Hashable, Codable, CustomStringConvertible {
    package var pid: Int32
    /// Clock ticks between the boot and the start of the process (`/proc/PID/stat`, field 22).
    package var startTicks: UInt64
    /// `/proc/sys/kernel/random/boot_id`: ticks of another boot mean nothing.
    package var boot: String

    package init(pid: Int32, startTicks: UInt64, boot: String) {
        self.pid = pid
        self.startTicks = startTicks
        self.boot = boot
    }

    /// A child that was not reaped yet, running or not.
    init(ofChild pid: Int32) throws(SystemError) {
        self.init(pid: pid, startTicks: try ProcessRow(pid: pid).startTicks, boot: try Self.currentBoot())
    }

    package var description: String { "process \(pid)" }

    /// The process that has this pid now; throws where there is none, or it ended and was not yet reaped.
    package init(of pid: Int32) throws(SystemError) {
        let row = try ProcessRow(pid: pid)
        guard !row.hasEnded else { throw SystemError("find process", "\(pid)", code: ESRCH) }
        self.init(pid: pid, startTicks: row.startTicks, boot: try Self.currentBoot())
    }

    /// True while this very process runs; one that ended and was not reaped has ended.
    ///
    /// Where /proc cannot be read for want of descriptors, a process that takes signals is believed to be this one:
    /// to call a live process dead would start a second one beside it.
    package var isRunning: Bool {
        do throws(SystemError) {
            let row = try ProcessRow(pid: pid)
            let current = try Self.currentBoot()
            return !row.hasEnded && row.startTicks == startTicks && boot == current
        } catch {
            return !error.isAbsence && kill(pid, 0) == 0
        }
    }

    package static func currentBoot() throws(SystemError) -> String {
        if let known = knownBoot.withLock({ $0 }) { return known }
        let text = try readText("/proc/sys/kernel/random/boot_id", limit: 64)
        let boot = String(text.prefix { $0 != "\n" })
        knownBoot.withLock { $0 = boot }
        return boot
    }

    /// Does not change while this process lives.
    private static let knownBoot = Mutex<String?>(nil)
}
