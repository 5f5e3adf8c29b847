import AloftModel
import AloftScaling
import Testing

/// Random loads, faults and rollouts; the seed is in every failure.
@Suite("What always holds")
struct PropertyTests {
    struct Step {
        var now: Moment
        var sample: ServiceSample
        var decision: ScalingDecision
    }

    /// Two hours of a service under random load, each sample as the service with the decided number would give it.
    private func hours(_ spec: ScalingSpec, seed: UInt64, samples: Int = 480) -> [Step] {
        var random = SeededRandom(seed: seed)
        let service = ServiceSpec.api(spec)
        var state = ScalingState()
        var now = Moment(monotonic: .seconds(50), wall: .noon)
        var desired = spec.minReplicas
        var perMinute = 2000.0
        return (0..<samples).map { _ in
            now.monotonic += .seconds(15)
            now.wall = now.wall + .seconds(15)
            if random.chance(10) { perMinute = Double(random.below(30_000)) }
            let sample = random.sample(spec, desired: desired, perMinute: perMinute)
            let bounds = BoundsInForce(spec, at: now.wall) { _, _ in .zero }
            let decision = Planner(service, bounds: bounds, now: now).plan(sample, &state)
            desired = decision.desired
            return Step(now: now, sample: sample, decision: decision)
        }
    }

    @Test("never outside the bounds and never below minAvailable", arguments: 1...40 as ClosedRange<UInt64>)
    func bounds(seed: UInt64) {
        var spec = ScalingSpec.caseH
        spec.idle = IdleSpec(after: .seconds(60))
        for step in hours(spec, seed: seed) {
            #expect((4...50).contains(step.decision.desired), "seed \(seed)")
            if step.decision.cause != .idle { #expect(step.decision.desired >= 6, "seed \(seed)") }
        }
    }

    @Test(
        "a missing metric never scales down, nor does anything during a rollout",
        arguments: 1...40 as ClosedRange<UInt64>)
    func missing(seed: UInt64) {
        var seen = 0
        for step in hours(.caseS, seed: seed) {
            guard step.decision.metrics.contains(where: \.isMissing) || step.sample.isRollingOut else { continue }
            seen += 1
            #expect(step.decision.desired >= step.decision.previous, "seed \(seed): \(step.decision.reason)")
        }
        #expect(seen > 20, "seed \(seed)")
    }

    @Test(
        "steps in one direction lie their cooldown apart and are no larger than maxStep",
        arguments: 1...40 as ClosedRange<UInt64>)
    func cooldowns(seed: UInt64) {
        var last: (up: Duration?, down: Duration?)
        for step in hours(.caseS, seed: seed) where step.decision.changes {
            let now = step.now.monotonic
            if step.decision.desired > step.decision.previous {
                #expect(step.decision.desired - step.decision.previous <= 2, "seed \(seed)")
                if let up = last.up { #expect(now - up >= .seconds(180), "seed \(seed)") }
                last.up = now
            } else {
                #expect(step.decision.previous - step.decision.desired == 1, "seed \(seed)")
                if let down = last.down { #expect(now - down >= .seconds(600), "seed \(seed)") }
                last.down = now
            }
        }
        #expect(last.up != nil, "seed \(seed): nothing ever happened")
    }

    @Test("load that swings within the tolerance changes nothing", arguments: 1...20 as ClosedRange<UInt64>)
    func tolerance(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var spec = ScalingSpec.caseS
        spec.metrics = [.requestsPerReplica(Rate(1000, per: .seconds(60))), .cpu(Percent(70))]
        spec.behavior.scaleUp = .init(stabilizationWindow: .zero, maxStep: nil, cooldown: .zero)
        spec.behavior.scaleDown = .init(stabilizationWindow: .zero, maxStep: nil, cooldown: .zero)
        var state = ScalingState()
        var now = Moment(monotonic: .zero, wall: .noon)
        for _ in 0..<400 {
            now.monotonic += .seconds(15)
            // 91% to 109% of both targets, for 8 replicas.
            let share = 0.91 + Double(random.below(180)) / 1000
            let replica = ReplicaSample(readyFor: .seconds(900), cores: 0.25 * 0.7 * share, memory: 0)
            let sample = ServiceSample(
                desired: 8, replicas: Array(repeating: replica, count: 8), elapsed: .seconds(60),
                requests: Int(8000 * share))
            let bounds = BoundsInForce(spec, at: now.wall) { _, _ in .zero }
            let decision = Planner(.api(spec), bounds: bounds, now: now).plan(sample, &state)
            #expect(decision.desired == 8, "seed \(seed): \(decision.reason)")
        }
    }
}

/// SplitMix64.
private struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func below(_ limit: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return (value ^ (value >> 31)) % limit
    }

    mutating func chance(_ percent: UInt64) -> Bool { below(100) < percent }

    mutating func sample(_ spec: ScalingSpec, desired: Int, perMinute: Double) -> ServiceSample {
        let each = perMinute / Double(max(1, desired))
        let replicas = (0..<desired).map { _ in
            ReplicaSample(
                readyFor: chance(10) ? nil : .seconds(Int(below(300))),
                cores: chance(5) ? nil : each * 0.01 / 60, memory: chance(2) ? nil : Int(each * 60_000))
        }
        return ServiceSample(
            desired: desired, replicas: replicas, elapsed: .seconds(15),
            requests: chance(3) ? nil : chance(20) ? 0 : Int(perMinute / 4),
            latency: chance(3) ? [:] : [.p95: .milliseconds(Int(below(1200)))],
            series: [
                SeriesSample(
                    name: "orders_pending", path: "/metrics",
                    total: chance(5) ? nil : chance(2) ? .nan : chance(30) ? 0 : Double(below(8000)))
            ],
            isRollingOut: chance(10))
    }
}
