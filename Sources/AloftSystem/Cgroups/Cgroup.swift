import CAloftSystem
import Glibc

/// One cgroup: a folder of the unified hierarchy, or one of each older one.
package struct Cgroup: Sendable, Hashable {
    package let version: CgroupVersion
    /// With v2 one folder; with v1 one for each controller, `memory` first.
    package let folders: [String]

    package init(version: CgroupVersion, folders: [String]) {
        self.version = version
        self.folders = folders
    }

    /// What a process writes its pid to in order to enter.
    package var procsFiles: [String] { folders.map { "\($0)/cgroup.procs" } }

    /// Processes in it. None where it was removed.
    package func pids() throws(SystemError) -> [Int32] {
        guard let first = folders.first else { return [] }
        do throws(SystemError) {
            return try readText("\(first)/cgroup.procs").split(separator: "\n").compactMap { Int32($0) }
        } catch  where error.code == ENOENT || error.code == ENODEV {
            return []
        }
    }

    /// Sends SIGKILL to all that is in it. A process that forks meanwhile may leave children: ask `pids` again.
    package func killAll() throws(SystemError) {
        if version == .v2, let folder = folders.first {
            do throws(SystemError) {
                try writeControl("1", to: "\(folder)/cgroup.kill")
                return
            } catch  where error.code == ENOENT || error.code == EACCES {
                // A kernel before 5.14 has no such file: one by one.
            }
        }
        for pid in try pids() where kill(pid, SIGKILL) != 0 && errno != ESRCH {
            throw SystemError("kill process", "\(pid)")
        }
    }

    /// Kills by the kernel for want of memory since it was made; nil where the kernel does not count them.
    package func memoryKills() -> Int? {
        for folder in folders {
            let file = version == .v2 ? "memory.events" : "memory.oom_control"
            if let text = try? readText("\(folder)/\(file)", limit: 4096),
                let count = flatValue("oom_kill", in: text)
            {
                return Int(count)
            }
        }
        return nil
    }

    /// Processor time of all that ever ran in it and the memory it holds now.
    package func usage() throws(SystemError) -> ProcessUsage {
        var usage = ProcessUsage(cpuNanoseconds: 0, memoryBytes: 0, processes: try pids().count)
        for folder in folders { try add(to: &usage, from: folder) }
        return usage
    }

    /// Removes it. Throws with EBUSY while a process, or one not reaped, is in it.
    package func remove() throws(SystemError) {
        for folder in folders where rmdir(folder) != 0 && errno != ENOENT {
            throw SystemError("remove the cgroup", folder)
        }
    }

    /// Removes it where that is possible now; what stays is removed when the daemon next starts.
    package func discard() {
        for folder in folders { rmdir(folder) }
    }

    private func add(to usage: inout ProcessUsage, from folder: String) throws(SystemError) {
        if version == .v2 {
            let cpu = flatValue("usage_usec", in: try readText("\(folder)/cpu.stat", limit: 4096)) ?? 0
            usage.cpuNanoseconds = cpu * 1000
            let total = Int64(firstNumber: try readText("\(folder)/memory.current", limit: 64)) ?? 0
            let cache = flatValue("inactive_file", in: try readText("\(folder)/memory.stat", limit: 16384)) ?? 0
            usage.memoryBytes = max(0, total - cache)
            return
        }
        if let text = try readIfThere("\(folder)/cpuacct.usage"), let value = Int64(firstNumber: text) {
            usage.cpuNanoseconds = value
        }
        if let text = try readIfThere("\(folder)/memory.usage_in_bytes"), let total = Int64(firstNumber: text) {
            let cache = flatValue("total_inactive_file", in: try readText("\(folder)/memory.stat", limit: 16384)) ?? 0
            usage.memoryBytes = max(0, total - cache)
        }
    }

    private func readIfThere(_ path: String) throws(SystemError) -> String? {
        do throws(SystemError) {
            return try readText(path, limit: 4096)
        } catch  where error.code == ENOENT {
            return nil
        }
    }
}

/// The number after `key` in lines of `key number`.
private func flatValue(_ key: String, in text: String) -> Int64? {
    for line in text.split(separator: "\n") {
        let fields = line.split(separator: " ")
        if fields.count == 2, fields[0] == key { return Int64(fields[1]) }
    }
    return nil
}

extension Int64 {
    fileprivate init?(firstNumber text: String) { self.init(text.prefix { $0.isNumber }) }
}

/// Processor time and memory of a set of processes.
package struct ProcessUsage: Sendable, Hashable {
    /// Since the beginning, user and system.
    package var cpuNanoseconds: Int64
    /// Without file cache that can be dropped at once.
    package var memoryBytes: Int64
    package var processes: Int

    package init(cpuNanoseconds: Int64, memoryBytes: Int64, processes: Int) {
        self.cpuNanoseconds = cpuNanoseconds
        self.memoryBytes = memoryBytes
        self.processes = processes
    }
}
