import AloftModel
import Testing

@testable import AloftRollout

@Suite("History and promotion")
struct HistoryTests {
    private func release(
        _ number: Int, _ status: Release.Status, day: Int = 0, digest: String? = nil, served: Bool = true
    ) -> Release {
        let created = Timestamp(nanoseconds: Int64(day) * 86_400_000_000_000)
        return Release(
            service: "web", number: number, created: created, by: "ann", reason: .deploy, fileDigest: "f",
            environment: "staging", overrides: ReleaseOverrides(artifact: digest ?? "a\(number)"), specDigest: "s",
            status: status, promoted: served ? created : nil)
    }

    private let now = Timestamp(nanoseconds: 100 * 86_400_000_000_000)

    @Test("releases go by count and by age, never the current one, the one before, or one that waits")
    func prunes() {
        let releases =
            (1...6).map { release($0, .superseded, day: 99) } + [
                release(7, .current, day: 99), release(8, .rolledBack, day: 99, served: false),
                release(9, .pending, day: 99, served: false),
            ]
        func gone(_ keep: Int, _ days: Int) -> [Int] {
            ReleaseHistory.superfluous(
                releases, keeping: HistorySpec(keep: keep, maxAge: .seconds(days * 86_400)), now: now
            ).map(\.number)
        }
        #expect(gone(20, 90) == [])
        #expect(gone(5, 90) == [1, 2, 3, 4])
        #expect(gone(1, 90) == [1, 2, 3, 4, 5, 8])
        #expect(gone(20, 0) == [1, 2, 3, 4, 5, 8])
    }

    @Test("releases whose artifacts do not fit beside those of newer ones go, an artifact of two counted once")
    func prunesBySize() {
        let releases = [
            release(1, .superseded, day: 99, digest: "x"), release(2, .superseded, day: 99, digest: "y"),
            release(3, .superseded, day: 99, digest: "y"), release(4, .superseded, day: 99, digest: "z"),
            release(5, .current, day: 99, digest: "v"),
        ]
        func gone(_ mebibytes: Int) -> [Int] {
            ReleaseHistory.superfluous(
                releases, keeping: HistorySpec(maxSize: .mebibytes(mebibytes)),
                sizes: Dictionary(uniqueKeysWithValues: ["x", "y", "z", "v"].map { ($0, 10 << 20) }), now: now
            ).map(\.number)
        }
        #expect(gone(40) == [])
        #expect(gone(30) == [1])
        #expect(gone(20) == [1, 2, 3])
        #expect(gone(1) == [1, 2, 3], "the current release and the one before stay")
    }

    @Test("going back goes to the last release that served and is not the same")
    func before() {
        let releases = [
            release(1, .superseded, digest: "x"), release(2, .superseded, digest: "y"),
            release(3, .rolledBack, digest: "z", served: false), release(4, .current, digest: "y"),
        ]
        #expect(ReleaseHistory.before(releases[3], in: releases)?.number == 1)
        #expect(ReleaseHistory.before(releases[0], in: releases) == nil)
    }

    @Test("a rollback has the gates of the release that it brings back, and says whose they are")
    func gatesOfRollback() {
        var first = release(1, .superseded)
        first.gates = [
            record(.before, "tests", .passed), record(.migration, "release", .passed),
            record(.after, "health", .passed),
        ]
        var draft = RolloutsTests.draft("a1")
        #expect(ReleaseHistory.gates(wentThroughBy: draft, in: [first]) == [])
        draft.reason = .rollback(to: 1)
        let gates = ReleaseHistory.gates(wentThroughBy: draft, in: [first])
        #expect(gates.map(\.name) == ["tests"] && gates[0].detail == " (release 1)")
        var second = release(2, .superseded)
        (second.reason, second.gates) = (.rollback(to: 1), gates)
        draft.reason = .rollback(to: 2)
        #expect(ReleaseHistory.gates(wentThroughBy: draft, in: [first, second]) == gates)
        draft.reason = .rollback(to: 3)
        #expect(ReleaseHistory.gates(wentThroughBy: draft, in: [first, second]) == [])
    }

    private let environments = [
        EnvironmentRules(name: "staging", promotesTo: "production"),
        EnvironmentRules(name: "production", approvals: ["qa", "owner"]),
    ]

    private func candidate() -> Promotion.Candidate {
        var staging = release(7, .current)
        staging.gates = [
            record(.before, "tests", .failed), record(.before, "tests", .passed), record(.after, "health", .passed),
            record(.after, "backups", .notApplicable),
        ]
        return Promotion.Candidate(
            release: staging, environment: "staging",
            gates: GatesSpec(
                before: [
                    GatesSpec.Command(name: "tests", run: [Template("x")]),
                    GatesSpec.Command(name: "lint", run: [Template("x")], required: false),
                ], after: [.health, .backups]), artifact: "a7")
    }

    private func record(_ stage: GateRecord.Stage, _ name: String, _ outcome: GateRecord.Outcome) -> GateRecord {
        GateRecord(stage: stage, name: name, outcome: outcome, time: now, took: .zero, detail: "")
    }

    private func objections(_ candidate: Promotion.Candidate, approved: [String] = ["qa", "owner"]) -> [String] {
        Promotion.objections(
            to: candidate, into: "production", environments: environments,
            approvals: approved.map { ApprovalRecord(name: $0, user: "ann", time: now) })
    }

    @Test("the very release that staging runs is taken by production, once all have approved")
    func promotes() {
        #expect(objections(candidate()) == [])
        #expect(objections(candidate(), approved: ["qa"]) == ["approval `owner` is missing"])
    }

    @Test("a release that is not current, not the same, or whose gates did not pass is not taken")
    func refuses() {
        var other = candidate()
        other.artifact = "a8"
        #expect(objections(other) == ["the artifact is not that of release 7 of `web` in `staging`"])
        var gone = candidate()
        gone.release.status = .superseded
        #expect(objections(gone) == ["release 7 of `web` in `staging` is not current but superseded"])
        var failed = candidate()
        failed.release.gates.append(record(.after, "health", .failed))
        #expect(objections(failed) == ["gate `health` failed for release 7 of `web` in `staging`"])
        var untested = candidate()
        untested.release.gates = []
        #expect(objections(untested).count == 3)
        var elsewhere = candidate()
        elsewhere.environment = "production"
        #expect(objections(elsewhere).contains("`production` promotes to no other"))
    }
}
