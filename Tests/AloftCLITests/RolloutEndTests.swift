import AloftDaemon
import AloftModel
import Testing

@testable import AloftCLI

@Suite("How a rollout ended")
struct RolloutEndTests {
    @Test("a report under way, or of a release before, is no end")
    func underWay() {
        #expect(RolloutEnd(Reports.rollout(), wanted: 7) == nil)
        #expect(RolloutEnd(Reports.rollout(release: 6, outcome: .superseded), wanted: 7) == nil)
    }

    @Test("a newer release is the end of this one")
    func superseded() throws {
        let end = try #require(RolloutEnd(Reports.rollout(release: 8), wanted: 7))
        #expect(end.outcome == .superseded)
        #expect(end.release == 7)
    }

    @Test("each end but the good one is a failure that says why and what to type")
    func failures() throws {
        for outcome in RolloutReport.Outcome.allCases {
            let report = Reports.rollout(message: "10% errors over 1%", outcome: outcome)
            let end = try #require(RolloutEnd(report, wanted: 7))
            #expect(end.outcome == outcome)
            let failure = end.failure(typed: " --environment staging")
            #expect(failure.exitCode == .failed)
            #expect(failure.message.hasPrefix("release 7 of web "))
            #expect(failure.hint?.contains("web") == true && failure.hint?.contains("--environment staging") == true)
            guard outcome != .succeeded, outcome != .superseded else { continue }
            #expect(failure.code == outcome.rawValue)
            #expect(failure.message.hasSuffix(": 10% errors over 1%"))
        }
    }

    @Test("what a replica printed that never got ready is below the reason")
    func printed() throws {
        var report = Reports.rollout(message: "a replica ended", outcome: .rolledBack)
        report.lastLines = ["Error: boom", "at \u{1B}[2J"]
        let failure = try #require(RolloutEnd(report, wanted: 7)).failure(typed: "")
        #expect(
            failure.message == """
                release 7 of web was rolled back: a replica ended; it printed:
                  | Error: boom
                  | at \\x1b[2J
                """)
    }

    @Test("a release that only keeps its old set has succeeded")
    func keeping() throws {
        let end = try #require(RolloutEnd(Reports.rollout(phase: "keeping", outcome: .succeeded), wanted: 7))
        #expect(end.outcome == .succeeded)
    }

    @Test("what is frozen says both ways out")
    func frozen() throws {
        let end = try #require(RolloutEnd(Reports.rollout(message: "both fail", outcome: .frozen), wanted: 7))
        #expect(
            end.failure(typed: "").description == """
                error: release 7 of web is frozen: both fail
                  fix: `aloft promote web` keeps it, `aloft abort web` goes back to release 6
                """)
    }

    @Test(
        "the history knows ends as well",
        arguments: [
            ("current", .succeeded), ("superseded", .superseded), ("failed", .failed), ("rolledBack", .rolledBack),
            ("pending", nil), ("rollingOut", nil),
        ] as [(String, RolloutReport.Outcome?)])
    func history(status: String, outcome: RolloutReport.Outcome?) {
        let release = ReleaseReport(
            service: "web", number: 7, status: status, created: Reports.start, by: "ana", reason: "deploy",
            verdicts: ["gate tests: failed"])
        #expect(RolloutEnd(release)?.outcome == outcome)
    }
}
