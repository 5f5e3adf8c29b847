import AloftModel
import AloftScaling
import Foundation
import Testing

@Suite("Simulated days")
struct SimulationTests {
    /// The file's own windows say how long a step takes: nothing moves for `stabilizationWindow`; then `maxStep` are added
    /// at once and again after each `cooldown`; the last ones need their start. 2 → 16 in twos is 7 steps, 6 of which wait
    /// for a cooldown: 2 + 6 × 3 minutes, the start, and 5 s, which are one period.
    @Test("ten times the traffic is served as soon as the file's windows allow, whenever it comes", arguments: 0..<5)
    func step(phase: Int) async throws {
        let usual = 1500.0
        let simulation = Simulation(
            spec: .caseS, curve: LoadCurve(perMinute: { $0 < 1800 ? usual : usual * 10 }), seconds: 7200, replicas: 2,
            phase: phase)
        let needed = 16
        var reached: Int?
        _ = await simulation.run { second, ready in
            if ready >= needed { reached = second }
            return reached == nil
        }
        let steps = (needed - 2) / 2
        let limit = 120 + (steps - 1) * 180 + 25 + 5
        let took = try #require(reached) - 1800
        #expect(took <= limit, "took \(took) s, the windows imply \(limit) s")
        #expect(took > limit - 60, "the window was not waited for")
    }

    /// 15 000 a minute at 1000 each are 15. The processor of two replicas at their limit cannot tell how many more are
    /// needed: without the edge's count this would take several windows, which the docs warn of.
    @Test("without maxStep and cooldown it takes the window, the start and 5 s", arguments: 0..<5)
    func oneStep(phase: Int) async throws {
        var spec = ScalingSpec.caseS
        spec.behavior.scaleUp = .init(stabilizationWindow: .seconds(120), maxStep: nil, cooldown: .zero)
        let simulation = Simulation(
            spec: spec, curve: LoadCurve(perMinute: { $0 < 1800 ? 1500 : 15_000 }), seconds: 7200, replicas: 2,
            phase: phase)
        var reached: Int?
        _ = await simulation.run { second, ready in
            if ready >= 15 { reached = second }
            return reached == nil
        }
        let took = try #require(reached) - 1800
        #expect(took <= 120 + 25 + 5, "took \(took) s")
    }

    @Test("case S over a day: the step is followed, the spike of a minute is not, and p95 is met again")
    func dayS() async throws {
        let trace = await Simulation(spec: .caseS, curve: .caseS, seconds: 86_400, replicas: 2).run()
        #expect(trace.points.allSatisfy { (2...20).contains($0.desired) })
        // 1000 a minute at ten o'clock and 1200 at half past eleven, times ten.
        let step = trace.points.filter { (38_000..<41_400).contains($0.second) }
        #expect(step.allSatisfy { $0.p95 < 500 })
        #expect(step.last?.ready ?? 0 >= 12)
        #expect(trace.points.filter { (60_000..<63_000).contains($0.second) }.allSatisfy { $0.desired == 2 })
        #expect(trace.points.last?.desired == 2)
        try compare(
            Plot(
                title: "S: 2 to 20 replicas; ten times the load at 10:00, a spike at 17:00", trace: trace, target: 500),
            "autoscaling-s.svg")
    }

    @Test("case H over a day: p95 never suffers, and the number follows orders and processor both")
    func dayH() async throws {
        let trace = await Simulation(spec: .caseH, curve: .caseH, seconds: 86_400, replicas: 6).run()
        #expect(trace.points.allSatisfy { (6...50).contains($0.desired) })
        #expect(trace.points.allSatisfy { $0.p95 < 500 })
        #expect(trace.reasons.contains { $0.contains("orders_pending") })
        #expect(trace.reasons.contains { $0.contains("cpu") })
        // Changes lie a cooldown apart: at most 20 up and 6 down in an hour.
        #expect(trace.reasons.count < 24 * 26)
        try compare(
            Plot(
                title: "H: 6 to 50 replicas; a busy day, orders waiting at 8:00, 13:00 and 20:00", trace: trace,
                seriesName: "orders_pending", target: 500), "autoscaling-h.svg")
    }

    /// The pictures in the docs are this run's.
    private func compare(_ plot: Plot, _ name: String) throws {
        let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appending(path: "docs/images")
        let file = folder.appending(path: name)
        if ProcessInfo.processInfo.environment["ALOFT_RECORD"] == "1" {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(plot.svg.utf8).write(to: file)
        }
        let isSame = plot.svg == (try String(contentsOf: file, encoding: .utf8))
        #expect(isSame, "\(name) is not what this run draws; ALOFT_RECORD=1 draws it anew")
    }
}
