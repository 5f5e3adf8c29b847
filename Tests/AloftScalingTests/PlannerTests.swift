import AloftModel
import AloftScaling
import Testing

@Suite("One decision")
struct PlannerTests {
    /// Without windows: what one sample says is done at once.
    private static let prompt = ScalingBehavior(
        scaleUp: .init(stabilizationWindow: .zero, maxStep: nil, cooldown: .zero),
        scaleDown: .init(stabilizationWindow: .zero, maxStep: nil, cooldown: .zero))

    private func decide(
        _ metrics: [ScalingMetric], _ sample: ServiceSample, behavior: ScalingBehavior = prompt,
        state: inout ScalingState, now: Moment = Moment(monotonic: .seconds(10), wall: .noon)
    ) -> ScalingDecision {
        let spec = ScalingSpec(
            minReplicas: 1, maxReplicas: 100, minAvailable: 1, metrics: metrics, behavior: behavior)
        let bounds = BoundsInForce(spec, at: now.wall) { _, _ in .zero }
        return Planner(.api(spec), bounds: bounds, now: now).plan(sample, &state)
    }

    private func decide(_ metrics: [ScalingMetric], _ sample: ServiceSample) -> ScalingDecision {
        var state = ScalingState()
        return decide(metrics, sample, state: &state)
    }

    /// - Parameter use: Share of the 250m that each replica asks for; nil has no sample. `starting` are not ready.
    private func sample(use: [Double?], starting: Int = 0, warming: [Double] = []) -> ServiceSample {
        let ready = use.map { ReplicaSample(readyFor: .seconds(600), cores: $0.map { $0 * 0.25 }, memory: 0) }
        let warm = warming.map { ReplicaSample(readyFor: .seconds(5), cores: $0 * 0.25, memory: 0) }
        let cold = Array(repeating: ReplicaSample(readyFor: nil, cores: 1, memory: 0), count: starting)
        return ServiceSample(
            desired: ready.count + warm.count + cold.count, replicas: ready + warm + cold, elapsed: .seconds(60),
            requests: 100)
    }

    @Test("the ratio times those that were measured, rounded up, unless within 10%")
    func ratio() {
        #expect(decide([.cpu(Percent(50))], sample(use: [1, 1, 1, 1])).desired == 8)
        #expect(decide([.cpu(Percent(50))], sample(use: [0.55, 0.55, 0.55])).desired == 3)
        #expect(decide([.cpu(Percent(50))], sample(use: [0.56, 0.56, 0.56])).desired == 4)
        #expect(decide([.cpu(Percent(50))], sample(use: [0.2, 0.2, 0.2, 0.2])).desired == 2)
    }

    @Test("one without a sample counts as at rest when scaling up, and as full when scaling down")
    func missingReplica() {
        // 3 × 100% + 0 over 4 is 75%: 1.5 × 4.
        #expect(decide([.cpu(Percent(50))], sample(use: [1, 1, 1, nil])).desired == 6)
        // 3 × 10% + 100% over 4 is 32.5%: 0.65 × 4.
        #expect(decide([.cpu(Percent(50))], sample(use: [0.1, 0.1, 0.1, nil])).desired == 3)
        // Full, it turns the direction round: 2 × 30% + 100% over 3 is 53%.
        #expect(decide([.cpu(Percent(50))], sample(use: [0.3, 0.3, nil])).desired == 3)
        // At rest, it does: 60% becomes 40%.
        #expect(decide([.cpu(Percent(50))], sample(use: [0.6, 0.6, nil])).desired == 3)
    }

    @Test("those that start or warm up count as at rest when scaling up, and not at all when down")
    func ignoredReplica() {
        #expect(decide([.cpu(Percent(50))], sample(use: [1, 1], starting: 2)).desired == 4)
        #expect(decide([.cpu(Percent(50))], sample(use: [2, 2], starting: 1, warming: [9])).desired == 8)
        #expect(decide([.cpu(Percent(50))], sample(use: [0.1, 0.1], starting: 2)).desired == 1)
    }

    @Test("no replica past its warm-up is no news; all without a sample is a missing metric")
    func nothingMeasured() {
        let warming = decide([.cpu(Percent(50))], sample(use: [], warming: [9, 9]))
        #expect(warming.desired == 2)
        #expect(!warming.metrics[0].isMissing)
        let missing = decide([.cpu(Percent(50))], sample(use: [nil, nil]))
        #expect(missing.reason == "2: cpu is missing (no replica has a sample); not fewer without it")
    }

    @Test("with several metrics the largest number counts")
    func largest() {
        var many = sample(use: [0.5, 0.5])
        many.series = [SeriesSample(name: "queue", path: "/m", total: 950)]
        let decision = decide([.cpu(Percent(50)), .series(name: "queue", path: "/m", target: 100)], many)
        #expect(decision.reason == "10: queue 475 over 100 a replica")
        #expect(decision.metrics.map(\.recommendation) == [2, 10])
    }

