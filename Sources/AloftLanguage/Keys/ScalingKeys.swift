import AloftModel

/// `services.*.scaling`.
enum ScalingKeys {
    static let section = Section<ScalingSpec>(
        "scaling",
        [
            minReplicas.member, maxReplicas.member, minAvailable.member, metrics.member, behavior.member, idle.member,
            schedule.member,
        ],
        build: build)

    private static func build(_ fields: Fields, _ reader: inout Reader) -> ScalingSpec? {
        let low = fields[minReplicas]
        let high = fields[maxReplicas] ?? low
        if high < low {
            reader.problems.error(
                fields.span(maxReplicas), "`maxReplicas: \(high)` is less than `minReplicas: \(low)`",
                hint: "write `maxReplicas: \(low)` or more")
        }
        let spec = ScalingSpec(
            minReplicas: low, maxReplicas: high, minAvailable: available(low, fields, &reader),
            metrics: fields[metrics].map(\.item), behavior: fields[behavior], idle: fields[idle],
            schedule: fields[schedule].map(\.item))
        ScalingCheck(spec, fields).report(to: &reader)
        return spec
    }

    private static func available(_ low: Int, _ fields: Fields, _ reader: inout Reader) -> Int {
        // An idle service may go down to what the file says.
        let standard = min(standardAvailable(replicas: low), fields[idle]?.to ?? low)
        guard let given = fields[minAvailable] else { return standard }
        guard given > low else { return given }
        // An environment with fewer replicas than the file keeps available gets what is usual for so few.
        if let bound = fields.layer(minReplicas), let own = fields.layer(minAvailable), bound > own { return standard }
        reader.problems.error(
            fields.span(minAvailable), "`minAvailable: \(given)` is more than `minReplicas: \(low)`",
            hint: "write `minAvailable: \(low)` or less")
        return given
    }

    /// One of several may always be missing; the only one must be, to be restarted at all.
    static func standardAvailable(replicas: Int) -> Int { replicas > 1 ? 1 : 0 }

    static let minReplicas = Key<ScalingSpec, Int>.standard(
        "minReplicas", .integer(1...1000), "1", "How many replicas run at least, and from the start.", example: "2",
        synonyms: ["min", "replicas"]
    ) { $0.minReplicas }

    static let maxReplicas = Key<ScalingSpec, Int?>.optional(
        "maxReplicas", .integer(1...1000), otherwise: "as many as `minReplicas`",
        "How many replicas metrics and `aloft scale` may start.", example: "5", synonyms: ["max"]
    ) { $0.maxReplicas }

    static let minAvailable = Key<ScalingSpec, Int?>.optional(
        "minAvailable", .integer(0...1000), otherwise: "1 with several replicas, 0 with one or with `idle`",
        "Replicas in rotation that no restart and no scaling goes below.", example: "0"
    ) { $0.minAvailable }

    static let metrics = Key<ScalingSpec, [Placed<ScalingMetric>]>.standard(
        "metrics", .placedList(of: MetricKeys.section.kind, count: 0...16), "[]",
        "What the number of replicas follows; with several, the one that asks for most decides.",
        example: "[{requestsPerReplica: 1000/min}, {latency: {p95: 500ms}}]", synonyms: ["targets", "triggers"]
    ) { $0.metrics.map { Placed(item: $0) } }

    static let behavior = Key<ScalingSpec, ScalingBehavior>.standard(
        "behavior", BehaviorKeys.section.kind, "{}", "How soon and in what steps the number follows `metrics`.",
        example: "{scaleUp: {maxStep: 2}}", synonyms: ["behaviour"]
    ) { $0.behavior }

    static let idle = Key<ScalingSpec, IdleSpec?>.optional(
        "idle", BehaviorKeys.idle.kind, otherwise: "never fewer than `minReplicas`",
        "Down to zero where nobody asks; the edge holds the first requests until a replica is ready.",
        example: "{after: 15m}", synonyms: ["scaleToZero"]
    ) { $0.idle }

    static let schedule = Key<ScalingSpec, [Placed<ScalingSchedule>]>.standard(
        "schedule", .placedList(of: BehaviorKeys.schedule.kind, count: 0...32), "[]",
        "Other bounds from a time on; of entries that overlap the one that began last counts.",
        example: "[{cron: \"0 22 * * * UTC\", minReplicas: 3, maxReplicas: 8}]", synonyms: ["schedules", "cron"]
    ) { $0.schedule.map { Placed(item: $0) } }
}
