import AloftSystem
import Glibc

/// A containers.conf(5) of Aloft's own, for machines on which podman's defaults do not work.
///
/// Written to the state directory and named by `CONTAINERS_CONF` only after podman, with the settings the machine has,
/// failed to start a container for a reason that settings can mend (`EngineText.blamesSettings`).
struct EngineSettings: Sendable {
    /// Soft and hard limit of open files and of processes that this process has: more can't be given on.
    var openFiles: (soft: UInt64, hard: UInt64)
    var processes: (soft: UInt64, hard: UInt64)
    /// `runc` or `crun`; nil leaves it to podman.
    var runtime: String?

    /// - Parameter unifiedOnly: Whether the machine has cgroup v2 alone, which crun serves best; runc knows v1 longer.
    init(path: String, unifiedOnly: Bool) {
        let files = Self.hardLimit(Int32(RLIMIT_NOFILE.rawValue))
        openFiles = (min(1024, files), files)
        let most = Self.mostProcesses()
        processes = (most, most)
        let folders = path + ":/usr/sbin:/sbin"
        runtime = (unifiedOnly ? ["crun", "runc"] : ["runc", "crun"]).first { name in
            (try? ProgramPath.find(name, directory: "/", path: folders)) != nil
        }
    }

    /// Podman lowers its own limit to the largest process number, and can't give more than it has.
    static func mostProcesses() -> UInt64 {
        let numbers = (try? readText("/proc/sys/kernel/pid_max", limit: 32)).flatMap { UInt64($0.filter(\.isNumber)) }
        return min(hardLimit(Int32(__RLIMIT_NPROC.rawValue)), numbers ?? 32_768)
    }

    var text: String {
        var lines = ["# Written by Aloft: podman's own settings do not work on this machine.", "[containers]"]
        let limits = "\"nofile=\(openFiles.soft):\(openFiles.hard)\", \"nproc=\(processes.soft):\(processes.hard)\""
        lines.append("default_ulimits = [\(limits)]")
        lines.append("[engine]")
        lines.append("cgroup_manager = \"cgroupfs\"")
        lines.append("events_logger = \"file\"")
        if let runtime { lines.append("runtime = \"\(runtime)\"") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func hardLimit(_ resource: Int32) -> UInt64 {
        var limit = rlimit()
        // "No limit" is written as the largest number that podman takes.
        return getrlimit(resource, &limit) == 0 ? min(UInt64(limit.rlim_max), 1 << 20) : 1024
    }
}
