import AloftModel
import AloftScaling
import Foundation
import Testing

@Suite("The scaler")
struct ScalerTests {
    @Test("tells of a change, of a metric that goes missing and of its return, once each")
    func events() async {
        let bench = await Bench(.caseS, replicas: 4)
        bench.service.set(Load(cores: 0.7, memoryMiB: 500, perMinute: 4000))
        await bench.run(.seconds(60))
        bench.service.set(Load(cores: nil, memoryMiB: 500, perMinute: 4000))
        await bench.run(.seconds(120))
        bench.service.set(Load(cores: 1.4, memoryMiB: 500, perMinute: 4000))
        await bench.run(.seconds(150))
        #expect(bench.events.all.map(\.kind) == ["scaling.metricMissing", "scaling.metricBack", "service.scaled"])
        #expect(bench.events.all.map(\.subject) == ["api", "api", "api"])
        #expect(
            bench.events.all.last?.message
                == "4 → 6: cpu 140% over 70% for 2m; step 2, next change not before 12:08")
        #expect(bench.service.applied == ["6: cpu 140% over 70% for 2m; step 2, next change not before 12:08"])
    }

    @Test("wakes from zero at once, without a sample, and asks once")
    func wakes() async {
        let spec = ScalingSpec(minReplicas: 1, maxReplicas: 5, minAvailable: 0, idle: IdleSpec(after: .seconds(60)))
        let bench = await Bench(spec, replicas: 1)
        await bench.run(.seconds(120))
        #expect(bench.service.desired == 0)
        let samples = bench.service.with { $0.sampled }
        await bench.scaler.wanted("api")
        await bench.scaler.wanted("api")
        await bench.scaler.wanted("unknown")
        #expect(
            bench.service.applied.suffix(2) == ["0: no request for 1m", "1: a request came while there was no replica"])
        #expect(bench.service.with { $0.sampled } == samples)
        await bench.run(.seconds(56))
        #expect(bench.service.desired == 1)
        await bench.run(.seconds(28))
        #expect(bench.service.desired == 0)
    }

    @Test("a restart while idle stays idle")
    func idleRestart() async {
        let spec = ScalingSpec(minReplicas: 1, maxReplicas: 5, minAvailable: 0, idle: IdleSpec(after: .seconds(60)))
        var bench = await Bench(spec, replicas: 1)
        await bench.run(.seconds(120))
        await bench.restart()
        await bench.run(.seconds(60))
        #expect(bench.service.desired == 0)
        #expect(bench.events.kinds("service.").count == 1)
    }

    @Test("minAvailable keeps an idle service from zero, and says so")
    func idleAvailable() async {
        let spec = ScalingSpec(minReplicas: 2, maxReplicas: 5, minAvailable: 1, idle: IdleSpec(after: .seconds(60)))
        let bench = await Bench(spec, replicas: 2)
        let statuses = await bench.run(.seconds(120))
        #expect(statuses.last?.reason == "1: no request for 1m; minAvailable 1")
    }

    @Test("a number that cannot be applied is tried again, and is one event")
    func refusal() async {
        let bench = await Bench(.caseS, replicas: 1)
        bench.service.with { $0.refuses = true }
        await bench.run(.seconds(60))
        #expect(bench.service.desired == 1)
        bench.service.with { $0.refuses = false }
        await bench.run(.seconds(15))
        #expect(bench.service.desired == 2)
        #expect(bench.events.kinds("service.") == ["service.scaled"])
    }

    @Test("a clock that goes back moves nothing, neither running nor across a restart")
    func clockBack() async {
        var bench = await Bench(.caseS, replicas: 6)
        bench.service.set(Load(cores: 0.3, memoryMiB: 500, perMinute: 1200))
        await bench.run(.seconds(150))
        bench.clock.setWall(.noon + .seconds(-86_400))
        await bench.run(.seconds(135))
        #expect(bench.service.desired == 6)
        await bench.run(.seconds(30))
        #expect(bench.service.desired == 5)
        bench.clock.setWall(.noon + .seconds(-200_000))
        await bench.restart()
        // The history is dated in the future, so a window begins anew.
        await bench.run(.seconds(285))
        #expect(bench.service.desired == 5)
        await bench.run(.seconds(30))
        #expect(bench.service.desired == 4)
    }

    @Test("history that is damaged, too new or cannot be saved is no reason to stop or to scale")
    func damaged() async {
        for text in ["", "{", "{\"version\":2}", "[]", String(repeating: " ", count: 300_000)] {
            let clock = FakeTime()
            let service = FakeService(clock: clock, replicas: 4)
            service.set(Load(cores: 0.7, memoryMiB: 500, perMinute: 4000))
            let store = MemoryStore()
            await store.put(text, "api")
            await store.fill()
            let scaler = Scaler(
                ports: ScalingPorts(source: service, target: service, store: store, event: { _ in }, clock: clock))
            await scaler.apply([.api(.caseS)])
            await scaler.look(at: "api")
            #expect(await scaler.status("api")?.desired == 4)
        }
    }

    @Test("what it keeps is bounded: 240 points, and a history of less than 64 KiB after a day")
    func bounded() async throws {
        var spec = ScalingSpec.caseS
        spec.behavior.scaleDown.stabilizationWindow = .seconds(86_400)
        let bench = await Bench(spec, replicas: 2)
        await bench.run(.seconds(86_400))
        #expect(await bench.scaler.status("api")?.history.count == 240)
        let text = try #require(await bench.store.texts["api"])
        #expect(text.utf8.count < 64 << 10, "\(text.utf8.count)")
    }

    @Test("run looks at each service once a period, forgets those that are gone, and saves at its end")
    func runs() async {
        let clock = FakeTime(end: .seconds(600))
        let service = FakeService(clock: clock, replicas: 2)
        let store = MemoryStore()
        let scaler = Scaler(
            ports: ScalingPorts(source: service, target: service, store: store, event: { _ in }, clock: clock))
        var other = ServiceSpec.api(.caseS)
        other.name = "fixed"
        other.scaling = ScalingSpec(minReplicas: 3, maxReplicas: 3, minAvailable: 1)
        await scaler.apply([.api(.caseS), other])
        await scaler.run()
        #expect(await scaler.status("api")?.history.count == 121)
        #expect(await scaler.status("fixed") == nil)
        #expect(await store.saves == 42)
        await scaler.apply([])
        #expect(await scaler.status("api") == nil)
    }

    @Test(
        "the period is a twenty-fourth of the shortest time, from 1 to 15 seconds",
        arguments: [(0, 15), (1, 1), (24, 1), (47, 1), (48, 2), (120, 5), (3600, 15)])
    func period(window: Int, period: Int) {
        var spec = ScalingSpec(minReplicas: 1, maxReplicas: 2, minAvailable: 0)
        spec.behavior.scaleDown.stabilizationWindow = .zero
        spec.behavior.scaleUp.stabilizationWindow = .seconds(window)
        #expect(ScalingPeriod.of(spec) == .seconds(period))
    }

    @Test("a file for each service, replaced whole")
    func directory() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "scaling-\(UUID().uuidString)").path
        let store = DirectoryScalingStore(directory: folder)
        #expect(try await store.load("api") == nil)
        try await store.save("{}", of: "api")
        try await store.save("{\"a\":1}", of: "api")
        #expect(try await store.load("api") == "{\"a\":1}")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["api.json"])
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test("the machine knows its zones")
    func zones() {
        #expect(TimeZones.offset("Asia/Kolkata", .noon) == .seconds(19_800))
        #expect(TimeZones.exists("Asia/Kolkata"))
        #expect(!TimeZones.exists("Asia/Nowhere"))
    }
}
