/// Who holds a process to its limits of memory and processor time.
package enum Enforcement: String, Sendable, Hashable, Codable, CaseIterable {
    /// The unified hierarchy: memory and processor of all its processes together.
    case cgroup2
    /// The older hierarchies, one a controller: likewise.
    case cgroup1
    /// `RLIMIT_DATA` for each process by itself: an allocation past it fails. Processor time is not limited.
    ///
    /// Not `RLIMIT_AS`: language runtimes reserve address space far beyond what they use.
    case rlimit
    /// Nobody: no cgroup can be written, and no memory limit was asked for.
    case none
}
