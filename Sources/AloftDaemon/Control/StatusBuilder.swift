import AloftCompute
import AloftEdge
import AloftModel
import AloftSystem

/// Joins what compute and the edge know into one report.
struct StatusBuilder {
    var plan: Plan
    var file: String
    var digest: String
    var pid: Int
    var state: StatusReport.State
    var startedAt: Timestamp
    var urls: [String]
    var admin: String?

    func report(services: [ServiceStatus], edge: EdgeStatistics, now: Timestamp) -> StatusReport {
        var backends: [ReplicaID: EdgeStatistics.Backend] = [:]
        for backend in edge.backends { backends[backend.replica] = backend }
        return StatusReport(
            app: plan.app, region: plan.region, environment: plan.environment, file: file, digest: digest,
            version: Version.current, pid: pid, state: state, startedAt: startedAt, now: now, urls: urls,
            admin: admin, edge: edgeReport(edge),
            services: inOrder(services.map { service($0, backends) } + missing(services)))
    }

    /// As the file has them; what it does not name any more comes last.
    private func inOrder(_ services: [ServiceReport]) -> [ServiceReport] {
        let names = plan.services.map(\.name)
        return names.compactMap { name in services.first { $0.name == name } }
            + services.filter { !names.contains($0.name) }
    }

    /// Services that nothing runs of yet: their first release waits for an image or for its gates.
    private func missing(_ services: [ServiceStatus]) -> [ServiceReport] {
        plan.services.filter { spec in !services.contains { $0.name == spec.name } }.map { spec in
            ServiceReport(
                name: spec.name, desired: spec.scaling.minReplicas, ready: 0, minReplicas: spec.scaling.minReplicas,
                maxReplicas: spec.scaling.maxReplicas, minAvailable: spec.scaling.minAvailable,
                listen: spec.listen.rawValue, replicas: [])
        }
    }

    private func edgeReport(_ statistics: EdgeStatistics) -> EdgeReport {
        var requests: UInt64 = 0
        var failures: UInt64 = 0
        for series in statistics.series {
            requests &+= series.duration.count
            if series.status >= 500 { failures &+= series.duration.count }
        }
        return EdgeReport(
            openConnections: statistics.openConnections, activeRequests: statistics.activeRequests,
            requests: Int(clamping: requests), failures: Int(clamping: failures))
    }

    private func service(
        _ status: ServiceStatus, _ backends: [ReplicaID: EdgeStatistics.Backend]
    ) -> ServiceReport {
        let spec = plan.services.first { $0.name == status.name }
        return ServiceReport(
            name: status.name, desired: status.desired, ready: status.ready,
            minReplicas: spec?.scaling.minReplicas ?? status.desired,
            maxReplicas: spec?.scaling.maxReplicas ?? status.desired, minAvailable: status.minAvailable,
            updating: status.updating, listen: (spec?.listen ?? .port).rawValue,
            replicas: status.replicas.map { replica($0, backends[$0.id]) },
            unenforced: spec.map { unenforced($0.resources, by: Set(status.replicas.map(\.enforcement))) })
    }

    /// Only cgroups hold all processes of a replica together.
    private func unenforced(_ resources: Resources, by kinds: Set<Enforcement>) -> [String] {
        guard !kinds.isDisjoint(with: [.rlimit, .none]) else { return [] }
        let why = "no cgroup can be written here"
        var sentences: [String] = []
        if let cpu = resources.limits.cpu { sentences.append("limits.cpu \(cpu) is not enforced: \(why)") }
        if let memory = resources.limits.memory {
            sentences.append(
                kinds.contains(.rlimit)
                    ? "limits.memory \(memory) holds for each process by itself: \(why)"
                    : "limits.memory \(memory) is not enforced: \(why)")
        }
        return sentences
    }

    private func replica(_ status: ReplicaStatus, _ backend: EdgeStatistics.Backend?) -> ReplicaReport {
        ReplicaReport(
            name: status.id.name, generation: status.id.generation, release: status.release,
            state: status.state.rawValue,
            inRotation: status.state == .ready, since: status.since, pid: status.pid.map(Int.init),
            address: status.address.flatMap(text), cpu: status.usage?.cores,
            cpuSeconds: status.usage.map { Double($0.cpuNanoseconds) / 1e9 },
            memory: status.usage.map { Int($0.memoryBytes) }, restarts: status.restarts, adopted: status.adopted,
            current: status.current, activeRequests: backend?.underWay,
            requests: backend.map { Int(clamping: $0.requests) }, limits: status.enforcement.rawValue,
            reason: status.reason, lastExit: status.lastExit?.summary, nextStart: status.nextStart,
            probes: status.probes.map {
                ProbeReport(kind: $0.kind.rawValue, passed: $0.passed, answer: $0.text, streak: $0.streak)
            },
            lastLines: lines(of: status), isCrashLooping: isCrashLooping(status))
    }

    private func isCrashLooping(_ status: ReplicaStatus) -> Bool {
        let limit = plan.services.first { $0.name == status.id.service }?.deploy.maxCrashes ?? DeploySpec().maxCrashes
        return status.failedStarts >= limit
    }

    /// Of this process, or of the last one where this one has said nothing.
    private func lines(of status: ReplicaStatus) -> [String] {
        guard status.state != .ready else { return [] }
        return status.lastLines.isEmpty ? status.lastExit?.lastLines ?? [] : status.lastLines
    }

    private func text(_ address: ReplicaAddress) -> String? {
        switch address {
        case .port(let port): "127.0.0.1:\(port)"
        case .unix(let path): "unix:\(path)"
        case .nowhere: nil
        }
    }

    /// Where a browser goes for a listener: an address that stands for all is shown as loopback.
    static func url(_ address: Address, tls: Bool) -> String {
        var shown = address
        if address.host == "0.0.0.0" { shown.host = "127.0.0.1" }
        if address.host == "::" { shown.host = "::1" }
        return "\(tls ? "https" : "http")://\(shown)"
    }
}
