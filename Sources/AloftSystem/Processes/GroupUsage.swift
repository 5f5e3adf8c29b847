import Glibc

/// Measures process groups where there are no cgroups, in one pass over /proc for all of them.
package enum GroupUsage {
    /// - Returns: For each group that has members, their time and memory. Time of members that ended is not in it.
    package static func measure(groups: Set<Int32>) throws(SystemError) -> [Int32: ProcessUsage] {
        let pageSize = Int64(sysconf(Int32(_SC_PAGESIZE)))
        let tick = 1_000_000_000 / Int64(sysconf(Int32(_SC_CLK_TCK)))
        var result: [Int32: ProcessUsage] = [:]
        for row in try ProcessRow.all() where groups.contains(row.group) && !row.hasEnded {
            var usage = result[row.group] ?? ProcessUsage(cpuNanoseconds: 0, memoryBytes: 0, processes: 0)
            usage.cpuNanoseconds += Int64(row.cpuTicks) * tick
            usage.memoryBytes += Int64(row.residentPages) * pageSize
            usage.processes += 1
            result[row.group] = usage
        }
        return result
    }
}

/// Signals to whole groups.
package enum ProcessGroup {
    /// A group that has no members any more is fine.
    package static func signal(_ group: Int32, _ number: Int32) throws(SystemError) {
        precondition(group > 1, "0 and 1 mean other processes than a replica's")
        if kill(-group, number) != 0 && errno != ESRCH { throw SystemError("signal process group", "\(group)") }
    }
}
