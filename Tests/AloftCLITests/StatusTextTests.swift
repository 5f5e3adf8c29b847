import AloftDaemon
import AloftModel
import Testing

@testable import AloftCLI

@Suite("The table of `aloft status`")
struct StatusTextTests {
    private static let now = Timestamp(nanoseconds: 1_795_212_740_000_000_000)

    private var report: StatusReport {
        StatusReport(
            app: "hello", environment: "staging", file: "/srv/hello/aloft.yaml", digest: "0a1b2c3d4e5f",
            version: "0.1.0", pid: 4242, state: .running, startedAt: Self.now + .seconds(-192), now: Self.now,
            urls: ["http://127.0.0.1:8080", "https://127.0.0.1:8443"], admin: "http://127.0.0.1:9900",
            edge: EdgeReport(openConnections: 12, activeRequests: 3, requests: 1_234_567, failures: 21),
            services: [
                ServiceReport(
                    name: "web", desired: 3, ready: 2, minReplicas: 2, maxReplicas: 5, minAvailable: 1, listen: "port",
                    replicas: [
                        ReplicaReport(
                            name: "web-1", generation: 1, state: "ready", inRotation: true,
                            since: Self.now + .seconds(-190), pid: 4250, address: "127.0.0.1:40001", cpu: 0.034,
                            memory: 25 << 20, activeRequests: 2, requests: 600_000, limits: "cgroup2"),
                        ReplicaReport(
                            name: "web-2", generation: 4, state: "backingOff", inRotation: false,
                            since: Self.now + .seconds(-3), restarts: 3, reason: "ended before it was ready",
                            lastExit: "exit code 3", nextStart: Self.now + .seconds(5),
                            probes: [
                                ProbeReport(
                                    kind: "readiness", passed: false, answer: "HTTP 503: \"warming up\"", streak: 4)
                            ], lastLines: ["Traceback", "boom\u{1B}[31m"]),
                    ],
                    traffic: TrafficReport(
                        seconds: 60, requestsPerSecond: 41.24, errorShare: 0.0031, p95: 0.0124))
            ])
    }

    @Test("channels that fail are told of, with why; those that work are not")
    func channels() {
        var report = report
        report.channels = [
            ChannelReport(name: "ops", kind: "email", state: "working", waiting: 0, dropped: 0),
            ChannelReport(name: "team", kind: "slack", state: "failing", waiting: 1, dropped: 0, failure: "HTTP 500"),
        ]
        let text = StatusText(palette: Palette(isColoured: false)).render(report)
        #expect(text.contains("\n  notifications by team failing: HTTP 500; 1 notice waits\n"))
        #expect(!text.contains("by ops"))
    }

    @Test("says what runs, and of a replica that is not ready, why")
    func golden() {
        let expected = """
            hello (staging)  running, up 3m 12s  pid 4242, aloft 0.1.0
              http://127.0.0.1:8080
              https://127.0.0.1:8443
              http://127.0.0.1:9900  metrics, health
              /srv/hello/aloft.yaml  plan 0a1b2c3d4e5f
              1 234 567 requests, 21 failed, 3 under way, 12 connections

            SERVICE  READY  RELEASE  BOUNDS  REQ/S  ERRORS  P95
            web      2/3    -        2-5     41     0.3%    12 ms

            REPLICA  STATE       FOR     PID   CPU   MEMORY  RESTARTS  REQUESTS  ACTIVE
            web-1    ready       3m 10s  4250  3.4%  25 MiB  0         600 000   2
            web-2    backingOff  3s      -     -     -       3         -         -
              ended before it was ready
              last process: exit code 3
              starts again in 5s
              readiness probe: HTTP 503: "warming up", 4 in a row
              | Traceback
              | boom\\x1b[31m

            """
        #expect(StatusText(palette: .plain).render(report) == expected)
    }

