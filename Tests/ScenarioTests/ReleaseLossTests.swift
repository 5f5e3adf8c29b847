import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("The daemon is killed while a command of a release runs")
    struct ReleaseLoss {
        @Test("during a gate: what is left of it is ended, it runs again, and the release comes")
        func duringGate() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                let first = try await app.up()
                let before = try await app.standing()
                app.deploy += """

                    gates:
                      before:
                        - {name: tests, run: [sh, -c, "echo $$ >> gates; until [ -e go ]; do sleep 0.05; done"]}
                    """
                #expect(try await app.deploy(version: 2, "--no-wait").ending == .exited(0))
                let gate = try #require(try await numbers("gates", 1, of: app).first)
                try await restart(first, app)
                let gates = try await numbers("gates", 2, of: app)
                #expect(!Processes.isRunning(gate), "the first one is ended")
                #expect(Processes.isRunning(gates[1]))
                let during = try await app.standing()
                #expect((during.pids, during.answer) == (before.pids, before.answer), "the same processes serve")

                try app.touch("go")
                let release = try await app.becomes(2, "current")
                #expect(release.verdict("gate tests: passed") != nil, "\(release.verdicts)")
                #expect(try await app.served() == "version 2\n")
                #expect(try await app.standing().processes == before.processes)
            }
        }

        @Test("during a migration: it is not run twice; somebody says that it is done, and the release comes")
        func duringMigration() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                let first = try await app.up()
                let before = try await app.standing()
                app.service = Self.migration + ", reversible: false}"
                #expect(try await app.deploy(version: 2, "--no-wait").ending == .exited(0))
                let migration = try #require(try await numbers("ran", 1, of: app).first)
                try await restart(first, app)
                let frozen = try await app.rollout("it is frozen") { $0.outcome == "frozen" }
                #expect(frozen.message.contains("migration"), "\(frozen)")
                #expect(frozen.approvals == ["migration"])
                #expect(!Processes.isRunning(migration), "what was left of it is ended")
                #expect(try await app.standing() == before)
                expect(try await app.run("resume"), saying: "migration is not run again", "`migration`", "abort")
                expect(try await app.run("promote"), saying: "outcome of the migration is not known")

                let said = try await app.run("approve", "--as", "migration", "--wait")
                #expect(said.ending == .exited(0), "\(said.output)")
                #expect(try await app.served() == "version 2\n")
                #expect(try await app.release(2).verdict("migration: approved by") != nil)
                #expect(try await numbers("ran", 1, of: app) == [migration], "once")
            }
        }

        @Test("during a migration that can be undone: the release has failed, and what ran before serves")
        func duringReversible() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                let first = try await app.up()
                let before = try await app.standing()
                app.service = Self.migration + "}"
                #expect(try await app.deploy(version: 2, "--no-wait").ending == .exited(0))
                let migration = try #require(try await numbers("ran", 1, of: app).first)
                try await restart(first, app)
                let release = try await app.becomes(2, "failed")
                #expect(release.verdicts.contains { $0.contains("migration") }, "\(release.verdicts)")
                #expect(!Processes.isRunning(migration), "what was left of it is ended")
                #expect(try await app.standing() == before)
                #expect(try await numbers("ran", 1, of: app) == [migration], "once")
            }
        }

        // MARK: Small things

        /// Up to the closing brace.
        private static let migration =
            "release: {command: [sh, -c, \"echo $$ >> ran; until [ -e go ]; do sleep 0.05; done\"]"

        /// Process numbers that a command has written, one a line, once there are so many.
        private func numbers(_ name: String, _ count: Int, of app: ShippingApp) async throws -> [pid_t] {
            try await eventually("\(name) has \(count) lines", within: .seconds(40)) {
                guard app.has(name) else { return nil }
                let text = try String(contentsOfFile: "\(app.folder)/\(name)", encoding: .utf8)
                let numbers = text.split(separator: "\n").compactMap { pid_t($0) }
                return numbers.count >= count && text.hasSuffix("\n") ? numbers : nil
            }
        }

        private func restart(_ aloft: Aloft, _ app: ShippingApp) async throws {
            kill(aloft.pid, SIGKILL)
            _ = try await aloft.child.ended()
            _ = try Aloft.again(in: app.folder, fixture: app.fixture)
            try await eventually("the next daemon answers", within: .seconds(40)) {
                try await app.status()?.ready == app.replicas
            }
        }
    }
}
