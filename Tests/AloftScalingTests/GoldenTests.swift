import AloftModel
import AloftScaling
import Foundation
import Testing

/// Replays recorded load and compares each decision, with its reason.
///
/// `Golden/<case>.jsonl`: one line is a span of load, all replicas together. `for` is its length in seconds; `cores`,
/// `memoryMiB`, `perMinute`, `p95` (ms), `series` are what is measured, left out as in the line before, null where missing.
/// `restart` kills the daemon before it, `rollout` says that one is under way, `scale` is `aloft scale` before it.
/// The formula: a request takes 10 ms of a core and 60 KiB, so `cores` = perMinute × 0.01 ÷ 60, `memoryMiB` = 300 + perMinute × 0.06.
/// `Golden/<case>.expected`: time, number and sentence, whenever one of them changes. ALOFT_RECORD=1 writes it anew.
@Suite("Recorded load")
struct GoldenTests {
    /// What is scaled, its replicas at the start, and hours after noon that it starts.
    private func setting(_ name: String) throws -> (spec: ScalingSpec, replicas: Int, start: Timestamp) {
        switch name {
        case "case-h": (.caseH, 6, .noon)
        case "missing", "rollout-and-hand": (.caseS, 6, .noon)
        // 16:15 UTC is 21:45 in Kolkata.
        case "night": (try .caseNight, 6, .noon + .seconds(15_300))
        case "idle": (.caseIdle, 1, .noon)
        default: (.caseS, 2, .noon)
        }
    }

    @Test(
        "every decision and its reason are as recorded",
        arguments: ["case-s", "case-h", "missing", "restart", "spike", "rollout-and-hand", "night", "idle"])
    func replay(name: String) async throws {
        let (spec, replicas, start) = try setting(name)
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        let text = try String(contentsOf: folder.appending(path: name + ".jsonl"), encoding: .utf8)
        var bench = await Bench(spec, replicas: replicas, clock: FakeTime(start))
        var lines: [String] = []
        var last = ""
        var load = Load()
        for line in text.split(separator: "\n") {
            let span = try JSONDecoder().decode(Span.self, from: Data(line.utf8))
            span.change(&load, line: line)
            bench.service.set(load)
            if span.restart == true { await bench.restart() }
            if let number = span.scale { try await bench.scaler.scale("api", to: number) }
            if span.wanted == true { await bench.scaler.wanted("api") }
            for _ in 0..<(span.seconds / Int(ScalingPeriod.of(spec).milliseconds / 1000)) {
                for status in await bench.run(.milliseconds(1)) where "\(status.desired) \(status.reason)" != last {
                    last = "\(status.desired) \(status.reason)"
                    lines.append("\(bench.clock.now.wall.description.dropFirst(11).prefix(8))  \(status.reason)")
                }
            }
        }
        let made = lines.joined(separator: "\n") + "\n"
        let expected = folder.appending(path: name + ".expected")
        if ProcessInfo.processInfo.environment["ALOFT_RECORD"] == "1" {
            try Data(made.utf8).write(to: expected)
        }
        #expect(made == (try String(contentsOf: expected, encoding: .utf8)))
    }
}

private struct Span: Decodable {
    var seconds: Int
    var cores: Double?
    var memoryMiB: Double?
    var perMinute: Double?
    var p95: Double?
    var series: Double?
    var rollout: Bool?
    var restart: Bool?
    var wanted: Bool?
    var scale: Int?

    enum CodingKeys: String, CodingKey {
        case seconds = "for"
        case cores, memoryMiB, perMinute, p95, series, rollout, restart, wanted, scale
    }

    /// A key that is null is missing from then on; one that is left out stays.
    func change(_ load: inout Load, line: Substring) {
        func names(_ key: String) -> Bool { line.contains("\"\(key)\"") }
        if names("perMinute") {
            load.perMinute = perMinute
            if let perMinute {
                load.cores = perMinute * 0.01 / 60
                load.memoryMiB = 300 + perMinute * 0.06
            }
        }
        if names("cores") { load.cores = cores }
        if names("memoryMiB") { load.memoryMiB = memoryMiB }
        if names("p95") { load.p95 = p95.map { .milliseconds(Int($0)) } }
        if names("series") { load.series = series }
        if let rollout { load.isRollingOut = rollout }
    }
}

extension ScalingSpec {
    static var caseNight: ScalingSpec {
        get throws {
            var spec = ScalingSpec.caseS
            spec.minReplicas = 6
            spec.minAvailable = 1
            spec.schedule = [
                ScalingSchedule(cron: try Schedule(parsing: "0 22 * * * Asia/Kolkata"), minReplicas: 2),
                ScalingSchedule(cron: try Schedule(parsing: "0 6 * * * Asia/Kolkata"), minReplicas: 6),
            ]
            return spec
        }
    }

    static var caseIdle: ScalingSpec {
        ScalingSpec(
            minReplicas: 1, maxReplicas: 5, minAvailable: 0,
            metrics: [.requestsPerReplica(Rate(1000, per: .seconds(60)))], idle: IdleSpec(after: .seconds(900)))
    }
}
