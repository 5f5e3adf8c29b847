import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Gates and migrations")
    struct Gates {
        // MARK: before

        @Test("gates that pass, and an advisory one that does not, let a release through and are in its history")
        func passed() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                app.deploy += """

                    gates:
                      before:
                        - {name: tests, run: [sh, -c, "echo 12 tests of version $VERSION passed"]}
                        - {name: lint, run: [sh, -c, "echo two spaces too many >&2; exit 4"], required: false}
                    """
                let said = try await app.deploy(version: 2)
                #expect(said.ending == .exited(0), "\(said.output)")
                #expect(try await app.served() == "version 2\n")
                let release = try await app.release(2)
                #expect(release.status == "current")
                #expect(release.verdict("gate tests: passed") != nil, "\(release.verdicts)")
                let lint = try #require(release.verdict("gate lint: failed"))
                #expect(lint.contains("advisory") && lint.contains("exit code 4"), "\(lint)")
                let full = try await app.run("history", "--release", "2").output
                #expect(full.contains("12 tests of version 2 passed"), "\(full)")
                #expect(full.contains("two spaces too many"), "so is that of one that failed: \(full)")
            }
        }

        @Test("a required gate that fails: nothing was started, later gates do not run, and the mended release comes")
        func failed() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                let plain = app.deploy
                app.deploy += """

                    gates:
                      before:
                        - {name: tests, run: [sh, -c, "echo basket_test failed; exit 3"]}
                        - {name: later, run: [touch, later-ran]}
                    """
                let said = try await app.deploy(version: 2, "--message", "a new basket")
                expect(
                    said, saying: "release 2 of web failed", "`tests`", "exit code 3", "aloft history web --release 2")
                #expect(try await app.standing() == before)
                #expect(!app.has("later-ran"))
                let rollout = try #require(try await app.status()?.rollout)
                #expect(rollout.release == 2 && rollout.outcome == "failed", "\(rollout)")
                #expect(rollout.message.contains("`tests`"), "\(rollout)")
                let release = try await app.release(2)
                #expect(release.status == "failed" && release.message == "a new basket")
                let full = try await app.run("history", "--release", "2").output
                #expect(full.contains("basket_test failed"), "\(full)")
                let events = try await app.run("events").output
                #expect(!events.contains("release 2: all requests"), "\(events)")
                #expect(!events.contains("web-3"), "no replica of release 2: \(events)")

                app.deploy = plain
                let mended = try await app.run("deploy")
                #expect(mended.ending == .exited(1), "the same gate again: \(mended.output)")
                let again = try await app.deploy(version: 2)
                #expect(again.ending == .exited(0), "\(again.output)")
                #expect(try await app.served() == "version 2\n")
            }
        }

        @Test("a gate that hangs is ended with all that it started, and has failed")
        func hung() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                let before = try await app.standing()
                app.deploy += """

                    gates:
                      before: [{name: smoke, run: [sh, -c, "echo asking; sleep 600 & sleep 600"], timeout: 1s}]
                    """
                let said = try await app.deploy(version: 2)
                expect(said, saying: "release 2 of web failed", "`smoke`", "1s")
                #expect(try await app.standing() == before, "no process of the gate is left")
                #expect(try await app.release(2).verdict("gate smoke: failed") != nil)
            }
        }

        // MARK: after

        @Test("a check whose subject does not exist is not applicable, never passed")
        func notApplicable() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                let others = ["performance", "headers", "certificate", "database", "cache", "metrics", "backups"]
                app.deploy += "\ngates: {after: [health, \(others.joined(separator: ", "))]}"
                let said = try await app.deploy(version: 2)
                #expect(said.ending == .exited(0), "\(said.output)")
                let release = try await app.release(2)
                #expect(release.verdict("check health: passed") != nil, "\(release.verdicts)")
                for name in others {
                    let verdict = try #require(release.verdict("check \(name): "), "\(release.verdicts)")
                    #expect(verdict.hasPrefix("check \(name): not applicable"), "\(verdict)")
                    #expect(verdict.split(separator: ":").count >= 3, "it says why: \(verdict)")
                }
                let full = try await app.run("history", "--release", "2").output
                #expect(full.contains("not applicable"), "\(full)")
            }
        }

        @Test("checks whose subject exists look at it")
        func applicable() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.admin = "{address: \"127.0.0.1:0\"}"
                app.edge = "headers: {set: {x-frame-options: DENY}}"
                _ = try await app.up()
                app.deploy += "\ngates: {after: [health, headers, metrics]}"
                let said = try await app.deploy(version: 2)
                #expect(said.ending == .exited(0), "\(said.output)")
                let release = try await app.release(2)
                for name in ["health", "headers", "metrics"] {
                    #expect(release.verdict("check \(name): passed") != nil, "\(release.verdicts)")
                }
            }
        }

        @Test("a check that fails after the promotion takes the release back, and no request is lost")
        func takenBack() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                let certificate = try await Certificate.make(in: app.folder)
                app.listeners = ", {address: \"127.0.0.1:\(try Machine.freePort())\", tls: true}"
                app.edge = """
                    tls: {certificates: [{hosts: [localhost], files: {certificate: \(certificate.chain), key: \(certificate.key)}}]}
                    """
                _ = try await app.up()
                app.deploy += "\ngates: {after: [health, certificate]}"
                let load = Load(to: .port(app.port))
                let changing = app
                let report = try await load.run(clients: 2) {
                    var app = changing
                    try await eventually("the load is under way") { load.answered > 50 }
                    let said = try await app.deploy(version: 2)
                    expect(said, saying: "release 2 of web was rolled back", "certificate", "history web --release 2")
                }
                #expect(report.bad == 0, "\(report.statuses) \(report.failures.prefix(3))")
                #expect(try await app.served() == "version 1\n")
                let release = try await app.release(2)
                #expect(release.status == "rolledBack")
                #expect(release.verdict("check health: passed") != nil, "\(release.verdicts)")
                #expect(release.verdict("check certificate: failed")?.contains("days") == true, "\(release.verdicts)")
                let standing = try await app.standing()
                #expect(standing.release == 1 && standing.pids.count == 2, "\(standing)")
            }
        }
    }
}
