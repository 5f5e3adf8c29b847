/// `services.*.release`: what runs once for each new release, before it is sent traffic.
package struct ReleaseSpec: Sendable, Hashable {
    /// A migration or the like, run in the release's own directory and environment; at least one element.
    package var command: [Template]
    /// False where going back cannot undo it: a rollout that fails is then frozen instead of rolled back.
    package var reversible: Bool
    /// Its whole group is killed after so long, and the release has failed.
    package var timeout: Duration
    /// Laid over the service's own environment.
    package var environment: [EnvironmentVariable]

    package init(
        command: [Template], reversible: Bool, timeout: Duration, environment: [EnvironmentVariable] = []
    ) {
        self.command = command
        self.reversible = reversible
        self.timeout = timeout
        self.environment = environment
    }

    /// The service with the environment that the command is given.
    package func applied(to service: ServiceSpec) -> ServiceSpec {
        var service = service
        for variable in environment {
            service.environment.removeAll { $0.name == variable.name }
            service.environment.append(variable)
        }
        return service
    }
}

/// `services.*.deploy`: how a new release takes over from the one that runs.
package struct DeploySpec: Sendable, Hashable {
    package enum Strategy: String, Sendable, Hashable, Codable, CaseIterable {
        /// Replicas of the new release take the place of old ones, a few at a time.
        case rolling
        /// A full second set, then all traffic at once; the old set is kept for `keep`.
        case blueGreen
        /// A share of the traffic, growing by `steps`, each judged.
        case canary
        /// The old set ends before the new one starts: for apps of which two must never run. Not without downtime.
        case recreate
    }

    package enum OnFailure: String, Sendable, Hashable, Codable, CaseIterable { case rollback, freeze }

    package var strategy: Strategy
    /// Absolute folder of which each release gets a copy; nil runs the code in the service's directory, in place.
    package var artifact: String?
    package var rolling: RollingSpec
    /// `blueGreen.keep`: how long the old set stays up after the switch, so that going back takes no start.
    package var keep: Duration
    package var canary: CanarySpec
    /// Nil where the file asks for none: then only probes and gates judge.
    package var analysis: AnalysisSpec?
    package var onFailure: OnFailure
    /// Analysis goes on for so long after promotion; zero is not at all.
    package var watch: Duration
    /// A set that is not ready for so long has failed.
    package var progressDeadline: Duration
    /// A replica that ends so often in a row before it was ready has failed with its release.
    package var maxCrashes: Int
    package var gates: GatesSpec
    package var history: HistorySpec

    package init(
        strategy: Strategy = .rolling, artifact: String? = nil, rolling: RollingSpec = RollingSpec(),
        keep: Duration = .seconds(600),
        canary: CanarySpec = CanarySpec(), analysis: AnalysisSpec? = nil, onFailure: OnFailure = .rollback,
        watch: Duration = .zero, progressDeadline: Duration = .seconds(600), maxCrashes: Int = 3,
        gates: GatesSpec = GatesSpec(), history: HistorySpec = HistorySpec()
    ) {
        self.strategy = strategy
        self.artifact = artifact
        self.rolling = rolling
        self.keep = keep
        self.canary = canary
        self.analysis = analysis
        self.onFailure = onFailure
        self.watch = watch
        self.progressDeadline = progressDeadline
        self.maxCrashes = maxCrashes
        self.gates = gates
        self.history = history
    }
}

/// A number of replicas, or a share of those wanted: `2`, `25%`.
package enum ReplicaCount: Sendable, Hashable, CustomStringConvertible {
    case count(Int)
    case share(Percent)

    package var description: String {
        switch self {
        case .count(let count): "\(count)"
        case .share(let share): "\(share)"
        }
    }

    /// Kubernetes rounds a surge up and what may be missing down.
    package func of(_ replicas: Int, roundingUp: Bool) -> Int {
        switch self {
        case .count(let count): count
        case .share(let share): (replicas * share.basisPoints + (roundingUp ? 9_999 : 0)) / 10_000
        }
    }
}

/// `rolling`: Kubernetes' two words. Where both come to 0, one replica more than wanted is allowed.
package struct RollingSpec: Sendable, Hashable {
    /// Replicas above the wanted number, both releases together.
    package var maxSurge: ReplicaCount
    /// Replicas below the wanted number that may be missing from rotation.
    package var maxUnavailable: ReplicaCount

    package init(maxSurge: ReplicaCount = .share(Percent(25)), maxUnavailable: ReplicaCount = .count(0)) {
        self.maxSurge = maxSurge
        self.maxUnavailable = maxUnavailable
    }
}

/// `steps` and `canary`: how a canary is sent traffic.
package struct CanarySpec: Sendable, Hashable {
    package enum Step: Sendable, Hashable {
        /// This share of the traffic for at least so long.
        case weight(Percent, for: Duration)
        /// Waits until somebody of this name approves; analysis goes on.
        case approve(String)
    }

    /// In the order of the file; promotion to 100% follows the last one.
    package var steps: [Step]
    /// Keeps each user on one release for as long as the weights stand; nil sends each request on its own.
    package var sticky: StickyKey?
    /// A request with this field or cookie whose value is `canary` or `stable` goes there whatever the weights.
    package var forceHeader: String?
    package var forceCookie: String?
    /// Share of requests of which a copy is also sent to the canary, its answer thrown away; only GET and HEAD.
    package var mirror: Percent?

    package init(
        steps: [Step] = [], sticky: StickyKey? = nil, forceHeader: String? = nil, forceCookie: String? = nil,
        mirror: Percent? = nil
    ) {
        self.steps = steps
        self.sticky = sticky
        self.forceHeader = forceHeader
        self.forceCookie = forceCookie
        self.mirror = mirror
    }
}

