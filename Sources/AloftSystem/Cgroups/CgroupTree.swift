import CAloftSystem
import Glibc

/// The folder below which a daemon makes the cgroups of its replicas.
///
/// It lies below the daemon's own cgroup where that may have children, so that limits put on the daemon as a whole hold
/// for what it runs; else, as in a login session with other processes, below the root of the unified hierarchy, where
/// only root can write.
package struct CgroupTree: Sendable, Hashable {
    package let version: CgroupVersion
    /// `<own cgroup>/<name>`; one with v2, with v1 one for each controller.
    package let folders: [String]

    /// Looks for a hierarchy with memory and processor controllers that can be written.
    ///
    /// The unified one is preferred. Where its controllers are not yet passed on to children and the daemon is the
    /// only process in its cgroup, it moves itself to a child of its own (cgroups(7), "no internal processes").
    /// - Parameter name: One path component, the same each time the same state directory is used.
    /// - Returns: Nil where there is none; `reason` then says what was in the way.
    package static func discover(
        name: String, mounts: CgroupMounts, reason: (String) -> Void = { _ in }
    ) -> CgroupTree? {
        for base in [mounts.unified, mounts.unifiedRoot].compactMap({ $0 }) {
            do throws(SystemError) {
                return try unified(base: base, name: name)
            } catch {
                reason("cgroup v2: \(error)")
            }
        }
        do throws(SystemError) {
            return try older(mounts.controllers, name: name)
        } catch {
            reason("cgroup v1: \(error)")
        }
        return nil
    }

    private static func unified(base: String, name: String) throws(SystemError) -> CgroupTree {
        let available = try readText("\(base)/cgroup.controllers", limit: 4096).split { $0.isWhitespace }
        for controller in ["memory", "cpu"] where !available.contains(Substring(controller)) {
            throw SystemError("find the controller", "\(controller) in \(base)", code: ENOENT)
        }
        try passOnControllers(base)
        let folder = "\(base)/\(name)"
        try Directories.make(folder, mode: 0o755)
        try writeControl("+memory +cpu", to: "\(folder)/cgroup.subtree_control")
        return CgroupTree(version: .v2, folders: [folder])
    }

    private static func passOnControllers(_ base: String) throws(SystemError) {
        let control = "\(base)/cgroup.subtree_control"
        let passed = try readText(control, limit: 4096).split { $0.isWhitespace }
        if passed.contains("memory") && passed.contains("cpu") { return }
        do throws(SystemError) {
            try writeControl("+memory +cpu", to: control)
        } catch  where error.code == EBUSY {
            let members = try readText("\(base)/cgroup.procs").split(separator: "\n").map(String.init)
            guard members == ["\(getpid())"] else { throw error }
            try Directories.make("\(base)/daemon", mode: 0o755)
            try writeControl("\(getpid())", to: "\(base)/daemon/cgroup.procs")
            try writeControl("+memory +cpu", to: control)
        }
    }

    private static func older(_ controllers: [String: String], name: String) throws(SystemError) -> CgroupTree {
        var folders: [String] = []
        for controller in ["memory", "cpu", "cpuacct"] {
            guard let base = controllers[controller] else {
                // Processor time can be had from /proc as well.
                if controller == "cpuacct" { continue }
                throw SystemError("find the controller", controller, code: ENOENT)
            }
            let folder = "\(base)/\(name)"
            if folders.contains(folder) { continue }
            try Directories.make(folder, mode: 0o755)
            folders.append(folder)
        }
        return CgroupTree(version: .v1, folders: folders)
    }

    /// Makes a cgroup and sets its limits; one of that name that is there already is used again.
    package func make(_ name: String, limits: CgroupLimits) throws(SystemError) -> Cgroup {
        let group = cgroup(name)
        do throws(SystemError) {
            for folder in group.folders { try Directories.make(folder, mode: 0o755) }
            for setting in limits.settings(version) { try apply(setting, to: group) }
        } catch {
            group.discard()
            throw error
        }
        return group
    }

    package func cgroup(_ name: String) -> Cgroup {
        Cgroup(version: version, folders: folders.map { "\($0)/\(name)" })
    }

    /// Cgroups in it, those of an earlier daemon among them.
    package func names() throws(SystemError) -> [String] {
        guard let first = folders.first else { return [] }
        return try Directories.names(in: first).filter { Directories.isDirectory("\(first)/\($0)") }
    }

    /// Removes the folder itself where nothing is left in it.
    package func removeIfEmpty() {
        for folder in folders { rmdir(folder) }
    }

    private func apply(_ setting: CgroupLimits.Setting, to group: Cgroup) throws(SystemError) {
        let candidates = group.folders.map { "\($0)/\(setting.file)" }
        guard let file = candidates.first(where: { access($0, F_OK) == 0 }) else {
            if setting.isRequired { throw SystemError("find the control file", setting.file, code: ENOENT) }
            return
        }
        do throws(SystemError) {
            try writeControl(setting.value, to: file)
        } catch {
            if setting.isRequired { throw error }
        }
    }
}
