import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    /// Each is refused with words that say what and where and what to do, and the app is as it was.
    @Suite("Deploys that are refused")
    struct DeployRefusals {
        @Test("an artifact that is not there or is a file; a pipe in one is passed over with a note")
        func artifact() async throws {
            try await withFixture { fixture in
                let app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                expect(
                    try await app.run("deploy", "--artifact", "build"), fails: 2,
                    saying: "no folder build", "build the app first", "--artifact")
                expect(
                    try await app.run("deploy", "--artifact", "aloft.yaml"), fails: 2,
                    saying: "aloft.yaml is a file", "folder")
                try app.artifact("odd")
                #expect(mkfifo("\(app.folder)/odd/fifo", 0o600) == 0)
                #expect(try await app.standing() == before)
                #expect(try await app.releases().count == 1)
                let odd = try await app.run("deploy", "--artifact", "odd")
                #expect(odd.ending == .exited(0) && odd.output.contains("note: not copied"), "\(odd.output)")
                #expect(odd.output.contains("fifo (pipe)"), "\(odd.output)")
            }
        }

        @Test("an artifact without the program: what ran before serves, and the reason is told")
        func withoutProgram() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.deploy += "\nprogressDeadline: 2s"
                _ = try await app.up()
                let before = try await app.standing()
                try FileManager.default.createDirectory(
                    atPath: app.folder + "/empty", withIntermediateDirectories: false)
                let said = try await app.run("deploy", "--artifact", "empty")
                expect(said, saying: "release 2 of web was rolled back", "aloft logs web")
                #expect(try await app.standing() == before)
                let reason = try #require(try await app.status()?.rollout?.message)
                #expect(reason.contains("version"), "it names the program: \(reason)")
                #expect(!reason.contains("version 1 listens"), "\(reason)")
            }
        }

        @Test("--set without env., twice the same, or with a name that is none")
        func set() async throws {
            try await withFixture { fixture in
                let app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                for (wrong, reason) in [
                    ("LEVEL=debug", "sets variables"), ("command=/bin/sh", "changed in the file"),
                    ("replicas=9", "changed in the file"), ("env.1LEVEL=debug", "no digit first"),
                    ("env.LEVEL", "--set env.LEVEL=VALUE"),
                ] {
                    let said = try await app.run("deploy", "--set", wrong)
                    expect(said, fails: 2, saying: wrong, "env.NAME=VALUE", reason)
                }
                let twice = try await app.run("deploy", "--set", "env.LEVEL=a", "--set", "env.LEVEL=b")
                expect(twice, fails: 2, saying: "env.LEVEL", "twice")
                let both = try await app.run("deploy", "--artifact", ".", "--image", "shop:2")
                expect(both, fails: 2, saying: "--artifact or --image")
                expect(
                    try await app.run("deploy", "--image", "shop:2"),
                    saying: "web does not run in containers", "`image`")
                #expect(try await app.standing() == before)
                #expect(try await app.releases().count == 1)
            }
        }

        @Test("the same release twice: nothing would change, and nothing does")
        func same() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                expect(
                    try await app.run("deploy"), saying: "release 1 of `web` is the same", "nothing would change",
                    "aloft restart web")
                #expect(try await app.deploy(version: 2).ending == .exited(0))
                let before = try await app.standing()
                expect(try await app.run("deploy", "--message", "again"), saying: "release 2 of `web` is the same")
                try app.artifact("build")
                #expect(try await app.run("deploy", "--artifact", "build").ending == .exited(0))
                expect(try await app.run("deploy", "--artifact", "build"), saying: "release 3 of `web` is the same")
                let after = try await app.standing()
                #expect((after.processes, after.answer) == (before.processes, before.answer))
                #expect(try await app.releases().map(\.number) == [3, 2, 1])
            }
        }

        @Test("a service that the file does not have")
        func unknownService() async throws {
            try await withFixture { fixture in
                let app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                for words in [["deploy", "api"], ["rollback", "api"], ["abort", "api"], ["approve", "api"]] {
                    let said = try await app.run(words[0], words[1])
                    expect(said, fails: 2, saying: "no service `api`", "known: web")
                }
                let history = try await app.run("history", "api")
                expect(history, fails: 2, saying: "no service `api`", "known: web")
                #expect(try await app.standing() == before)
            }
        }

        @Test("a broken file: it is shown where, and what runs is left alone")
        func brokenFile() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                app.deploy = "strategy: canari"
                let said = try await app.deploy(version: 2)
                expect(said, fails: 2, saying: "aloft.yaml:", "canari", "canary")
                #expect(try await app.standing() == before)
                #expect(try await app.releases().count == 1)
            }
        }

        @Test("no daemon runs")
        func noDaemon() async throws {
            try await withFixture { fixture in
                let app = try await ShippingApp(fixture)
                try app.write()
                for words in ["deploy", "rollback", "abort", "approve", "promote", "pause", "resume", "history"] {
                    expect(try await app.run(words), saying: "no daemon runs", "\(app.folder)/.aloft", "aloft up")
                }
                #expect(!app.has(".aloft"), "asking leaves nothing")
            }
        }

        @Test(
            "two people at once: one deploys, and the other is told who holds the service and since when",
            .enabled(if: Namespace.canMount, "mount namespaces are not permitted here"))
        func twoPeople() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                app.deploy += """

                    gates: {before: [{name: tests, run: [sh, -c, "until [ -e go ]; do sleep 0.05; done"]}]}
                    """
                app.version = 2
                try app.write()
                let both = app
                async let one = both.run(as: "alice", "deploy", "--set", "env.LEVEL=a", "--no-wait")
                async let two = both.run(as: "bob", "deploy", "--set", "env.LEVEL=b", "--no-wait")
                let said = try await [one, two]
                #expect(said.count { $0.ending == .exited(0) } == 1, "\(said)")
                let winner = said[0].ending == .exited(0) ? "alice" : "bob"
                let loser = winner == "alice" ? "bob" : "alice"
                let refusal = winner == "alice" ? said[1] : said[0]
                expect(refusal, saying: "\(winner) is rolling out release 2", "`web`", "since", "aloft abort web")
                let rollout = try await app.rollout("its gate runs") { $0.phase == "gates" }
                #expect(rollout.by == winner && rollout.release == 2)
                expect(
                    try await app.run(as: loser, "rollback"), saying: winner, "release 2", "aloft abort web")

                try app.touch("go")
                let release = try await app.becomes(2, "current")
                #expect(release.by == winner)
                #expect(try await app.releases().map(\.number) == [2, 1], "the one that was refused is no release")
                #expect(try await app.served() == "version 2\n")
                #expect(try await app.standing().pids.count == 2)
            }
        }

        @Test(
            "an image that does not exist",
            .enabled(if: ContainerImage.canRun, "podman and a C compiler are needed"))
        func image() async throws {
            try await withFixture { fixture in
                let image = try await ContainerImage(fixture)
                var app = try await ShippingApp(fixture)
                app.program = "image: \(image.name)"
                app.replicas = 1
                _ = try await app.up()
                let before = try await app.standing()
                let missing = "localhost/aloft-scenario/nothing:1"
                let said = try await app.run("deploy", "--image", missing)
                expect(said, saying: missing, "made on this machine", "build it again")
                let nowhere = "127.0.0.1:\(try Machine.freePort())/shop:1"
                let unreachable = try await app.run("deploy", "--image", nowhere)
                expect(unreachable, saying: nowhere, "connection refused")
                #expect(try await app.standing() == before)
                #expect(try await app.releases().count == 1)
                try app.artifact("build")
                expect(
                    try await app.run("deploy", "--artifact", "build"), saying: "web runs in containers", "--image")
                #expect(try await app.standing() == before)
            }
        }
    }
}
