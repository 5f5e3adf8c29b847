import AloftSystem

extension CgroupMounts {
    /// The cgroup of a process, where it is that of one container alone.
    ///
    /// - Parameter id: Part of the path of the container's own cgroup (`libpod-<id>`, `docker/<id>`).
    func group(containing id: String) -> Cgroup? {
        guard !id.isEmpty else { return nil }
        if let memory = controllers["memory"], memory.contains(id) {
            var folders = [memory]
            for controller in ["cpu", "cpuacct"] {
                if let folder = controllers[controller], folder.contains(id), !folders.contains(folder) {
                    folders.append(folder)
                }
            }
            return Cgroup(version: .v1, folders: folders)
        }
        guard let unified, unified.contains(id), controllers["memory"] == nil else { return nil }
        return Cgroup(version: .v2, folders: [unified])
    }
}

extension Cgroup {
    /// Bytes; nil for none. With v2 the engine may have set it one folder above the processes.
    func memoryLimit() -> Int? {
        for folder in folders {
            if version == .v1 {
                if let limit = number("\(folder)/memory.limit_in_bytes") { return limit }
            } else {
                let parent = Directories.parent(of: folder)
                if let limit = number("\(folder)/memory.max") ?? number("\(parent)/memory.max") { return limit }
            }
        }
        return nil
    }

    private func number(_ path: String) -> Int? {
        guard let text = try? readText(path, limit: 64) else { return nil }
        return Int(text.prefix { $0.isNumber })
    }
}
