import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("What a service can say")
    struct ServiceKeys {
        private static let worker = "[sh, -c, \"trap 'echo told' HUP; while :; do sleep 0.1; done\"]"

        @Test(
            "a worker is ready without an address, after what it needs, and its deploys never overlap under `recreate`")
        func worker() async throws {
            try await withFixture { fixture in
                let extra = "listen: none\ndependsOn: [web]\nreload: {signal: HUP}\ndeploy: {strategy: recreate}"
                let keys = extra.split(separator: "\n").map { "    \($0)\n" }.joined()
                let file = try AppFile(
                    AppFile.service(app: "web") + "\n  mailer:\n    command: \(Self.worker)\n\(keys)"
                        + "    stop: {grace: 1s, signal: INT}\n")
                let aloft = try file.start(fixture)
                let status = try await aloft.ready(2)
                let mailer = try #require(status[replica: "mailer-1"])
                #expect(mailer.address == nil && mailer.probes.isEmpty)
                let told = try await aloft.command("reload", "mailer")
                #expect(told.ending == .exited(0) && told.output.contains("mailer-1"), "\(told.output)")
                try await eventually("it was told") {
                    try await aloft.command("logs", "mailer").output.contains("told")
                }
                let refused = try await aloft.command("reload", "web")
                #expect(refused.ending == .exited(1), "\(refused.output)")
                #expect(refused.output.contains("has no `reload` in the file"), "\(refused.output)")
                let deployed = try await aloft.command("deploy", "mailer", "--set", "env.COLOR=blue")
                #expect(deployed.ending == .exited(0), "\(deployed.output)")
                let after = try #require(try await aloft.status()?[replica: "mailer-1"])
                #expect(after.pid != mailer.pid && after.state == "ready")
                #expect(!Processes.isRunning(try #require(mailer.pid)))
                let events = try await aloft.command("events").output
                let stopped = try #require(events.range(of: "SIGINT")?.lowerBound, "\(events)")
                #expect(events[stopped...].contains("replica.started"), "the old one ended first:\n\(events)")
            }
        }

        @Test(
            "a replica runs as the file's user, is adopted after `kill -9`, and its release command has its own variables"
        )
        func user() async throws {
            try #require(getuid() == 0, "only root can start processes as somebody else")
            try await withFixture { fixture in
                // By programs that any user may run.
                let release = "release: {command: [sh, -c, \"echo as $(id -un) to $TARGET\"], env: {TARGET: there}}"
                let keys = ["listen: none", "user: nobody", release].map { "    \($0)\n" }.joined()
                let file = try AppFile(
                    AppFile.service(app: "web") + "\n  mailer:\n    command: \(Self.worker)\n\(keys)")
                let directory = try fixture.directory()
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory)
                let aloft = try Aloft.start(in: directory, file: file.text, fixture: fixture)
                let pid = try #require(try await aloft.ready(2)[replica: "mailer-1"]?.pid)
                let own = try FileManager.default.attributesOfItem(atPath: "/proc/\(pid)")[.ownerAccountName] as? String
                #expect(own == "nobody")
                let history = try await aloft.command("history", "mailer", "--release", "1").output
                #expect(history.contains("as nobody to there"), "\(history)")
                let id = try await aloft.command("exec", "mailer", "--", "id", "-un")
                #expect(id.output == "nobody\n", "\(id.output)")
                let run = try await aloft.command("run", "mailer", "--", "id", "-un")
                #expect(run.output == "nobody\n", "\(run.output)")
                kill(aloft.pid, SIGKILL)
                try await eventually("it is gone") { aloft.child.ending != nil }
                let next = try Aloft.again(in: aloft.directory, fixture: fixture)
                let again = try #require(try await next.ready(2)[replica: "mailer-1"])
                #expect(again.pid == pid && again.adopted == true)
            }
        }

        @Test("a user that this machine does not have is refused at the start, and a reload to one changes nothing")
        func unknownUser() async throws {
            try await withFixture { fixture in
                let directory = try fixture.directory()
                var file = try AppFile(app: "web", extra: "user: no-such-user")
                try file.text.write(toFile: directory + "/aloft.yaml", atomically: true, encoding: .utf8)
                let refused = try await Child.run([Checkout.aloft, "up"], directory: directory, within: .seconds(30))
                #expect(refused.ending != .exited(0))
                #expect(refused.output.contains("this machine has no user `no-such-user`"), "\(refused.output)")
                let checked = try await Child.run(
                    [Checkout.aloft, "check"], directory: directory, within: .seconds(30))
                #expect(checked.ending == .exited(0) && checked.output.contains("no user `no-such-user`"))
                file.services = AppFile.service(app: "web")
                let aloft = try Aloft.start(in: directory, file: file.text, fixture: fixture)
                let before = try await aloft.ready(1)
                file.services = AppFile.service(app: "web", extra: "user: no-such-user")
                try file.text.write(toFile: directory + "/aloft.yaml", atomically: true, encoding: .utf8)
                let reload = try await aloft.command("reload")
                #expect(reload.ending == .exited(1) && reload.output.contains("no-such-user"), "\(reload.output)")
                let after = try #require(try await aloft.status())
                #expect(after.replicas.map(\.pid) == before.replicas.map(\.pid) && after.digest == before.digest)
            }
        }
    }
}
