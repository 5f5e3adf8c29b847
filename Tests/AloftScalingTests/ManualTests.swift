import AloftModel
import AloftScaling
import Testing

@Suite("A number set by hand")
struct ManualTests {
    @Test("holds until metrics ask for fewer for a whole window")
    func down() async throws {
        let bench = await Bench(.caseS, replicas: 2)
        bench.service.set(Load(cores: 0.2, memoryMiB: 500, perMinute: 1200))
        await bench.run(.seconds(600))
        try await bench.scaler.scale("api", to: 9)
        #expect(bench.service.desired == 9)
        let held = await bench.run(.seconds(285))
        #expect(held.allSatisfy { $0.desired == 9 && $0.manual == 9 })
        let after = await bench.run(.seconds(15))
        #expect(after.last?.desired == 8)
        #expect(after.last?.manual == nil)
    }

    @Test("gives way upwards too, after the window of scaling up")
    func up() async throws {
        let bench = await Bench(.caseS, replicas: 8)
        bench.service.set(Load(cores: 1.4, memoryMiB: 500, perMinute: 8000))
        await bench.run(.seconds(600))
        try await bench.scaler.scale("api", to: 3)
        let held = await bench.run(.seconds(105))
        #expect(held.allSatisfy { $0.desired == 3 })
        await bench.run(.seconds(15))
        #expect(bench.service.desired == 5)
    }

    @Test("without metrics it holds until an entry of the schedule begins, also across a restart")
    func withoutMetrics() async throws {
        let spec = ScalingSpec(
            minReplicas: 2, maxReplicas: 9, minAvailable: 1,
            schedule: [ScalingSchedule(cron: try Schedule(parsing: "0 14 * * *"), minReplicas: 4)])
        var bench = await Bench(spec, replicas: 2)
        await bench.run(.seconds(60))
        // In force since 14:00 of yesterday.
        #expect(bench.service.desired == 4)
        try await bench.scaler.scale("api", to: 7)
        await bench.run(.seconds(3600))
        await bench.restart()
        await bench.run(.seconds(3480))
        #expect(bench.service.desired == 7)
        await bench.run(.seconds(120))
        #expect(bench.service.desired == 4)
    }

    @Test("is refused outside the bounds in force, and for a service that does not scale")
    func refused() async {
        let bench = await Bench(.caseS, replicas: 2)
        await #expect(throws: ScalingError.outOfBounds(21, minimum: 2, maximum: 20)) {
            try await bench.scaler.scale("api", to: 21)
        }
        await #expect(throws: ScalingError.unknownService("web")) { try await bench.scaler.scale("web", to: 3) }
    }

    @Test("fewer waits for the end of a rollout")
    func rollout() async throws {
        let bench = await Bench(.caseS, replicas: 8)
        bench.service.set(Load(cores: 1.4, memoryMiB: 500, perMinute: 8000, isRollingOut: true))
        await bench.run(.seconds(60))
        try await bench.scaler.scale("api", to: 3)
        #expect(bench.service.desired == 8)
        bench.service.set(Load(cores: 1.4, memoryMiB: 500, perMinute: 8000))
        await bench.run(.seconds(15))
        #expect(bench.service.desired == 3)
    }
}
