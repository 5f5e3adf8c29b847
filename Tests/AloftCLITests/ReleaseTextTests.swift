import AloftDaemon
import AloftModel
import Testing

@testable import AloftCLI

@Suite("Releases and channels for people")
struct ReleaseTextTests {
    private let releases = [
        ReleaseReport(
            service: "web", number: 8, status: "rolledBack", created: Reports.start, by: "ana", reason: "deploy",
            message: "faster search", artifact: "0a1b2c3d4e5f", set: ["LEVEL", "MODE"], strategy: "canary",
            verdicts: ["gate tests: passed in 12s", "analysis: 10% errors over 1%\u{1B}[2J"]),
        ReleaseReport(
            service: "web", number: 7, status: "current", created: Reports.start + .seconds(-7200), by: "ben",
            reason: "promoted from staging 7", image: "registry.example.com/web@sha256:0123456789abcdef0123456789abcdef"
        ),
    ]

    @Test("the history is a table, and says why a release was rolled back")
    func table() {
        #expect(
            ReleaseText(palette: .plain).table(releases) == """
                RELEASE  STATUS      WHEN               BY   WHY                      RUNS
                8        rolledBack  2026-11-20 22:12Z  ana  deploy: faster search    0a1b2c3d4e5f, env.LEVEL, env.MODE
                  analysis: 10% errors over 1%\\x1b[2J
                7        current     2026-11-20 20:12Z  ben  promoted from staging 7  registry.example.com/web@sha256:0123456789ab

                """)
        #expect(ReleaseText(palette: .plain).table([]) == "there is no release yet\n")
    }

    @Test("one release in full")
    func full() {
        #expect(
            ReleaseText(palette: .plain).full(releases[0]) == """
                web release 8  rolledBack
                  created      2026-11-20T22:12:20.000Z
                  by           ana
                  why          deploy
                  message      faster search
                  strategy     canary
                  artifact     sha256 0a1b2c3d4e5f
                  set          LEVEL, MODE

                verdicts:
                  gate tests: passed in 12s
                  analysis: 10% errors over 1%\\x1b[2J

                """)
    }

    @Test("what its commands printed stands below, line by line")
    func outputs() {
        var release = releases[1]
        release.outputs = [.init(name: "gate tests", lines: ["12 tests", "all \u{1B}[32mpassed"])]
        #expect(
            ReleaseText(palette: .plain).full(release).hasSuffix(
                """

                gate tests printed:
                  | 12 tests
                  | all \\x1b[32mpassed

                """))
    }

    @Test("channels say what waits, and why one fails")
    func channels() {
        let channels = [
            ChannelReport(
                name: "ops", kind: "slack", host: "hooks.slack.com", state: "failing", waiting: 3, dropped: 1,
                lastSuccess: Reports.start + .seconds(-3600), lastFailure: Reports.start + .seconds(-5),
                failure: "HTTP 503", nextTry: Reports.start + .seconds(55)),
            ChannelReport(name: "mail", kind: "email", state: "working", waiting: 0, dropped: 0),
        ]
        #expect(
            ChannelText(palette: .plain).table(channels, now: Reports.start) == """
                CHANNEL  KIND   HOST             STATE    WAITING  DROPPED  LAST SUCCESS
                ops      slack  hooks.slack.com  failing  3        1        1h ago
                  HTTP 503 (5s ago)
                  tries again in 55s
                mail     email  -                working  0        0        -

                """)
        #expect(
            ChannelText(palette: .plain).delivered(
                NotificationTestReport(channel: "ops", isDelivered: true, answer: "HTTP 200 OK")
            ) == "ops: delivered, HTTP 200 OK\n")
    }
}
