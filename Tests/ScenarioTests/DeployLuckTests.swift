import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    /// What happens to deploys that nobody did anything wrong with.
    @Suite("Deploys with bad luck")
    struct DeployLuck {
        @Test(
            "an artifact that would not fit on the disk is refused with what takes the room, and a smaller one goes through",
            .enabled(if: Namespace.canMount, "mount namespaces are not permitted here"))
        func diskFull() async throws {
            try await withFixture { fixture in
                let app = try await ShippingApp(fixture)
                _ = try await app.up(
                    wrapper: Namespace.wrapper(
                        "mkdir -m 700 .aloft .aloft/releases && mount -t tmpfs -o size=1m none .aloft/releases"))
                let before = try await app.standing()
                try app.artifact("large")
                try Data(count: 2 << 20).write(to: URL(fileURLWithPath: app.folder + "/large/photos"))
                let said = try await app.run("deploy", "--artifact", "large")
                expect(said, saying: "large needs 2", "can be used", "nothing was kept", "Aloft has in", "aloft prune")
                #expect(try await app.standing() == before)
                #expect(try await app.releases().count == 1)

                try app.artifact("small")
                let small = try await app.run("deploy", "--artifact", "small", "--set", "env.VERSION=2")
                #expect(small.ending == .exited(0), "\(small.output)")
                #expect(try await app.served() == "version 2\n")
                #expect(try await app.standing().halfCopied == [])
            }
        }

        @Test("an approval that never comes: it is said what is waited for, both versions serve, and abort goes back")
        func approvalNeverComes() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.deploy = "strategy: canary\nsteps: [{weight: 50%, for: 1s}, {approve: ops}]"
                _ = try await app.up()
                let before = try await app.standing()
                let said = try await app.deploy(version: 2, "--timeout", "3s")
                expect(said, saying: "not done after 3s", "goes on", "aloft status", "aloft abort web")
                let waiting = try await app.rollout("it waits for ops") { $0.phase == "waiting" }
                #expect(waiting.approvals == ["ops"] && waiting.weight == 50 && waiting.outcome == nil, "\(waiting)")
                #expect(waiting.message.contains("ops"), "\(waiting)")
                let text = try await app.run("status").output
                #expect(text.contains("ops"), "people see what is waited for: \(text)")
                let answers = try await self.answers(of: app)
                #expect(answers == ["version 1\n", "version 2\n"])
                expect(try await app.run("approve", "--as", "qa"), saying: "does not wait for `qa`", "ops")
                #expect(try await app.status()?.rollout?.approvals == ["ops"])

                let aborted = try await app.run("abort", "--wait", "--message", "nobody is in")
                #expect(aborted.ending == .exited(0), "\(aborted.output)")
                #expect(try await app.standing() == before)
                let release = try await app.release(2)
                #expect(release.status == "rolledBack")
                #expect(release.verdicts.last?.contains("nobody is in") == true, "\(release.verdicts)")
                #expect(try await app.status()?.rollout?.outcome == "aborted")
                expect(try await app.run("abort"), saying: "no release of `web` is being rolled out")
            }
        }

        @Test(
            "the clock goes back an hour in mid-rollout: nothing waits an hour longer, and the history keeps its order")
        func clockBack() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                let clock = try await WallClock(app)
                _ = try await app.up(environment: clock.environment)
                #expect(try await app.deploy(version: 2).ending == .exited(0))
                let blueGreen = app.deploy
                app.deploy = "strategy: canary\nsteps: [{weight: 50%, for: 2s}, {approve: ops}, {weight: 75%, for: 2s}]"
                let began = try await app.deploy(version: 3, "--no-wait")
                #expect(began.ending == .exited(0), "\(began.output)")
                _ = try await app.rollout("half of the requests") { $0.weight == 50 }
                try clock.move(by: -3600)
                _ = try await app.rollout("the step is over all the same") { $0.phase == "waiting" }
                #expect(try await app.run("approve").ending == .exited(0))
                _ = try await app.becomes(3, "current")
                #expect(try await app.served() == "version 3\n")

                app.deploy = blueGreen
                #expect(try await app.deploy(version: 4).ending == .exited(0))
                let (third, fourth) = try await (app.release(3), app.release(4))
                #expect(fourth.created < third.created, "the clock did go back")
                let numbers = try await app.releases().map(\.number)
                #expect(numbers == [4, 3, 2, 1], "newest first, whatever the clock says")
                let back = try await app.run("rollback")
                #expect(back.ending == .exited(0), "\(back.output)")
                #expect(try await app.served() == "version 3\n")
                #expect(try await app.standing().pids.count == 2)
            }
        }

        /// What a few requests are answered with.
        private func answers(of app: ShippingApp) async throws -> Set<String> {
            var answers: Set<String> = []
            for _ in 1...20 { answers.insert(try await app.served()) }
            return answers
        }
    }
}

/// The wall clock of one daemon, moved by `Apps/clock.c`.
private struct WallClock: Sendable {
    let environment: [String: String]
    private let file: String

    init(_ app: ShippingApp) async throws {
        file = "\(app.folder)/clock-offset"
        let library = "\(app.folder)/clock.so"
        try await ShippingApp.succeeds(
            ["cc", "-O1", "-shared", "-fPIC", "-o", library, "\(AppFile.apps)/clock.c"], in: app.folder)
        environment = ["LD_PRELOAD": library, "CLOCK_OFFSET": file]
        try move(by: 0)
    }

    /// Takes effect at once; the file stays the same one, since the daemon has it in its memory.
    func move(by seconds: Int64) throws {
        let bytes = withUnsafeBytes(of: seconds) { Data($0) }
        guard FileManager.default.fileExists(atPath: file) else {
            return try bytes.write(to: URL(fileURLWithPath: file))
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        try handle.write(contentsOf: bytes)
        try handle.close()
    }
}
