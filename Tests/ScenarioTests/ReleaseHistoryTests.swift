import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("The history of releases, and ways back")
    struct ReleaseHistories {
        @Test(
            "who, what, when, why, and how each release went, in words and in JSON, and it survives the daemon",
            .enabled(if: Namespace.canMount, "mount namespaces are not permitted here"))
        func whoWhatWhenWhy() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                let aloft = try await app.up()
                app.deploy += "\ngates: {after: [health]}"
                app.version = 2
                try app.write()
                try app.artifact("build")
                let one = try await app.run(
                    as: "alice", "deploy", "web", "--artifact", "build", "--set", "env.LEVEL=debug", "--set",
                    "env.TOKEN=hunter2", "--message", "faster search")
                #expect(one.ending == .exited(0), "\(one.output)")
                app.deploy += "\nprogressDeadline: 1s"
                app.variables = ", READY: \"no\""
                #expect(try await app.deploy(version: 3).ending == .exited(1))

                let releases = try await app.releases()
                #expect(releases.map(\.number) == [3, 2, 1])
                #expect(releases.map(\.status) == ["rolledBack", "current", "superseded"])
                #expect(releases.map(\.reason) == ["deploy", "deploy", "up"])
                let second = releases[1]
                #expect((second.by, second.message) == ("alice", "faster search"))
                #expect(second.set == ["LEVEL", "TOKEN"] && second.artifact?.count == 12, "\(second)")
                #expect(second.verdict("check health: passed") != nil, "\(second.verdicts)")
                #expect(releases[0].verdicts.last?.contains("0 of 2 replicas are ready") == true, "\(releases[0])")
                #expect(releases.map(\.created) == releases.map(\.created).sorted(by: >))

                let table = try await app.run("history").output
                for word in ["alice", "faster search", "superseded", "rolledBack", second.artifact ?? "-"] {
                    #expect(table.contains(word), "`\(word)` is not in\n\(table)")
                }
                #expect(table.split(separator: "\n").count >= 4)
                let full = try await app.run("history", "web", "--release", "2").output
                for word in ["alice", "faster search", "blueGreen", "LEVEL, TOKEN", "health: passed", "sha256"] {
                    #expect(full.contains(word), "`\(word)` is not in\n\(full)")
                }
                #expect(!(table + full).contains("hunter2"), "values of variables are nobody's business")
                expect(
                    try await app.run("history", "--release", "9"), saying: "web has no release 9", "aloft history web")

                kill(aloft.pid, SIGKILL)
                _ = try await aloft.child.ended()
                _ = try Aloft.again(in: app.folder, fixture: fixture)
                try await eventually("the next daemon answers") { try await app.status()?.ready == 2 }
                let after = try await app.releases()
                #expect(after.map(\.verdicts) == releases.map(\.verdicts))
                #expect(after.map(\.by) == releases.map(\.by))
            }
        }

        @Test("rollback goes to the release before, and --to N to any that ran; never to one that did not")
        func rollback() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                expect(
                    try await app.run("rollback"), saying: "web has no earlier release that ran", "aloft history web")
                #expect(try await app.deploy(version: 2).ending == .exited(0))
                #expect(try await app.deploy(version: 3).ending == .exited(0))
                app.deploy += "\nprogressDeadline: 1s"
                app.variables = ", READY: \"no\""
                #expect(try await app.deploy(version: 4).ending == .exited(1))

                let back = try await app.run("rollback", "--message", "search is slow")
                #expect(back.ending == .exited(0), "\(back.output)")
                #expect(try await app.served() == "version 2\n", "3 is current, 4 never was")
                let fifth = try await app.release(5)
                #expect((fifth.reason, fifth.message) == ("rollback to 2", "search is slow"))

                let to = try await app.run("rollback", "web", "--to", "1")
                #expect(to.ending == .exited(0), "\(to.output)")
                #expect(try await app.served() == "version 1\n")
                #expect(try await app.release(6).reason == "rollback to 1")
                let before = try await app.standing()
                expect(try await app.run("rollback", "--to", "4"), saying: "release 4 of web never ran", "rolledBack")
                expect(
                    try await app.run("rollback", "--to", "40"), saying: "web has no release 40", "aloft history web")
                expect(try await app.run("rollback", "--to", "0"), fails: 2, saying: "counted from 1")
                expect(try await app.run("rollback", "--to", "1"), saying: "release 6 of `web` is the same")
                #expect(try await app.standing() == before)
                #expect(try await app.releases().map(\.status).filter { $0 == "current" }.count == 1)
            }
        }

        @Test("a rollback skips gates and migration, which it went through before")
        func rollbackIsQuick() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.service = "release: {command: [sh, -c, \"echo $VERSION >> ran\"]}"
                app.deploy += "\ngates: {before: [{name: tests, run: [sh, -c, \"echo $VERSION >> tested\"]}]}"
                _ = try await app.up()
                #expect(try await app.deploy(version: 2).ending == .exited(0))
                let back = try await app.run("rollback")
                #expect(back.ending == .exited(0), "\(back.output)")
                #expect(try await app.served() == "version 1\n")
                #expect(try String(contentsOfFile: app.folder + "/ran", encoding: .utf8) == "1\n2\n")
                #expect(try String(contentsOfFile: app.folder + "/tested", encoding: .utf8) == "1\n2\n")
            }
        }

        @Test("`history.keep` prunes by count, and keeps what runs and the one before whatever their age")
        func pruned() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.replicas = 1
                app.deploy += "\nhistory: {keep: 2}"
                let aloft = try await app.up()
                for version in 2...3 {
                    #expect(try await app.deploy(version: version).ending == .exited(0))
                }
                let patient = app.deploy
                app.deploy += "\nprogressDeadline: 1s"
                app.variables = ", READY: \"no\""
                for version in 4...6 {
                    #expect(try await app.deploy(version: version).ending == .exited(1))
                }
                // Pruning comes soon after a start, and each ten minutes then.
                aloft.child.signal(SIGTERM)
                #expect(try await aloft.child.ended() == .exited(0))
                (app.variables, app.deploy) = ("", patient)
                app.version = 3
                try app.write()
                _ = try Aloft.again(in: app.folder, fixture: fixture)
                try await eventually("only those that are needed are left", within: .seconds(60)) {
                    // Nil until the daemon answers.
                    guard try await app.status() != nil else { return false }
                    let numbers = try await app.releases().map(\.number)
                    return Set(numbers).isSuperset(of: [2, 3]) && !numbers.contains(1) && !numbers.contains(4)
                }
                let releases = try await app.releases()
                #expect(releases.first { $0.number == 3 }?.status == "current", "\(releases)")
                try await eventually("it serves") { try await app.status()?.ready == 1 }
                let back = try await app.run("rollback")
                #expect(back.ending == .exited(0), "\(back.output)")
                #expect(try await app.served() == "version 2\n")
                let newest = try #require(try await app.releases().first)
                #expect(newest.reason == "rollback to 2" && newest.number > 6, "numbers are not used twice: \(newest)")
            }
        }

        @Test("pause keeps a rollout where it is, resume lets it go on, promote skips what is left")
        func pauseAndResume() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                app.deploy = "strategy: canary\nsteps: [{weight: 25%, for: 1s}, {approve: ops}, {weight: 50%, for: 1h}]"
                #expect(try await app.deploy(version: 2, "--no-wait").ending == .exited(0))
                _ = try await app.rollout("it waits for ops") { $0.phase == "waiting" }
                let paused = try await app.run("pause", "--message", "looking at the logs")
                #expect(paused.ending == .exited(0) && paused.output.contains("paused"), "\(paused.output)")
                expect(try await app.run("pause"), saying: "paused already")
                let approved = try await app.run("approve")
                #expect(approved.ending == .exited(0), "\(approved.output)")
                expect(try await app.run("approve"), saying: "nothing of web waits for an approval")
                let still = try #require(try await app.status()?.rollout)
                #expect(still.isPaused && still.weight == 25, "approved, and paused all the same: \(still)")
                let resumed = try await app.run("resume")
                #expect(resumed.ending == .exited(0) && !resumed.output.contains("paused"), "\(resumed.output)")
                _ = try await app.rollout("the next step") { $0.weight == 50 && !$0.isPaused }
                expect(try await app.run("resume"), saying: "it is not paused")

                let promoted = try await app.run("promote", "--wait")
                #expect(promoted.ending == .exited(0), "\(promoted.output)")
                let release = try await app.release(2)
                #expect(release.status == "current" && release.verdict("ops: approved by") != nil, "\(release)")
                #expect(try await app.served() == "version 2\n")
                let events = try await app.run("events", "--since", "1h").output
                #expect(events.contains("paused by") && events.contains("promoted by"), "\(events.suffix(1500))")
                #expect(events.contains("looking at the logs"))
            }
        }
    }
}
