import AloftLanguage
import Testing

@Suite("A long file")
struct PerformanceTests {
    /// Two thousand lines with sixty services and three hundred routes.
    private static let text: String = {
        var lines = ["version: 1", "app: big", "services:"]
        for index in 0..<60 {
            lines += ["  s\(index):", "    command: [./bin/s\(index), --port, \"${PORT}\"]", "    env:"]
            lines += (0..<8).map { "      VARIABLE_\($0): value-\($0)-${env.HOME}" }
            lines += [
                "    probes:", "      readiness: {httpGet: /health, period: 5s, timeout: 2s}",
                "      liveness: {httpGet: /live}", "    resources: {limits: {cpu: 2, memory: 1GiB}}",
                "    scaling: {minReplicas: 2, maxReplicas: 5}", "    stop: {drain: 30s, grace: 15s}",
            ]
        }
        lines += ["edge:", "  routes:"]
        for index in 0..<((1996 - lines.count) / 3) {
            lines += [
                "    - match: {host: h\(index % 40).example.com, path: /v\(index)/*, methods: [GET, POST]}",
                "      service: s\(index % 60)", "      retry: {attempts: 1, on: [connect, 502]}",
            ]
        }
        lines += ["environments:", "  staging: {logs: {level: debug}}", "logs: {retention: 7d}", "x-end: 1"]
        return lines.joined(separator: "\n") + "\n"
    }()

    @Test("of 2000 lines is read within 100 ms (ten times that without optimisation)")
    func twoThousandLines() {
        #if DEBUG
            let limit = Duration.milliseconds(1000)
        #else
            let limit = Duration.milliseconds(100)
        #endif
        let lines = Self.text.split(separator: "\n").count
        #expect((1990...2010).contains(lines), "\(lines)")
        let clock = ContinuousClock()
        var reading = Reading(plan: nil, diagnostics: [])
        let best = (0..<5).map { _ in clock.measure { reading = read(Self.text) } }.min() ?? .seconds(9)
        #expect(reading.plan?.services.count == 60)
        #expect(best <= limit, "\(best)")
    }
}
