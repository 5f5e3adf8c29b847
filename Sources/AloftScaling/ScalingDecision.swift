import AloftModel

/// How many replicas there shall be, and why.
package struct ScalingDecision: Sendable, Hashable, Codable {
    package enum Cause: String, Sendable, Hashable, Codable, CaseIterable {
        /// Nothing asks for another number.
        case steady
        /// Metrics asked for more, or for fewer.
        case metrics
        /// minReplicas, maxReplicas or minAvailable, of the file or of a schedule.
        case bounds
        /// No request for `idle.after`.
        case idle
        /// A request came, or waits, for a service without replicas.
        case wanted
        /// `aloft scale`.
        case manual
    }

    package var desired: Int
    package var previous: Int
    package var cause: Cause
    /// One sentence for people, beginning with the number: `8: p95 612 ms over 500 ms for 2m; step 2, …`.
    package var reason: String
    package var metrics: [MetricReading]
    /// What kept the number from what metrics ask for.
    package var limits: [ScalingLimit]
    /// No further step in the direction of the last one before this time.
    package var notBefore: Timestamp?

    package var changes: Bool { desired != previous }
}

/// One metric in one decision.
package struct MetricReading: Sendable, Hashable, Codable {
    /// `cpu`, `memory`, `requests`, `p95`, or the name of a series.
    package var name: String
    /// In the metric's unit, with it: `91%`, `1340/min`, `612 ms`; nil where it was not measured.
    package var current: String?
    package var target: String
    /// `current` ÷ `target`, for bars and plots.
    package var ratio: Double?
    /// Replicas that this metric asks for; nil where it has no say.
    package var recommendation: Int?
    /// Why it has no value.
    package var problem: String?
    /// It should have a value and has none, so nothing is scaled down.
    package var isMissing: Bool

    package init(
        name: String, current: String? = nil, target: String, ratio: Double? = nil, recommendation: Int? = nil,
        problem: String? = nil, isMissing: Bool
    ) {
        self.name = name
        self.current = current
        self.target = target
        self.ratio = ratio
        self.recommendation = recommendation
        self.problem = problem
        self.isMissing = isMissing
    }
}

/// What held the number back.
package enum ScalingLimit: Sendable, Hashable, Codable {
    /// What is asked for has not lasted for the stabilisation window yet.
    case window(recommended: Int, Duration)
    /// maxStep.
    case step(Int)
    case cooldown(until: Timestamp)
    case minReplicas(Int)
    case maxReplicas(Int)
    case minAvailable(Int)
    /// A metric is missing: not fewer.
    case missing(metric: String)
    /// Not fewer while a rollout is under way.
    case rollout
}
