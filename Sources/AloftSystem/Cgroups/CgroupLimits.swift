/// What a cgroup asks for and may not exceed, and the control files that say so.
package struct CgroupLimits: Sendable, Hashable {
    /// Thousandths of a core.
    package var cpuRequest: Int?
    package var cpuLimit: Int?
    /// Bytes.
    package var memoryRequest: Int?
    package var memoryLimit: Int?

    package init(
        cpuRequest: Int? = nil, cpuLimit: Int? = nil, memoryRequest: Int? = nil, memoryLimit: Int? = nil
    ) {
        self.cpuRequest = cpuRequest
        self.cpuLimit = cpuLimit
        self.memoryRequest = memoryRequest
        self.memoryLimit = memoryLimit
    }

    /// One control file of a controller and what to write to it.
    package struct Setting: Sendable, Hashable {
        package var controller: String
        package var file: String
        package var value: String
        /// False for what some kernels lack (swap accounting) and what only makes a limit tighter.
        package var isRequired: Bool = true
    }

    /// The period over which the processor quota is counted, in microseconds: the kernel's default.
    static let period = 100_000

    /// In the order they must be written: swap and memory together can't be limited below memory alone.
    package func settings(_ version: CgroupVersion) -> [Setting] {
        version == .v2 ? unifiedSettings : olderSettings
    }

    private var unifiedSettings: [Setting] {
        var result: [Setting] = []
        if let memoryRequest {
            result.append(Setting(controller: "memory", file: "memory.low", value: "\(memoryRequest)"))
        }
        if let memoryLimit {
            result.append(Setting(controller: "memory", file: "memory.max", value: "\(memoryLimit)"))
            result.append(
                Setting(controller: "memory", file: "memory.swap.max", value: "0", isRequired: false))
        }
        if let cpuRequest {
            // Shares 2...262144 onto weights 1...10000, as Kubernetes does (KEP-2254).
            let weight = 1 + (Self.shares(cpuRequest) - 2) * 9999 / 262_142
            result.append(Setting(controller: "cpu", file: "cpu.weight", value: "\(weight)"))
        }
        if let cpuLimit {
            result.append(
                Setting(controller: "cpu", file: "cpu.max", value: "\(Self.quota(cpuLimit)) \(Self.period)"))
        }
        return result
    }

    private var olderSettings: [Setting] {
        var result: [Setting] = []
        if let memoryRequest {
            result.append(
                Setting(controller: "memory", file: "memory.soft_limit_in_bytes", value: "\(memoryRequest)"))
        }
        if let memoryLimit {
            result.append(Setting(controller: "memory", file: "memory.limit_in_bytes", value: "\(memoryLimit)"))
            result.append(
                Setting(
                    controller: "memory", file: "memory.memsw.limit_in_bytes", value: "\(memoryLimit)",
                    isRequired: false))
        }
        if let cpuRequest {
            result.append(Setting(controller: "cpu", file: "cpu.shares", value: "\(Self.shares(cpuRequest))"))
        }
        if let cpuLimit {
            result.append(Setting(controller: "cpu", file: "cpu.cfs_period_us", value: "\(Self.period)"))
            result.append(Setting(controller: "cpu", file: "cpu.cfs_quota_us", value: "\(Self.quota(cpuLimit))"))
        }
        return result
    }

    /// One core is 1024 shares; the kernel takes 2 to 262 144.
    private static func shares(_ millicores: Int) -> Int { min(262_144, max(2, millicores * 1024 / 1000)) }

    /// Microseconds in each period; the kernel takes no less than 1000.
    private static func quota(_ millicores: Int) -> Int { max(1000, millicores * period / 1000) }
}

package enum CgroupVersion: String, Sendable, Hashable, Codable { case v1, v2 }
