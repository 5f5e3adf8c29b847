import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Environments and promotion")
    struct Promotions {
        @Test("each environment is the file with its own words laid over it, beside the others on one machine")
        func overlays() async throws {
            try await withFixture { fixture in
                var stage = try await Stage(fixture)
                try await stage.upBoth()
                let app = stage.app
                #expect(try await app.served(at: stage.staging) == "version 1\n")
                #expect(try await app.served() == "version 1\n")
                let staging = try #require(try await app.status("--environment", "staging"))
                let production = try #require(try await app.status("--environment", "production"))
                #expect((staging.ready, production.ready) == (1, 2))
                #expect(try Self.variable("LEVEL", of: staging) == "debug")
                #expect(try Self.variable("LEVEL", of: production) == "error")
                #expect(try await app.release(1, "--environment", "production").environment == "production")
                expect(try await app.run("status"), saying: "no daemon runs", "\(app.folder)/.aloft")
            }
        }

        @Test("promote takes the release that staging runs, its artifact and variables too, and not today's file")
        func takesTheRelease() async throws {
            try await withFixture { fixture in
                var stage = try await Stage(fixture)
                try await stage.upBoth()
                try stage.app.artifact("build")
                let whole = try await stage.app.run("deploy", "--environment", "staging", "--artifact", ".")
                #expect(whole.ending == .exited(0), "the state of the other one is no part of it: \(whole.output)")
                let deployed = try await stage.app.run(
                    "deploy", "--environment", "staging", "--artifact", "build", "--set", "env.VERSION=2")
                #expect(deployed.ending == .exited(0), "\(deployed.output)")
                try FileManager.default.removeItem(atPath: stage.app.folder + "/build")
                stage.app.version = 3
                try stage.app.write()
                let app = stage.app
                #expect(try await app.served() == "version 1\n")

                let said = try await app.run("promote", "staging", "production", "--message", "to all")
                #expect(said.ending == .exited(0), "\(said.output)")
                #expect(try await app.served() == "version 2\n")
                let there = try await app.release(3, "--environment", "staging")
                let here = try await app.release(2, "--environment", "production")
                #expect(here.reason == "promoted from staging 3" && here.message == "to all", "\(here)")
                #expect(here.artifact != nil && here.artifact == there.artifact)
                #expect((here.set, here.environment) == (["VERSION"], "production"))
                let status = try #require(try await app.status("--environment", "production"))
                #expect(status.ready == 2, "the number is production's own")
                #expect(try Self.variable("LEVEL", of: status) == "error", "and so are its variables")
                let pid = try #require(status.replicas.first?.pid)
                let directory = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
                #expect(directory.hasPrefix("\(app.folder)/.aloft-production/releases/"), "\(directory)")

                let again = try await app.run("promote", "staging", "production")
                expect(again, saying: "release 2 of `web` is the same")
            }
        }

        @Test("a rollback in staging can be promoted: what it brings back went through the gates before")
        func rollbackIsTaken() async throws {
            try await withFixture { fixture in
                var stage = try await Stage(fixture)
                stage.app.deploy += "\ngates: {before: [{name: tests, run: [sh, -c, \"echo $VERSION >> tested\"]}]}"
                try await stage.upBoth()
                #expect(try await stage.app.deploy(version: 2, "--environment", "staging").ending == .exited(0))
                #expect(try await stage.app.deploy(version: 3, "--environment", "staging").ending == .exited(0))
                let app = stage.app
                let back = try await app.run("rollback", "--environment", "staging")
                #expect(back.ending == .exited(0), "\(back.output)")
                let gate = try #require(try await app.release(4, "--environment", "staging").verdict("gate tests: "))
                #expect(gate.contains("passed") && gate.contains("(release 2)"), "\(gate)")
                let said = try await app.run("promote", "staging", "production")
                #expect(said.ending == .exited(0), "\(said.output)")
                #expect(try await app.served() == "version 2\n")
                let tested = try String(contentsOfFile: app.folder + "/tested", encoding: .utf8)
                #expect(tested == "1\n1\n2\n3\n2\n", "by both environments, and not for the rollback")
            }
        }

        @Test("a release whose check failed in staging is not taken, though somebody kept it there")
        func gatesMustPass() async throws {
            try await withFixture { fixture in
                var stage = try await Stage(fixture)
                let keys = try await Certificate.make(in: stage.app.folder)
                stage.stagingEdge = """
                    listeners: [{address: "127.0.0.1:\(stage.staging)"}, {address: "127.0.0.1:0", tls: true}], \
                    tls: {certificates: [{hosts: [localhost], files: {certificate: \(keys.chain), key: \(keys.key)}}]}
                    """
                try await stage.upBoth()
                stage.app.deploy += "\nonFailure: freeze\ngates: {after: [certificate]}"
                stage.prepare()
                let frozen = try await stage.app.deploy(version: 2, "--environment", "staging")
                expect(frozen, saying: "release 2 of web is frozen", "certificate", "--environment staging")
                let refusals = ["release 2 of `web`", "staging"]
                let early = try await stage.app.run("promote", "staging", "production")
                #expect(early.ending == .exited(1), "\(early.output)")
                let kept = try await stage.app.run("promote", "web", "--environment", "staging", "--wait")
                #expect(kept.ending == .exited(0), "\(kept.output)")
                #expect(try await stage.app.served(at: stage.staging) == "version 2\n")

                let said = try await stage.app.run("promote", "staging", "production")
                expect(said, saying: "gate `certificate` failed", refusals[0], refusals[1])
                #expect(try await stage.app.served() == "version 1\n")
                #expect(try await stage.app.releases("--environment", "production").count == 1)
            }
        }

        @Test(
            "approvals are asked for by name, given by people, count for one release, and are in the history",
            .enabled(if: Namespace.canMount, "mount namespaces are not permitted here"))
        func approvals() async throws {
            try await withFixture { fixture in
                var stage = try await Stage(fixture)
                stage.production = "requires: {approvals: [ops, qa]}, "
                try await stage.upBoth()
                #expect(try await stage.app.deploy(version: 2, "--environment", "staging").ending == .exited(0))
                let app = stage.app
                let target = ["--environment", "production"]
                expect(try await app.run("approve", "--environment", "production"), saying: "nothing of web waits")
                expect(
                    try await app.run("promote", "staging", "production"), saying: "release 2 of staging waits",
                    "`ops`", "`qa`", "aloft approve web --as ops --environment production", "promote again")
                expect(
                    try await app.run(as: "carol", "approve", "--as", "boss", "--environment", "production"),
                    saying: "release 2 of staging waits for: ops, qa")
                expect(
                    try await app.run(as: "carol", "approve", "--environment", "production"),
                    saying: "say which", "aloft approve web --as ops --environment production")

                let one = try await app.run(as: "alice", "approve", "--as", "ops", "--environment", "production")
                #expect(one.ending == .exited(0) && one.output.contains("qa"), "\(one.output)")
                expect(try await app.run("promote", "staging", "production"), saying: "waits for approval: `qa`")
                let text = try await app.run("status", "--environment", "production").output
                #expect(text.contains("qa"), "\(text)")
                let two = try await app.run(as: "bob", "approve", "--environment", "production")
                #expect(two.ending == .exited(0), "\(two.output)")
                #expect(two.output.contains("aloft promote staging production"), "\(two.output)")
                #expect(try await app.served() == "version 1\n", "an approval alone moves nothing")

                let said = try await app.run(as: "dave", "promote", "staging", "production")
                #expect(said.ending == .exited(0), "\(said.output)")
                let release = try await app.release(2, target[0], target[1])
                #expect(release.by == "dave" && release.status == "current")
                #expect(release.verdict("ops: ") == "ops: approved by alice", "\(release.verdicts)")
                #expect(release.verdict("qa: ") == "qa: approved by bob", "\(release.verdicts)")
                #expect(try await app.served() == "version 2\n")

                let again = try await app.run("promote", "staging", "production")
                expect(again, saying: "release 2 of `web` is the same")
                #expect(try await stage.app.deploy(version: 3, "--environment", "staging").ending == .exited(0))
                expect(
                    try await app.run("promote", "staging", "production"),
                    saying: "release 3 of staging waits for approval", "`ops`", "`qa`")
            }
        }

        @Test("an environment that is unknown, never ran, promotes elsewhere, or is the same")
        func refused() async throws {
            try await withFixture { fixture in
                let stage = try await Stage(fixture)
                try await stage.app.up(environment: "production")
                let app = stage.app
                let before = try await app.status("--environment", "production")?.replicas.compactMap(\.pid)
                expect(
                    try await app.run("promote", "staging", "production"),
                    saying: "\(app.folder)/.aloft-staging", "aloft up --environment staging", "--from-state")
                expect(
                    try await app.run("promote", "production", "staging"), saying: "no daemon runs", ".aloft-staging")
                try await app.up(environment: "staging")
                expect(
                    try await app.run("promote", "production", "staging"), saying: "`production` promotes to no other")
                expect(
                    try await app.run("promote", "production", "production"), fails: 2, saying: "the same environment")
                expect(
                    try await app.run("promote", "staging", "production", "api"), fails: 2,
                    saying: "no service `api`", "known: web")
                expect(
                    try await app.run("up", "--environment", "qa"), fails: 2, saying: "`qa`", "staging", "production")
                let after = try await app.status("--environment", "production")?.replicas.compactMap(\.pid)
                #expect(after == before)
            }
        }

        // MARK: The stage

        /// One file with a staging of one replica and a production of two.
        private struct Stage {
            var app: ShippingApp
            /// Port of staging's edge; production's is the app's own.
            let staging: Int
            var stagingEdge: String
            /// Further keys of production, with a comma after them.
            var production = ""

            init(_ fixture: Fixture) async throws {
                app = try await ShippingApp(fixture)
                staging = try Machine.freePort()
                stagingEdge = "listeners: [{address: \"127.0.0.1:\(staging)\"}]"
                prepare()
            }

            mutating func prepare() {
                app.more = """
                    environments:
                      staging:
                        promotesTo: production
                        services: {web: {replicas: 1, env: {LEVEL: debug}}}
                        edge: {\(stagingEdge)}
                      production: {\(production)services: {web: {env: {LEVEL: error}}}}
                    """
            }

            mutating func upBoth() async throws {
                prepare()
                try await app.up(environment: "staging")
                try await app.up(environment: "production")
            }
        }

        /// Of the first replica's process.
        private static func variable(_ name: String, of service: ShippingApp.Service) throws -> String? {
            let pid = try #require(service.replicas.first?.pid)
            guard let file = FileHandle(forReadingAtPath: "/proc/\(pid)/environ") else {
                throw KitError.missing("process \(pid) is gone")
            }
            defer { file.closeFile() }
            let words = String(decoding: file.readDataToEndOfFile(), as: UTF8.self).split(separator: "\0")
            return words.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
        }
    }
}
