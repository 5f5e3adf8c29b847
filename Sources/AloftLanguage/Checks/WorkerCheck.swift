import AloftModel

/// What only means something where requests come, said of a service with `listen: none`.
struct WorkerCheck {
    private let fields: Fields

    init(_ fields: Fields) { self.fields = fields }

    func report(_ deploy: DeploySpec, to reader: inout Reader) {
        reportScaling(&reader)
        reportStop(&reader)
        let node = fields.node(ServiceKeys.deploy)
        if deploy.strategy == .canary || deploy.strategy == .blueGreen {
            let name = deploy.strategy.rawValue
            reader.problems.error(
                node?[DeployKeys.strategy.name]?.span ?? fields.span,
                "`strategy: \(name)` shares requests between two releases, and `listen: none` gets none",
                hint: "write `rolling`, or `recreate` where two must never run")
        }
        if let analysis = node?[DeployKeys.analysis.name], !analysis.isNull {
            reader.problems.error(
                analysis.span, "`analysis` judges requests, and `listen: none` gets none",
                hint: "remove it; probes and gates judge a worker")
        }
    }

    private func reportScaling(_ reader: inout Reader) {
        let node = fields.node(ServiceKeys.scaling)
        let needsRequests = [MetricKeys.requestsPerReplica.name, MetricKeys.latency.name]
        for item in node?[ScalingKeys.metrics.name]?.items ?? [] {
            for entry in item.entries ?? [] {
                if needsRequests.contains(entry.key) {
                    reader.problems.error(
                        entry.keySpan, "`\(entry.key)` counts requests, and `listen: none` gets none",
                        hint: "write `cpu: 70%` or `memory: 80%`")
                } else if entry.key == MetricKeys.series.name {
                    reader.problems.error(
                        entry.keySpan, "`series` is read from a page of the replica, and `listen: none` has no address",
                        hint: "write `listen: port` and answer `/metrics` there, or follow `cpu`")
                }
            }
        }
        if let idle = node?.entries?.first(where: { $0.key == ScalingKeys.idle.name }), !idle.value.isNull {
            reader.problems.error(
                idle.keySpan, "`idle` waits for a time without requests, and `listen: none` never gets any",
                hint: "remove it; a `schedule` can stop workers at night")
        }
    }

    /// The default is not the user's word.
    private func reportStop(_ reader: inout Reader) {
        guard let node = fields.node(ServiceKeys.stop)?[LifecycleKeys.drain.name],
            fields[ServiceKeys.stop].drain > .zero
        else { return }
        reader.problems.error(
            node.span, "`drain` waits for requests, and `listen: none` gets none",
            hint: "remove it; `grace` is how long the job under way may take")
    }
}

/// Services that wait for one another in a ring would never start.
struct DependencyCheck {
    private let services: [ServiceSpec]
    private let node: Node?

    init(_ services: [ServiceSpec], _ node: Node?) {
        self.services = services
        self.node = node
    }

    func report(to reader: inout Reader) {
        var reported: Set<String> = []
        let needs = Dictionary(services.map { ($0.name, $0.dependsOn) }) { first, _ in first }
        for service in services where !reported.contains(service.name) {
            guard let ring = Self.ring(from: service.name, needs) else { continue }
            reported.formUnion(ring)
            let next = ring.count > 1 ? ring[1] : service.name
            let item = node?[service.name]?[ProcessKeys.dependsOn.name]?.items?.first { $0.scalar?.text == next }
            let chain = (ring + [service.name]).map { "`\($0)`" }.joined(separator: " → ")
            reader.problems.error(
                item?.span ?? node?.span ?? .fileStart,
                ring.count == 1
                    ? "`\(service.name)` waits for itself" : "these services wait for one another: \(chain)",
                hint: "take one of them out of `dependsOn`: none of them would ever start")
        }
    }

    /// The shortest way from a service back to itself.
    private static func ring(from start: String, _ needs: [String: [String]]) -> [String]? {
        var before: [String: String] = [:]
        var waiting = [start]
        var next = 0
        while next < waiting.count {
            let name = waiting[next]
            next += 1
            for need in needs[name] ?? [] {
                if need == start {
                    var ring = [name]
                    while let earlier = before[ring[0]] { ring.insert(earlier, at: 0) }
                    return ring
                }
                if before[need] == nil {
                    before[need] = name
                    waiting.append(need)
                }
            }
        }
        return nil
    }
}
