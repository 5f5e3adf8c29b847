import AloftModel
import AloftScaling
import Synchronization

/// What reaches the service, whatever its number of replicas is.
struct Load: Sendable {
    /// Cores in use, all replicas together.
    var cores: Double? = 0.1
    var memoryMiB: Double? = 100
    var perMinute: Double? = 0
    var p95: Duration? = .milliseconds(100)
    var series: Double?
    var isRollingOut = false
}

/// One service with replicas that become ready some time after they are asked for.
final class FakeService: ScalingSource, ScalingTarget {
    struct Refused: Error {}

    struct State {
        var load = Load()
        var desired = 0
        /// When each becomes ready, oldest first.
        var readyAt: [Duration] = []
        var sampled: Duration?
        var requests = 0.0
        var refuses = false
        var applied: [String] = []
    }

    let clock: FakeTime
    let startTime: Duration
    private let state = Mutex(State())

    init(clock: FakeTime, replicas: Int, startTime: Duration = .seconds(20)) {
        self.clock = clock
        self.startTime = startTime
        let ready = clock.now.monotonic - .seconds(600)
        state.withLock {
            $0.desired = replicas
            $0.readyAt = Array(repeating: ready, count: replicas)
            $0.sampled = clock.now.monotonic
        }
    }

    func with<Value: Sendable>(_ change: (inout sending State) -> sending Value) -> Value { state.withLock(change) }
    func set(_ load: Load) { state.withLock { $0.load = load } }
    var ready: Int {
        let now = clock.now.monotonic
        return state.withLock { $0.readyAt.count { $0 <= now } }
    }
    var desired: Int { state.withLock { $0.desired } }
    var applied: [String] { state.withLock { $0.applied } }

    func sample(_ service: ServiceSpec) async -> ServiceSample {
        let now = clock.now.monotonic
        return state.withLock { state in
            let elapsed = now - (state.sampled ?? now)
            state.sampled = now
            let load = state.load
            let ready = Double(max(1, state.readyAt.count { $0 <= now }))
            let replicas = state.readyAt.map { time in
                ReplicaSample(
                    readyFor: time <= now ? now - time : nil,
                    cores: load.cores.map { $0 / ready },
                    memory: load.memoryMiB.map { Int($0 * 1_048_576 / ready) })
            }
            let requests = load.perMinute.map { Int(($0 * Double(elapsed.milliseconds) / 60_000).rounded()) }
            return ServiceSample(
                desired: state.desired, replicas: replicas, elapsed: elapsed, requests: requests, failures: 0,
                latency: load.p95.map { [.p95: $0] } ?? [:],
                series: [
                    SeriesSample(
                        name: "orders_pending", path: "/metrics", total: load.series,
                        problem: load.series == nil ? "/metrics answered 500" : nil)
                ],
                isRollingOut: load.isRollingOut)
        }
    }

    func apply(_ service: String, desired: Int, reason: String) async throws {
        let ready = clock.now.monotonic + startTime
        try state.withLock { state in
            if state.refuses { throw Refused() }
            state.applied.append(reason)
            state.desired = desired
            while state.readyAt.count < desired { state.readyAt.append(ready) }
            if state.readyAt.count > desired { state.readyAt.removeLast(state.readyAt.count - desired) }
        }
    }
}

/// Events in the order they came.
final class EventLog: Sendable {
    private let events = Mutex<[Event]>([])
    var all: [Event] { events.withLock { $0 } }
    func add(_ event: Event) { events.withLock { $0.append(event) } }
    func kinds(_ prefix: String) -> [String] { all.map(\.kind).filter { $0.hasPrefix(prefix) } }
}

/// One scaler with one service, on a clock of its own.
struct Bench {
    let clock: FakeTime
    let service: FakeService
    let store: MemoryStore
    let events = EventLog()
    let spec: ServiceSpec
    private(set) var scaler: Scaler

    init(_ scaling: ScalingSpec, replicas: Int, clock: FakeTime = FakeTime(), startTime: Duration = .seconds(20)) async
    {
        spec = .api(scaling)
        self.clock = clock
        service = FakeService(clock: clock, replicas: replicas, startTime: startTime)
        store = MemoryStore()
        scaler = Bench.scaler(clock, service, store, events)
        await scaler.apply([spec])
    }

    /// The daemon is killed and comes back.
    mutating func restart() async {
        scaler = Bench.scaler(clock, service, store, events)
        await scaler.apply([spec])
    }

    /// Looks once a period for so long; returns what `status` said after each look.
    @discardableResult
    func run(_ time: Duration) async -> [ScalingStatus] {
        let period = ScalingPeriod.of(spec.scaling)
        let end = clock.now.monotonic + time
        var statuses: [ScalingStatus] = []
        while clock.now.monotonic < end {
            clock.advance(period)
            await scaler.look(at: spec.name)
            if let status = await scaler.status(spec.name) { statuses.append(status) }
        }
        return statuses
    }

    private static func scaler(
        _ clock: FakeTime, _ service: FakeService, _ store: MemoryStore, _ events: EventLog
    ) -> Scaler {
        Scaler(
            ports: ScalingPorts(
                source: service, target: service, store: store, event: { events.add($0) },
                offset: { zone, instant in zone.map { TimeZones.offset($0, instant) } ?? .zero }, clock: clock))
    }
}

extension ServiceSpec {
    /// A service that asks for 250m and 512 MiB.
    static func api(_ scaling: ScalingSpec) -> ServiceSpec {
        ServiceSpec(
            name: "api", command: [], directory: "/", listen: .port, environment: [],
            resources: Resources(
                requests: .init(cpu: CPUQuantity(millicores: 250), memory: .mebibytes(512))),
            probes: Probes(),
            restart: RestartSpec(
                policy: .always,
                backoff: .init(initial: .seconds(1), max: .seconds(300), resetAfter: .seconds(600))),
            stop: StopSpec(drain: .seconds(30), grace: .seconds(15)), scaling: scaling)
    }
}

extension ScalingSpec {
    private static let usual = ScalingBehavior(
        scaleUp: .init(stabilizationWindow: .seconds(120), maxStep: 2, cooldown: .seconds(180)),
        scaleDown: .init(stabilizationWindow: .seconds(300), maxStep: 1, cooldown: .seconds(600)))

    /// 70%, 80%, 1000 a minute, p95 500 ms; 2 to 20.
    static let caseS = ScalingSpec(
        minReplicas: 2, maxReplicas: 20, minAvailable: 1,
        metrics: [
            .cpu(Percent(70)), .memory(Percent(80)), .requestsPerReplica(Rate(1000, per: .seconds(60))),
            .latency(LatencyBound(.p95, .milliseconds(500))),
        ], behavior: usual)

    /// 70%, 80%, a series; 6 to 50, at least 4.
    static let caseH = ScalingSpec(
        minReplicas: 6, maxReplicas: 50, minAvailable: 4,
        metrics: [
            .cpu(Percent(70)), .memory(Percent(80)), .series(name: "orders_pending", path: "/metrics", target: 100),
        ], behavior: usual)
}