    @Test("a metric that fails lets the others ask for more, not for fewer")
    func failing() {
        let metrics: [ScalingMetric] = [.cpu(Percent(50)), .series(name: "queue", path: "/m", target: 100)]
        #expect(decide(metrics, sample(use: [1, 1])).desired == 4)
        let low = decide(metrics, sample(use: [0.1, 0.1]))
        #expect(low.desired == 2)
        #expect(low.limits == [.missing(metric: "queue")])
    }

    @Test("a missing metric counts against fewer for a whole window after it is back")
    func windowAfterMissing() {
        let behavior = ScalingBehavior(
            scaleDown: .init(stabilizationWindow: .seconds(60), maxStep: nil, cooldown: .zero))
        var state = ScalingState()
        func at(_ second: Int, _ use: Double?) -> Int {
            decide(
                [.cpu(Percent(50))], sample(use: [use, use, use, use]), behavior: behavior, state: &state,
                now: Moment(monotonic: .seconds(second), wall: .noon)
            ).desired
        }
        #expect([0, 15, 30, 45].map { at($0, 0.1) } == [4, 4, 4, 4])
        #expect(at(59, nil) == 4)
        #expect([61, 75, 90, 118].map { at($0, 0.1) } == [4, 4, 4, 4])
        #expect(at(119, 0.1) == 1)
    }

    @Test("latency asks for its share more, at most twice as many; under the target it has a say only alone")
    func latency() {
        let bound = ScalingMetric.latency(LatencyBound(.p95, .milliseconds(500)))
        func with(_ p95: Int, requests: Int = 100) -> ServiceSample {
            var slow = sample(use: [0.5, 0.5, 0.5, 0.5])
            slow.latency = [.p95: .milliseconds(p95)]
            slow.requests = requests
            return slow
        }
        #expect(decide([bound], with(540)).desired == 4)
        #expect(decide([bound], with(612)).reason == "5: p95 612 ms over 500 ms")
        #expect(decide([bound], with(60_000)).desired == 8)
        #expect(decide([bound], with(300)).desired == 4)
        #expect(decide([bound], with(240)).desired == 3)
        #expect(decide([bound], with(9000, requests: 19)).desired == 4)
        #expect(decide([bound], with(9000, requests: 0)).desired == 3)
        #expect(decide([bound, .cpu(Percent(50))], with(10)).desired == 4)
        #expect(decide([bound, .cpu(Percent(50))], with(10)).metrics[0].recommendation == nil)
    }

    @Test("a request that no metric can be taken from is missing, not zero")
    func missingRequests() {
        var blind = sample(use: [0.5, 0.5])
        blind.requests = nil
        #expect(decide([.requestsPerReplica(Rate(1000, per: .seconds(60)))], blind).desired == 2)
        #expect(decide([.memory(Percent(50))], sample(use: [0.5, 0.5])).desired == 1)
    }

    @Test("other bounds act at once; a lower maximum waits for the end of a rollout")
    func bounds() {
        var state = ScalingState()
        var spec = ScalingSpec.caseS
        var busy = sample(use: Array(repeating: 0.7, count: 10))
        func decide(_ spec: ScalingSpec) -> ScalingDecision {
            let bounds = BoundsInForce(spec, at: .noon) { _, _ in .zero }
            return Planner(.api(spec), bounds: bounds, now: Moment(monotonic: .seconds(5), wall: .noon))
                .plan(busy, &state)
        }
        #expect(decide(spec).desired == 10)
        spec.minReplicas = 14
        #expect(decide(spec).reason == "14: minReplicas 14")
        spec.minReplicas = 2
        spec.maxReplicas = 8
        busy.isRollingOut = true
        #expect(decide(spec).desired == 14)
        busy.isRollingOut = false
        #expect(decide(spec).reason == "8: maxReplicas 8")
    }

    @Test("the entry that began last is in force, and gives way when its time is over")
    func schedule() throws {
        var spec = ScalingSpec.caseS
        spec.schedule = [
            ScalingSchedule(cron: try Schedule(parsing: "0 8 * * *"), minReplicas: 6),
            ScalingSchedule(
                cron: try Schedule(parsing: "0 12 * * *"), minReplicas: 10, maxReplicas: 30, duration: .seconds(7200)),
        ]
        func at(_ time: Timestamp) -> BoundsInForce { BoundsInForce(spec, at: time) { _, _ in .zero } }
        let noon = at(.noon)
        #expect([noon.lower, noon.upper] == [10, 30])
        #expect(noon.until == .noon + .seconds(7200))
        let later = at(.noon + .seconds(7200))
        #expect([later.lower, later.upper] == [6, 20])
        #expect(later.until == .noon + .seconds(20 * 3600))
        spec.schedule[0].minReplicas = 40
        #expect(at(.noon + .seconds(7200)).lower == 20, "maxReplicas protects the machine")
    }
}
