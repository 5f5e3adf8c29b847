/// Where cgroup hierarchies are mounted, and where in them this process is (cgroups(7), proc_pid_mountinfo(5)).
package struct CgroupMounts: Sendable, Hashable {
    /// Folder of this process in the unified hierarchy.
    package var unified: String?
    /// Where the unified hierarchy is mounted: its root, or that of the container.
    package var unifiedRoot: String?
    /// Folder of this process in each older hierarchy, by controller: `memory`, `cpu`, `cpuacct` …
    package var controllers: [String: String]

    /// - Parameters:
    ///   - mountinfo: `/proc/self/mountinfo`
    ///   - membership: `/proc/self/cgroup`
    package init(mountinfo: String, membership: String) {
        var unifiedPath: String?
        var paths: [String: String] = [:]
        for line in membership.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[1].isEmpty { unifiedPath = String(fields[2]) }
            for controller in fields[1].split(separator: ",") { paths[String(controller)] = String(fields[2]) }
        }
        controllers = [:]
        for mount in mountinfo.split(separator: "\n").compactMap(Mount.init) {
            if mount.type == "cgroup2", unified == nil, let path = unifiedPath {
                unified = mount.folder(of: path)
                unifiedRoot = mount.point
            } else if mount.type == "cgroup" {
                for option in mount.options where controllers[option] == nil {
                    controllers[option] = paths[option].map { mount.folder(of: $0) }
                }
            }
        }
    }

    /// Those of this process.
    package init() throws(SystemError) {
        self.init(
            mountinfo: try readText("/proc/self/mountinfo"), membership: try readText("/proc/self/cgroup"))
    }

    private struct Mount {
        /// The folder of the hierarchy that is mounted, `/` unless only a part is (as in a container).
        let root: String
        let point: String
        let type: Substring
        let options: [String]

        init?(_ line: Substring) {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 3, dash > 4 else { return nil }
            root = unescaped(fields[3])
            point = unescaped(fields[4])
            type = fields[dash + 1]
            options = fields[dash + 3].split(separator: ",").map(String.init)
        }

        func folder(of path: String) -> String {
            var rest = path[...]
            if root != "/" && rest.hasPrefix(root) { rest = rest.dropFirst(root.count) }
            return rest == "/" || rest.isEmpty ? point : point + rest
        }
    }
}

/// Space, tab, newline and backslash come as `\040` and so on.
private func unescaped(_ field: Substring) -> String {
    var result: [UInt8] = []
    var rest = field.utf8[...]
    while let byte = rest.first {
        if byte == UInt8(ascii: "\\"), rest.count >= 4,
            let code = UInt8(String(decoding: rest.dropFirst().prefix(3), as: UTF8.self), radix: 8)
        {
            result.append(code)
            rest = rest.dropFirst(4)
        } else {
            result.append(byte)
            rest = rest.dropFirst()
        }
    }
    return String(decoding: result, as: UTF8.self)
}
