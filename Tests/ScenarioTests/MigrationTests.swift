import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Migrations: a release's command")
    struct Migrations {
        @Test("it runs once, before any replica of the release, and its output is kept")
        func once() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                app.service = """
                    release:
                      command: [sh, -c, "echo to version $VERSION | tee -a ran; until [ -e go ]; do sleep 0.05; done"]
                      timeout: 1m
                    """
                let started = try await app.deploy(version: 2, "--no-wait")
                #expect(started.ending == .exited(0), "\(started.output)")
                _ = try await app.rollout("the migration runs") { $0.phase == "migrating" && $0.release == 2 }
                try await eventually("it has begun") { app.has("ran") }
                let during = try await app.standing()
                #expect((during.pids, during.answer) == (before.pids, before.answer), "no replica of release 2 yet")
                let refused = try await app.run("abort")
                expect(refused, saying: "the migration runs")
                #expect(try await app.status()?.rollout?.outcome == nil, "it goes on")

                try app.touch("go")
                _ = try await app.becomes(2, "current")
                #expect(try await app.served() == "version 2\n")
                let lines = try String(contentsOfFile: app.folder + "/ran", encoding: .utf8)
                #expect(lines == "to version 2\n", "once, in the release's own environment")
                #expect(try await app.release(2).verdict("migration: passed") != nil)
                let full = try await app.run("history", "--release", "2").output
                #expect(full.contains("to version 2"), "\(full)")
                #expect(try await app.standing().processes == before.processes)
            }
        }

        @Test("one that fails: nothing was started, what ran before serves, and it is tried anew by the next deploy")
        func failed() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                app.service = """
                    release: {command: [sh, -c, "echo no table users; [ -e fixed ] || exit 5"], timeout: 20s}
                    """
                let said = try await app.deploy(version: 2)
                expect(said, saying: "release 2 of web failed", "migration", "exit code 5")
                #expect(try await app.standing() == before)
                let release = try await app.release(2)
                #expect(release.status == "failed", "\(release)")
                #expect(release.verdict("migration: failed") != nil, "\(release)")
                #expect(try await app.status()?.rollout?.outcome == "failed")
                let full = try await app.run("history", "--release", "2").output
                #expect(full.contains("no table users"), "\(full)")

                try app.touch("fixed")
                let again = try await app.run("deploy")
                #expect(again.ending == .exited(0), "\(again.output)")
                #expect(try await app.release(3).status == "current")
                #expect(try await app.served() == "version 2\n")
            }
        }

        @Test("one that hangs is ended with all that it started once its time is over")
        func hung() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                app.service = """
                    release: {command: [sh, -c, "echo waiting for a lock; sleep 600 & sleep 600"], timeout: 1s}
                    """
                let said = try await app.deploy(version: 2)
                expect(said, saying: "release 2 of web failed", "migration", "1s")
                #expect(try await app.standing() == before, "no process of the migration is left")
                #expect(try await app.release(2).status == "failed")
            }
        }

        @Test("after one that can't be undone a release that fails is frozen, and only `abort --force` goes back")
        func irreversible() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                app.service = "release: {command: [sh, -c, \"echo users dropped\"], reversible: false}"
                app.deploy += "\nprogressDeadline: 2s"
                app.variables = ", READY: \"no\""
                let said = try await app.deploy(version: 2)
                expect(
                    said, saying: "release 2 of web is frozen", "can't be undone", "aloft promote web",
                    "aloft abort web")
                let frozen = try #require(try await app.status()?.rollout)
                #expect(frozen.outcome == "frozen" && frozen.message.contains("undone"), "\(frozen)")
                #expect(try await app.served() == "version 1\n")

                let refused = try await app.run("abort")
                expect(refused, saying: "migration of release 2", "can't be undone", "aloft abort web --force")
                #expect(try await app.status()?.rollout?.outcome == "frozen", "it stays as it was")

                let aborted = try await app.run("abort", "--force", "--wait")
                #expect(aborted.ending == .exited(0), "\(aborted.output)")
                #expect(try await app.standing() == before)
                #expect(try await app.release(2).status == "rolledBack")
                #expect(try await app.status()?.rollout?.outcome == "aborted")
            }
        }
    }
}
