import AloftTestKit
import Foundation
import Testing

@testable import AloftMetrics

/// Our text through the parsers of PyPI `prometheus-client`, which somebody else wrote.
@Suite("Exposition, read by prometheus-client", .enabled(if: Oracle.isPresent, "prometheus-client is not installed"))
struct OracleTests {
    @Test("each format is read back as what was meant")
    func reads() throws {
        let openMetrics = try Oracle.parse(.openMetrics, ExpositionTests.families)
        #expect(
            openMetrics.contains(#"family aloft_requests counter '' 'Requests "seen".\nAll of them \\o/'"#))
        #expect(openMetrics.contains(#"sample aloft_requests_total {path='a\\b"c\nd',service='web'} 3.0"#))
        #expect(openMetrics.contains("family aloft_load_ratio gauge 'ratio' 'Load.'"))
        #expect(openMetrics.contains("family request_seconds histogram 'seconds' 'Time.'"))
        #expect(openMetrics.contains("sample request_seconds_bucket {le='+Inf',route='/'} 3.0"))
        #expect(openMetrics.contains("family target info '' 'Build.'"))
        #expect(openMetrics.contains("sample replica_state {replica='web-1',replica_state='ready'} 1.0"))

        let prometheus = try Oracle.parse(.prometheus, ExpositionTests.families)
        #expect(prometheus.contains(#"sample aloft_requests_total {path='a\\b"c\nd',service='web'} 3.0"#))
        #expect(prometheus.contains("family request_seconds histogram '' 'Time.'"))
        #expect(prometheus.contains("family target_info gauge '' 'Build.'"))
    }

    @Test("both formats carry the same samples, for random families with hostile label values")
    func agree() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SplitMix(seed: seed)
        let families = (0..<40).map { Self.randomFamily($0, using: &generator) }
        let samples = try MetricsFormat.allCases.map { format in
            try Oracle.parse(format, families).filter { $0.hasPrefix("sample ") }.sorted()
        }
        #expect(samples[0] == samples[1], "seed \(seed)")
        let expected = families.reduce(0) { $0 + $1.samples.count * ($1.kind == .histogram ? 5 : 1) }
        #expect(samples[0].count == expected, "seed \(seed)")
    }

    @Test("this process's own families are read without complaint")
    func processFamilies() throws {
        let lines = try Oracle.parse(.openMetrics, ProcessMetrics.families())
        #expect(lines.contains { $0.hasPrefix("family process_cpu_seconds counter 'seconds'") })
        #expect(lines.contains { $0.hasPrefix("sample process_open_fds {} ") })
    }

    private static func randomFamily(_ index: Int, using generator: inout SplitMix) -> MetricFamily {
        let kinds: [MetricFamily.Kind] = [.counter, .gauge, .histogram]
        let kind = kinds.randomElement(using: &generator) ?? .gauge
        var family = MetricFamily("family_\(index)", help: hostileText(using: &generator), kind: kind)
        for sample in 0..<Int.random(in: 1...4, using: &generator) {
            let labels: MetricLabels = ["n": "\(sample)", "text": hostileText(using: &generator)]
            switch kind {
            case .histogram:
                let counts = (0..<3).map { _ in UInt64.random(in: 0...99, using: &generator) }
                family.add(.histogram(Histogram(bounds: [0.1, 2], counts: counts, sum: 1.5)), labels)
            case .counter: family.add(MetricValue(Int.random(in: 0...Int(1 << 40), using: &generator)), labels)
            default: family.add(.real(Double.random(in: -1e20...1e20, using: &generator)), labels)
            }
        }
        return family
    }

    private static func hostileText(using generator: inout SplitMix) -> String {
        let pieces = ["\\", "\"", "\n", "n", "\\n", "{", "}", ",", "=", " ", "#", "é", "😀", "# EOF", "\t", "le"]
        return "x" + (0..<6).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined() + "x"
    }
}

/// The parser script beside this file, run with the system's Python.
enum Oracle {
    static let isPresent: Bool = {
        do { return try run("openmetrics", Array("# EOF\n".utf8)).status == 0 } catch { return false }
    }()

    static func parse(_ format: MetricsFormat, _ families: [MetricFamily]) throws -> [String] {
        let (status, output) = try run(format == .openMetrics ? "openmetrics" : "prometheus", format.write(families))
        try #require(status == 0, "the parser refused the text")
        return output.split(separator: "\n").map(String.init)
    }

    private static func run(_ format: String, _ bytes: [UInt8]) throws -> (status: Int32, output: String) {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/parse_openmetrics.py"
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aloft-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch {
                print("left behind \(folder.path): \(error)")
            }
        }
        let input = folder.appendingPathComponent("input")
        try Data(bytes).write(to: input)
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script, format]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }
}
