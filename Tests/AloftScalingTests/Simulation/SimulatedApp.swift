import AloftModel
import AloftScaling
import Foundation
import Synchronization

/// An app under load, second by second: replicas that queue, and become ready some time after they were asked for.
///
/// A request takes 12 ms of a core; a replica may use half a core, so it serves 41 requests a second at most and should
/// (70% of 250m) serve 14. Answers take the time of an M/M/1 queue, p95 = ln 20 ÷ (rate of service − rate of arrival), and what
/// cannot be served waits, at most for 5 s: then clients have gone.
final class SimulatedApp: ScalingSource, ScalingTarget {
    static let demand = 0.012
    static let cores = 0.5
    static let request = 0.25
    static let patience = 5.0
    /// Requests a second of one replica at its limit.
    static let capacity = cores / demand

    struct State {
        var readyAt: [Duration]
        var backlog = 0.0
        var sampled: Duration
        var arrived = 0.0
        /// Summed over seconds since the last sample.
        var usedCores = 0.0
        var slowness = 0.0
        var series = 0.0
        var carried = 0.0
        var desired: Int
        var reasons: [String] = []
    }

    private let clock: FakeTime
    private let startTime: Duration
    private let state: Mutex<State>

    init(clock: FakeTime, replicas: Int, startTime: Duration) {
        self.clock = clock
        self.startTime = startTime
        let now = clock.now.monotonic
        state = Mutex(
            State(
                readyAt: Array(repeating: now - .seconds(3600), count: replicas), sampled: now, desired: replicas))
    }

    var desired: Int { state.withLock { $0.desired } }
    var ready: Int {
        let now = clock.now.monotonic
        return state.withLock { $0.readyAt.count { $0 <= now } }
    }

    /// One second with so many requests; returns its p95 in seconds.
    func second(perMinute: Double, series: Double) -> Double {
        let now = clock.now.monotonic
        return state.withLock { state in
            let ready = Double(state.readyAt.count { $0 <= now })
            let arriving = perMinute / 60
            let total = ready * Self.capacity
            let served = min(total, arriving + state.backlog)
            state.backlog = min(max(0, state.backlog + arriving - served), total * Self.patience)
            let each = min(arriving / max(1, ready), Self.capacity * 0.98)
            let p95 = log(20) / (Self.capacity - each) + state.backlog / max(1, total)
            state.arrived += arriving
            state.usedCores += served * Self.demand
            state.slowness += p95 * arriving
            state.series = series
            return p95
        }
    }

    func sample(_ service: ServiceSpec) async -> ServiceSample {
        let now = clock.now.monotonic
        return state.withLock { state in
            let elapsed = now - state.sampled
            let seconds = max(1, Double(elapsed.milliseconds) / 1000)
            let ready = Double(max(1, state.readyAt.count { $0 <= now }))
            let p95 = state.arrived > 0 ? state.slowness / state.arrived : 0
            let arrived = state.arrived + state.carried
            let sample = ServiceSample(
                desired: state.desired,
                replicas: state.readyAt.map { time in
                    ReplicaSample(
                        readyFor: time <= now ? now - time : nil, cores: state.usedCores / seconds / ready,
                        memory: 200 << 20)
                },
                elapsed: elapsed, requests: Int(arrived), failures: 0,
                latency: [.p95: .milliseconds(Int(p95 * 1000))],
                series: [SeriesSample(name: "orders_pending", path: "/metrics", total: state.series)])
            state.carried = arrived - arrived.rounded(.down)
            state.sampled = now
            state.arrived = 0
            state.usedCores = 0
            state.slowness = 0
            return sample
        }
    }

    func apply(_ service: String, desired: Int, reason: String) async throws {
        let ready = clock.now.monotonic + startTime
        state.withLock { state in
            state.desired = desired
            state.reasons.append(reason)
            while state.readyAt.count < desired { state.readyAt.append(ready) }
            if state.readyAt.count > desired { state.readyAt.removeLast(state.readyAt.count - desired) }
        }
    }
}

/// Load over a day: requests a minute, and the total of the series.
struct LoadCurve: Sendable {
    var perMinute: @Sendable (_ second: Int) -> Double
    var series: @Sendable (_ second: Int) -> Double = { _ in 0 }

    /// From `low` at 04:00 to `high` at 16:00.
    static func day(low: Double, high: Double, at second: Int) -> Double {
        let phase = 2 * Double.pi * (Double(second) / 86_400 - 4.0 / 24)
        return low + (high - low) * (1 - cos(phase)) / 2
    }

    /// Few requests; ten times as many from 10:00 to 11:30, and for one minute at 17:00.
    static let caseS = LoadCurve(perMinute: { second in
        let usual = day(low: 500, high: 1500, at: second)
        let isStep = (36_000..<41_400).contains(second)
        let isSpike = (61_200..<61_260).contains(second)
        return isStep || isSpike ? usual * 10 : usual
    })

    /// A busy day, and orders that wait at 08:00, 13:00 and 20:00.
    static let caseH = LoadCurve(
        perMinute: { day(low: 5000, high: 22_000, at: $0) },
        series: { second in
            [8.0, 13, 20].reduce(100) { sum, hour in
                let distance = (Double(second) / 3600 - hour) / 0.6
                return sum + 3600 * exp(-distance * distance)
            }
        })
}

/// What a simulation saw, one point a minute.
struct Trace: Sendable {
    struct Point: Sendable {
        var second: Int
        var perMinute: Double
        var desired: Int
        var ready: Int
        /// The worst second of the minute, in milliseconds.
        var p95: Double
        var series: Double
    }

    var points: [Point] = []
    var reasons: [String] = []
}

/// Runs one app through a curve under a real `Scaler` on a fake clock.
struct Simulation {
    let spec: ScalingSpec
    let curve: LoadCurve
    let seconds: Int
    let replicas: Int
    var startTime: Duration = .seconds(25)
    /// Seconds between the curve's start and the scaler's first look.
    var phase = 0

    /// - Parameter each: Called every second with the second and the replicas that are ready; false ends the run.
    func run(each: (_ second: Int, _ ready: Int) -> Bool = { _, _ in true }) async -> Trace {
        let clock = FakeTime(Timestamp.noon + .seconds(43_200))
        let app = SimulatedApp(clock: clock, replicas: replicas, startTime: startTime)
        let service = ServiceSpec.api(spec)
        let events = EventLog()
        let scaler = Scaler(
            ports: ScalingPorts(
                source: app, target: app, store: MemoryStore(), event: { events.add($0) }, offset: { _, _ in .zero },
                clock: clock))
        await scaler.apply([service])
        let period = Int(ScalingPeriod.of(spec).milliseconds / 1000)
        var trace = Trace()
        var worst = 0.0
        for second in 0..<seconds {
            clock.advance(.seconds(1))
            let load = curve.perMinute(second)
            worst = max(worst, app.second(perMinute: load, series: curve.series(second)) * 1000)
            if (second + phase) % period == period - 1 { await scaler.look(at: service.name) }
            let ready = app.ready
            if second % 60 == 59 {
                trace.points.append(
                    Trace.Point(
                        second: second, perMinute: load, desired: app.desired, ready: ready, p95: worst,
                        series: curve.series(second)))
                worst = 0
            }
            guard each(second, ready) else { break }
        }
        trace.reasons = events.all.map(\.message)
        return trace
    }
}
