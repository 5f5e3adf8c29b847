import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Deploys: what wins, what is kept, and when it is given up")
    struct Overrides {
        /// Ends at once where `VERSION` is 2, as Node does: the error first, its version last.
        private static let program = """
            command: [sh, -c, 'if [ "$VERSION" = 2 ]; then sleep 0.05; printf "Error: no DATABASE_URL\\n    at main \
            (/srv/app.js:3:7)\\n\\nNode.js v20.1.0\\n" >&2; exit 1; fi; exec ./version']
            """

        @Test("a new version that exits at once is given up after three ends, with its exit code and what it said")
        func exits() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.program = Self.program
                app.deploy = "strategy: rolling"
                _ = try await app.up()
                let clock = ContinuousClock()
                let began = clock.now
                let said = try await app.deploy(version: 2)
                let took = clock.now - began
                expect(
                    said, saying: "ended 3 times in a row before it was ready", "exit code 1",
                    "| Error: no DATABASE_URL")
                #expect(!said.output.contains("Node.js v20"), "\(said.output)")
                #expect(took < .seconds(20), "not until `progressDeadline`")
                #expect(try await app.served() == "version 1\n")
                let full = try await app.run("history", "--release", "2").output
                #expect(full.contains("| Error: no DATABASE_URL"), "\(full)")

                // By reload it is the same, told in status.
                app.version = 1
                app.variables = ", OTHER: \"1\""
                #expect(try await app.deploy(version: 1).ending == .exited(0))
                app.version = 2
                try app.write()
                #expect(try await app.run("reload").ending == .exited(0))
                let rollout = try await app.rollout("rolled back") { $0.outcome == "rolledBack" }
                #expect(rollout.message.contains("exit code 1: Error: no DATABASE_URL"), "\(rollout)")
            }
        }

        @Test("a first release that exits at once is not rolled back, and `up --detach` says why")
        func firstRelease() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.program = Self.program
                app.version = 2
                try app.write()
                let folder = app.folder
                fixture.atEnd("stop it") { _ = try await Child.run([Checkout.aloft, "down"], directory: folder) }
                let said = try await app.run("up", "--detach")
                expect(said, saying: "exit code 1", "| Error: no DATABASE_URL")
                #expect(try await app.release(1).status == "current")
                let events = try await app.run("events").output
                #expect(events.contains("ended 3 times in a row before it was ready: exit code 1"), "\(events)")
            }
        }

        @Test("`deploy` returns when the release is current and watched; the old set is kept behind it, one word away")
        func keeps() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.deploy = "strategy: blueGreen\nwatch: 1s"
                _ = try await app.up()
                let clock = ContinuousClock()
                let began = clock.now
                let said = try await app.deploy(version: 2)
                #expect(said.ending == .exited(0) && clock.now - began < .seconds(30), "\(said.output)")
                #expect(said.output.contains("release 2 is current"), "\(said.output)")
                let status = try await app.run("status").output
                #expect(status.contains("release 1 is kept until "), "\(status)")
                #expect(try await app.standing().pids.count == 4, "both sets are up")

                // The next deploy takes its place, whoever asks.
                let next = try await app.deploy(version: 3)
                #expect(next.ending == .exited(0), "\(next.output)")
                #expect(try await app.served() == "version 3\n")
                let back = try await app.run("abort")
                #expect(back.ending == .exited(0), "\(back.output)")
                _ = try await app.becomes(2, "current")
                #expect(try await app.served() == "version 2\n")
            }
        }

        @Test("what `--set` said wins over a later edit of the file, is told everywhere, and `--unset` ends it")
        func set() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                _ = try await app.up()
                #expect(try await app.run("deploy", "--set", "env.VERSION=2").ending == .exited(0))
                app.version = 9
                try app.write()
                let note = "env.VERSION of web stays 2: set by `aloft deploy --set` in release 2"
                for command in ["plan", "reload"] {
                    let said = try await app.run(command)
                    #expect(said.ending == .exited(0) && said.output.contains(note), "\(command): \(said.output)")
                    #expect(!said.output.contains("~ services.web.env.VERSION"), "\(command): \(said.output)")
                }
                #expect(try await app.served() == "version 2\n")
                #expect(try await app.run("status").output.contains("env.VERSION"))
                #expect(try await app.run("history").output.contains("env.VERSION"))
                let unset = try await app.run("deploy", "--unset", "env.VERSION")
                #expect(unset.ending == .exited(0), "\(unset.output)")
                #expect(try await app.served() == "version 9\n")
                #expect(try await app.run("plan").output.contains("what runs is this plan"))
                expect(
                    try await app.run("deploy", "--unset", "env.VERSION"), saying: "is not set by `aloft deploy --set`")
            }
        }

        @Test("a reload takes the values of its own shell, tells none, and a shell without them takes nothing away")
        func shell() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.program = "command: [sh, -c, 'VERSION=$TOKEN exec ./version']"
                app.variables = ", TOKEN: \"${env.TOKEN}\""
                _ = try await app.up(environment: ["TOKEN": "1"])
                #expect(try await app.served() == "version 1\n")
                func aloft(_ words: String..., token: String?) async throws -> ShippingApp.Said {
                    let set = token.map { ["TOKEN=\($0)"] } ?? ["-u", "TOKEN"]
                    return try await Child.run(["env"] + set + [Checkout.aloft] + words, directory: app.folder)
                }
                let check = try await aloft("check", token: nil)
                #expect(check.ending == .exited(0) && check.output.contains("no variable `TOKEN`"), "\(check.output)")
                let plan = try await aloft("plan", token: "7654321")
                #expect(plan.output.contains("another value of ${env.TOKEN}"), "\(plan.output)")
                #expect(!plan.output.contains("7654321"))
                let without = try await aloft("reload", token: nil)
                #expect(without.output.contains("the daemon keeps the value"), "\(without.output)")
                #expect(try await app.releases().count == 1)

                let reload = try await aloft("reload", token: "7654321")
                #expect(reload.ending == .exited(0) && !reload.output.contains("7654321"), "\(reload.output)")
                _ = try await app.becomes(2, "current")
                #expect(try await app.served() == "version 7654321\n")
                let again = try await aloft("reload", token: "7654321")
                #expect(again.output.contains("the file says what runs already"), "\(again.output)")
                try Self.nowhere("7654321", below: app.folder + "/.aloft", but: ["run/", "logs/application/"])
                let back = try await aloft("rollback", token: "1")
                expect(back, saying: "only in values of")
            }
        }

        /// No file of the state directory has the text: not the journal, no log, no release. What the app itself printed
        /// is its own.
        private static func nowhere(_ text: String, below folder: String, but left: [String]) throws {
            let needle = Data(text.utf8)
            let paths = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
            #expect(!paths.isEmpty)
            for path in paths where !left.contains(where: path.hasPrefix) {
                guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(path)") else { continue }
                #expect(bytes.range(of: needle) == nil, "\(path) has the value")
            }
        }
    }
}