    @Test("says where a rollout is, what it waits for, and why there are so many replicas")
    func rollout() {
        var report = report
        report.services[0].release = 6
        report.services[0].rollout = Reports.rollout(
            phase: "frozen", message: "10% errors over 1%", verdict: "fail", outcome: .frozen)
        report.services[0].scaling = ScalingReport(
            reason: "3: p95 612 ms over 500 ms for 2m",
            metrics: [
                .init(name: "latency p95", current: "612 ms", target: "500 ms"),
                .init(name: "cpu", current: nil, target: "70%"),
            ], history: [1, 1, 2, 3])
        report.services[0].replicas[0].release = 6
        report.services[0].replicas[1].release = 7
        let text = StatusText(palette: .plain, typed: " --state /s").render(report)
        #expect(
            text.contains(
                """
                SERVICE  READY  RELEASE  BOUNDS  REQ/S  ERRORS  P95
                web      2/3    6        2-5     41     0.3%    12 ms
                  release 7 over 6: frozen, step 2 of 4, 12.5% of the traffic: 10% errors over 1%
                  verdict fail
                  next: aloft promote web --state /s, or aloft abort web --state /s
                  replicas ▃▃▆█ 3: p95 612 ms over 500 ms for 2m
                  latency p95 612 ms of 500 ms, cpu missing of 70%

                REPLICA  RELEASE  STATE       FOR     PID   CPU   MEMORY  RESTARTS  REQUESTS
                web-1    6        ready       3m 10s  4250  3.4%  25 MiB  0         600 000
                web-2    7        backingOff  3s      -     -     -       3         -
                """), "\(text)")
    }

    @Test("rows keep to 80 columns, whatever the names and numbers are")
    func width() {
        var report = report
        report.services[0].name = "a-service-with-a-name-that-is-as-long-as-names-may-be-in-a-file"
        report.services[0].traffic?.requestsPerSecond = 123_456
        for index in report.services[0].replicas.indices {
            report.services[0].replicas[index].name = "\(report.services[0].name)-\(index + 100)"
            report.services[0].replicas[index].pid = 4_194_303
            report.services[0].replicas[index].requests = 12_345_678_901
            report.services[0].replicas[index].release = index + 100
        }
        for line in StatusText(palette: .plain).render(report).split(separator: "\n") where !line.hasPrefix("  ") {
            #expect(line.count <= 80, "\(line)")
        }
        let wide = StatusText(palette: .plain, isWide: true).render(report)
        #expect(wide.contains("cgroup v2") && wide.contains("LISTEN") && wide.contains(report.services[0].name))
    }

    @Test("limits that nothing enforces are said, and so are no requests at all")
    func unenforced() {
        var report = report
        report.services[0].unenforced = ["limits.cpu 2 is not enforced: no cgroup can be written here"]
        report.services[0].traffic = TrafficReport(seconds: 60, requestsPerSecond: 0)
        let text = StatusText(palette: .plain).render(report)
        #expect(
            text.contains("web      2/3    -        2-5     0      -       -\n  limits.cpu 2 is not enforced"),
            "\(text)")
    }

    @Test("a reason that names the exit or the probe's answer is not followed by the same again")
    func onceOnly() {
        var report = report
        report.services[0].replicas[1].reason = "readiness probe: HTTP 503: \"warming up\"; exit code 3"
        let text = StatusText(palette: .plain).render(report)
        #expect(text.split(separator: "\n").count { $0.contains("warming up") } == 1, "\(text)")
        #expect(text.split(separator: "\n").count { $0.contains("exit code 3") } == 1, "\(text)")
    }

    @Test("what a service waits for is one sentence")
    func pending() {
        #expect(StatusText.pending("waits for its image x:1") == "the next release waits for its image x:1")
        #expect(StatusText.pending("its change was not deployed: no") == "its change was not deployed: no")
    }

    @Test(
        "rates and shares are short, and never zero where there is something",
        arguments: [
            (0, "0", "0%"), (0.0001, "<0.1", "<0.1%"), (0.4, "0.4", "40%"), (1, "1", "100%"), (9.96, "10", "100%"),
        ]
            as [(Double, String, String)])
    func amounts(value: Double, rate: String, share: String) {
        #expect(Amount.rate(value) == rate)
        #expect(Amount.share(value) == share)
    }

    @Test("a rollout that ended well is not told again")
    func ended() {
        var report = report
        report.services[0].rollout = Reports.rollout(phase: "done", outcome: .succeeded)
        #expect(!StatusText(palette: .plain).render(report).contains("over 6"))
    }

    @Test("colours never change the words")
    func coloursAreOnlyAdded() {
        let coloured = StatusText(palette: Palette(isColoured: true)).render(report)
        #expect(coloured.contains("\u{1B}[32mrunning\u{1B}[0m"))
        let plain = coloured.replacing(#/\u{1B}\[[0-9]+m/#, with: "")
        #expect(plain == StatusText(palette: .plain).render(report))
    }
}
