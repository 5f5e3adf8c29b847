import AloftModel

/// What keys of one `scaling` say of one another.
struct ScalingCheck {
    private let spec: ScalingSpec
    private let fields: Fields

    init(_ spec: ScalingSpec, _ fields: Fields) {
        self.spec = spec
        self.fields = fields
    }

    func report(to reader: inout Reader) {
        let isFixed =
            spec.minReplicas == spec.maxReplicas && !spec.schedule.contains { bounds($0).low < bounds($0).high }
        if isFixed, !spec.metrics.isEmpty {
            reader.problems.error(
                fields.keySpan(ScalingKeys.metrics),
                "`metrics` changes nothing: `minReplicas` and `maxReplicas` are both \(spec.minReplicas)",
                hint: "write a larger `maxReplicas`, or `replicas: \(spec.minReplicas)` instead of `scaling`")
        }
        if !fields.has(ScalingKeys.metrics) {
            fields.report(ScalingKeys.behavior, idle: "without `metrics`", &reader)
        }
        if let idle = spec.idle, idle.to >= spec.minReplicas {
            reader.problems.error(
                fields.node(ScalingKeys.idle)?[BehaviorKeys.to.name]?.span ?? fields.keySpan(ScalingKeys.idle),
                "`idle` changes nothing: `to: \(idle.to)` is not less than `minReplicas: \(spec.minReplicas)`",
                hint: "write `to: 0`")
        }
        for placed in fields[ScalingKeys.schedule] where placed.isSound { report(placed, &reader) }
    }

    private func bounds(_ entry: ScalingSchedule) -> (low: Int, high: Int) {
        (entry.minReplicas ?? spec.minReplicas, entry.maxReplicas ?? spec.maxReplicas)
    }

    private func report(_ placed: Placed<ScalingSchedule>, _ reader: inout Reader) {
        let (low, high) = bounds(placed.item)
        if low > high {
            let key = placed.item.minReplicas == nil ? BehaviorKeys.maxReplicas.name : BehaviorKeys.minReplicas.name
            reader.problems.error(
                placed.node?[key]?.span ?? fields.span,
                "from this time on `minReplicas: \(low)` would be more than `maxReplicas: \(high)`",
                hint: placed.item.minReplicas == nil
                    ? "write `minReplicas: \(high)` in this entry too" : "write `maxReplicas: \(low)` in this entry too"
            )
        } else if low < spec.minAvailable, placed.item.minReplicas != nil {
            reader.problems.warning(
                placed.node?[BehaviorKeys.minReplicas.name]?.span ?? fields.span,
                "`minReplicas: \(low)` is less than `minAvailable: \(spec.minAvailable)`, which stands above it",
                hint: "never fewer than \(spec.minAvailable) run; a smaller `minAvailable` would let them go")
        }
    }

    /// Shares of what the service does not ask for.
    static func report(metricsOf node: Node?, _ requests: Resources.Amount, _ reader: inout Reader) {
        for item in node?[ScalingKeys.metrics.name]?.items ?? [] {
            let missing = [
                (MetricKeys.cpu.name, requests.cpu == nil, "250m"),
                (MetricKeys.memory.name, requests.memory == nil, "256MiB"),
            ]
            for (name, isMissing, example) in missing where isMissing {
                guard let entry = item.entries?.first(where: { $0.key == name }) else { continue }
                reader.problems.error(
                    entry.keySpan, "`\(name)` is a share of `resources.requests.\(name)`, which is not set",
                    hint: "write `resources: {requests: {\(name): \(example)}}`")
            }
        }
    }
}

extension Fields {
    /// Says that a key that was given changes nothing where it stands.
    func report<Owner, Value>(_ key: Key<Owner, Value>, idle reason: String, _ reader: inout Reader) {
        guard has(key) else { return }
        reader.problems.error(keySpan(key), "`\(key.name)` changes nothing \(reason)", hint: "remove it")
    }
}
