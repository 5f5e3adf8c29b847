/// `scaling.metrics`: what the number of replicas follows; with several, the one that asks for most decides.
package enum ScalingMetric: Sendable, Hashable {
    /// Mean use of the processor as a share of `resources.requests.cpu`.
    case cpu(Percent)
    /// Mean use of memory as a share of `resources.requests.memory`.
    case memory(Percent)
    /// Requests that one replica should get, from the edge's counters.
    case requestsPerReplica(Rate)
    /// Time to the first byte of the answer as the edge sees it.
    case latency(LatencyBound)
    /// `{series: orders_pending, path: /metrics, target: 100}`: the sum of all samples of this name on the metrics path
    /// of each replica, as `target` for each replica.
    case series(name: String, path: String, target: Double)
}

/// `scaling.behavior`: the HPA's own words.
package struct ScalingBehavior: Sendable, Hashable {
    package var scaleUp: Rules
    package var scaleDown: Rules
    /// Changes of the ratio within that are no reason to do anything.
    package var tolerance: Percent
    /// A replica that is younger is not measured for processor use: starting costs more than running.
    package var warmUp: Duration

    package struct Rules: Sendable, Hashable {
        /// Up: the smallest recommendation of this window counts. Down: the largest.
        package var stabilizationWindow: Duration
        /// Replicas that one step may add or take; nil is no limit.
        package var maxStep: Int?
        /// At least so long between two steps in this direction.
        package var cooldown: Duration

        package init(stabilizationWindow: Duration, maxStep: Int?, cooldown: Duration) {
            self.stabilizationWindow = stabilizationWindow
            self.maxStep = maxStep
            self.cooldown = cooldown
        }
    }

    package init(
        scaleUp: Rules = Rules(stabilizationWindow: .zero, maxStep: nil, cooldown: .zero),
        scaleDown: Rules = Rules(stabilizationWindow: .seconds(300), maxStep: nil, cooldown: .zero),
        tolerance: Percent = Percent(10), warmUp: Duration = .seconds(30)
    ) {
        self.scaleUp = scaleUp
        self.scaleDown = scaleDown
        self.tolerance = tolerance
        self.warmUp = warmUp
    }
}

/// `scaling.idle`: scale to zero; the edge holds the first requests until a replica is ready.
package struct IdleSpec: Sendable, Hashable {
    /// No request for so long.
    package var after: Duration
    /// 0, or as many as stay.
    package var to: Int
    /// Requests that may be held at once; one more is answered 503.
    package var maxPending: Int
    /// A request that is held longer is answered 503.
    package var maxWait: Duration

    package init(after: Duration, to: Int = 0, maxPending: Int = 1000, maxWait: Duration = .seconds(30)) {
        self.after = after
        self.to = to
        self.maxPending = maxPending
        self.maxWait = maxWait
    }
}

/// `scaling.schedule`: other bounds from a time on, until another entry's time or for `duration`.
package struct ScalingSchedule: Sendable, Hashable {
    package var cron: Schedule
    package var minReplicas: Int?
    package var maxReplicas: Int?
    /// Nil: until another entry begins.
    package var duration: Duration?

    package init(cron: Schedule, minReplicas: Int? = nil, maxReplicas: Int? = nil, duration: Duration? = nil) {
        self.cron = cron
        self.minReplicas = minReplicas
        self.maxReplicas = maxReplicas
        self.duration = duration
    }
}

/// So many in so long: `1000/min`, `20/15m`, `5/s`.
package struct Rate: Sendable, Hashable, Codable, CustomStringConvertible {
    package var count: Int
    package var per: Duration

    package init(_ count: Int, per: Duration) {
        self.count = count
        self.per = per
    }

    package var perSecond: Double { Double(count) / (Double(per.nanoseconds) / 1e9) }

    package var description: String {
        switch per {
        case .seconds(1): "\(count)/s"
        case .seconds(60): "\(count)/min"
        case .seconds(3600): "\(count)/h"
        case .seconds(86_400): "\(count)/d"
        default: "\(count)/\(per.quantity)"
        }
    }
}
