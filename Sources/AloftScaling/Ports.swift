import AloftModel
import Logging

/// What `Scaler` needs from the rest of Aloft; the daemon adapts the edge, the replicas and the state directory to it.
package struct ScalingPorts: Sendable {
    /// Who measures.
    package var source: any ScalingSource
    /// Who starts and stops replicas.
    package var target: any ScalingTarget
    /// Where history survives a restart.
    package var store: any ScalingStore
    /// Told of changes and of metrics that go missing, from any thread; must not block.
    package var event: @Sendable (Event) -> Void
    /// The UTC offset of a zone (nil: the machine's own) at an instant; `TimeZones.offset` asks the machine's database.
    package var offset: @Sendable (_ zone: String?, _ instant: Timestamp) -> Duration
    package var clock: any ScalingClock
    package var logger: Logger

    package init(
        source: any ScalingSource, target: any ScalingTarget, store: any ScalingStore,
        event: @escaping @Sendable (Event) -> Void,
        offset: @escaping @Sendable (String?, Timestamp) -> Duration = TimeZones.offset,
        clock: any ScalingClock = SystemScalingClock(), logger: Logger = Logger(label: "aloft.scaling")
    ) {
        self.source = source
        self.target = target
        self.store = store
        self.event = event
        self.offset = offset
        self.clock = clock
        self.logger = logger
    }
}

/// Measures one service.
package protocol ScalingSource: Sendable {
    /// What happened since the last call for this service, and how its replicas are now.
    ///
    /// Called once a period at most; must return within 5 s, with what it could not learn left out. The spec says which
    /// quantiles and series are wanted.
    func sample(_ service: ServiceSpec) async -> ServiceSample
}

/// Makes the number of replicas what was decided.
package protocol ScalingTarget: Sendable {
    /// Returns once the number is taken over, not once the replicas run. The same number again changes nothing.
    func apply(_ service: String, desired: Int, reason: String) async throws
}

/// Keeps one small text for each service: JSON of at most 256 KiB.
package protocol ScalingStore: Sendable {
    /// Nil where none was saved.
    func load(_ service: String) async throws -> String?
    func save(_ text: String, of service: String) async throws
}

/// Time as the scaler sees it; tests have their own.
package protocol ScalingClock: Sendable {
    var now: Moment { get }
    /// Returns at that time, or throws where the task is cancelled.
    func sleep(until monotonic: Duration) async throws
}

/// One instant on both clocks.
package struct Moment: Sendable, Hashable {
    /// Since some fixed point; never goes back. Windows and cooldowns are measured with it.
    package var monotonic: Duration
    /// For schedules, for people, and for history that outlives the process.
    package var wall: Timestamp

    package init(monotonic: Duration, wall: Timestamp) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

/// What was measured of one service since the last sample.
package struct ServiceSample: Sendable, Hashable {
    /// The number that the replicas are being brought to now.
    package var desired: Int
    /// Those that run or start, in any order; leaving and failed ones are left out.
    package var replicas: [ReplicaSample]
    /// Time that the counters cover.
    package var elapsed: Duration
    /// Requests that came in `elapsed`; nil where the edge could not be asked.
    package var requests: Int?
    /// Of those, the ones that a replica answered with 5xx or not at all.
    package var failures: Int?
    /// Time to first byte in `elapsed`, for each quantile of the spec; empty where no request came.
    package var latency: [Quantile: Duration]
    /// One for each series of the spec.
    package var series: [SeriesSample]
    /// A rollout of this service is under way.
    package var isRollingOut: Bool

    package init(
        desired: Int, replicas: [ReplicaSample], elapsed: Duration, requests: Int?, failures: Int? = nil,
        latency: [Quantile: Duration] = [:], series: [SeriesSample] = [], isRollingOut: Bool = false
    ) {
        self.desired = desired
        self.replicas = replicas
        self.elapsed = elapsed
        self.requests = requests
        self.failures = failures
        self.latency = latency
        self.series = series
        self.isRollingOut = isRollingOut
    }
}

/// One replica as it is now.
package struct ReplicaSample: Sendable, Hashable {
    /// Time since it became ready; nil while it is starting or out of rotation.
    package var readyFor: Duration?
    /// Cores in use, averaged since the last sample; nil where there is no sample.
    package var cores: Double?
    /// Bytes in use; nil where there is no sample.
    package var memory: Int?

    package init(readyFor: Duration?, cores: Double?, memory: Int?) {
        self.readyFor = readyFor
        self.cores = cores
        self.memory = memory
    }
}

/// The total of one series over all replicas, or why there is none.
package struct SeriesSample: Sendable, Hashable {
    package var name: String
    package var path: String
    /// Nil, NaN and infinities count as missing.
    package var total: Double?
    /// Said to people where there is no total: `/metrics answered 500`.
    package var problem: String?

    package init(name: String, path: String, total: Double?, problem: String? = nil) {
        self.name = name
        self.path = path
        self.total = total
        self.problem = problem
    }
}