/// By what a user is known: the same key is sent to the same release while the weights do not change.
package enum StickyKey: Sendable, Hashable {
    case address
    /// The value of this request field; without it the address.
    case header(String)
    /// The value of this cookie; without it the address.
    case cookie(String)
}

/// `analysis`: what a new release is judged by, from the edge's counters of both releases over the same interval.
package struct AnalysisSpec: Sendable, Hashable {
    /// How often it is judged, each time over what came since the judgement before.
    package var interval: Duration
    /// Fewer requests than that, gathered over as many intervals as it takes, are "insufficient", never a verdict.
    package var minRequests: Int
    /// Share of requests answered with 5xx or not at all.
    package var maxErrorRate: Percent?
    /// Sorted by quantile; names are unique.
    package var maxLatency: [LatencyBound]
    /// How many times stable's numbers the new release may reach; nil compares nothing.
    package var comparedToStable: Comparison?
    /// Judgements of "fail" that are let pass in a row before the rollout fails.
    package var failureLimit: Int
    /// Requests that Aloft makes itself while too few come; nil makes none.
    package var probeRequests: ProbeRequests?

    package init(
        interval: Duration = .seconds(10), minRequests: Int = 200, maxErrorRate: Percent? = nil,
        maxLatency: [LatencyBound] = [], comparedToStable: Comparison? = nil, failureLimit: Int = 0,
        probeRequests: ProbeRequests? = nil
    ) {
        self.interval = interval
        self.minRequests = minRequests
        self.maxErrorRate = maxErrorRate
        self.maxLatency = maxLatency
        self.comparedToStable = comparedToStable
        self.failureLimit = failureLimit
        self.probeRequests = probeRequests
    }

    package struct Comparison: Sendable, Hashable {
        /// 2 is twice stable's error rate.
        package var errorRate: Double?
        /// Factors of stable's quantiles.
        package var latency: [LatencyFactor]

        package init(errorRate: Double? = nil, latency: [LatencyFactor] = []) {
            self.errorRate = errorRate
            self.latency = latency
        }
    }

    /// `probeRequests: {path: /, rate: 5/s}`: GET through the edge's own path to the canary's replicas.
    package struct ProbeRequests: Sendable, Hashable {
        package var path: String
        package var rate: Rate

        package init(path: String, rate: Rate) {
            self.path = path
            self.rate = rate
        }
    }
}

/// `p50`, `p95`, `p99.9`.
package struct Quantile: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    /// 95% for p95.
    package var percent: Percent

    package init(_ percent: Percent) { self.percent = percent }

    package static let p50 = Quantile(Percent(50))
    package static let p95 = Quantile(Percent(95))
    package static let p99 = Quantile(Percent(99))

    package var description: String { "p\(percent.description.dropLast())" }

    package static func < (left: Quantile, right: Quantile) -> Bool { left.percent < right.percent }
}

package struct LatencyBound: Sendable, Hashable {
    package var quantile: Quantile
    package var limit: Duration

    package init(_ quantile: Quantile, _ limit: Duration) {
        self.quantile = quantile
        self.limit = limit
    }
}

package struct LatencyFactor: Sendable, Hashable {
    package var quantile: Quantile
    /// 1.5 is half as much again as stable.
    package var factor: Double

    package init(_ quantile: Quantile, _ factor: Double) {
        self.quantile = quantile
        self.factor = factor
    }
}

/// `gates`: what must hold before a new release is sent traffic, and after it was promoted.
package struct GatesSpec: Sendable, Hashable {
    /// Names are unique.
    package var before: [Command]
    package var after: [Check]

    package init(before: [Command] = [], after: [Check] = []) {
        self.before = before
        self.after = after
    }

    /// Passes with exit code 0 within `timeout`; runs in the release's directory.
    package struct Command: Sendable, Hashable {
        package var name: String
        package var run: [Template]
        package var timeout: Duration
        /// False: a failure is recorded and shown, and stops nothing.
        package var required: Bool

        package init(name: String, run: [Template], timeout: Duration = .seconds(600), required: Bool = true) {
            self.name = name
            self.run = run
            self.timeout = timeout
            self.required = required
        }
    }

    /// Built in; one whose subject the file does not have is "not applicable", never "passed".
    package enum Check: String, Sendable, Hashable, Codable, CaseIterable {
        case health, performance, headers, certificate, database, cache, metrics, backups
    }
}

/// `history`: how many releases are kept; never fewer than the current one and the one before.
package struct HistorySpec: Sendable, Hashable {
    package var keep: Int
    package var maxAge: Duration
    /// Of the copies of artifacts that the kept releases have.
    package var maxSize: ByteSize

    package init(
        keep: Int = 20, maxAge: Duration = .seconds(90 * 86_400), maxSize: ByteSize = .gibibytes(10)
    ) {
        self.keep = keep
        self.maxAge = maxAge
        self.maxSize = maxSize
    }
}
