import CAloftSystem
import Glibc

/// What may be left of a replica: everything by which its processes can be told from others.
package struct ProcessRemains: Sendable {
    /// Leader of the process group. Nil where the group's number may have been given to others since.
    package var leader: ProcessIdentity?
    package var cgroup: Cgroup?
    /// Files that only the replica has as its stdout or stderr; looked at where there is no cgroup.
    package var outputFiles: [String]

    package init(leader: ProcessIdentity?, cgroup: Cgroup?, outputFiles: [String]) {
        self.leader = leader
        self.cgroup = cgroup
        self.outputFiles = outputFiles
    }

    /// Kills until nothing is found any more.
    ///
    /// All in the cgroup, whatever session or group they moved to. Without one, members of the group, and processes
    /// that left it and still write to the replica's files; one that left and closed both gets away.
    /// - Returns: Pids that are still there after two seconds (uninterruptible in the kernel); empty as a rule.
    package func killAll(clock: any TimeSource) async throws -> [Int32] {
        let deadline = clock.now + .seconds(2)
        var pause = Duration.milliseconds(1)
        while true {
            let left = try find()
            if left.isEmpty || clock.now >= deadline { return left }
            try cgroup?.killAll()
            for pid in left { kill(pid, SIGKILL) }
            try await clock.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    /// Processes that run now.
    package func find() throws(SystemError) -> [Int32] {
        // Whoever is made by a member of a cgroup is in it: there is nothing else to look for.
        if let cgroup { return try cgroup.pids().filter(isAlive) }
        if leader == nil && outputFiles.isEmpty { return [] }
        let files = outputFiles.compactMap(FileIdentity.init)
        var found: [Int32] = []
        for row in try ProcessRow.all() where !row.hasEnded && row.pid != getpid() {
            if let leader, row.group == leader.pid, row.startTicks >= leader.startTicks {
                found.append(row.pid)
            } else if !files.isEmpty, row.pid > 1, writes(row.pid, to: files) {
                found.append(row.pid)
            }
        }
        return found
    }

    private func isAlive(_ pid: Int32) -> Bool {
        do throws(SystemError) {
            return try !ProcessRow(pid: pid).hasEnded
        } catch {
            // One that can't be looked at for want of descriptors counts as alive: killing it again does no harm.
            return !error.isAbsence
        }
    }

    private func writes(_ pid: Int32, to files: [FileIdentity]) -> Bool {
        for stream in [1, 2] {
            if let file = FileIdentity("/proc/\(pid)/fd/\(stream)"), files.contains(file) { return true }
        }
        return false
    }
}

private struct FileIdentity: Hashable {
    let device: UInt
    let inode: UInt

    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }
}
