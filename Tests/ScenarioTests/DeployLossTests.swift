import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("The daemon is lost while a release is rolled out", .timeLimit(.minutes(3)))
    struct DeployLoss {
        enum Strategy: String, Sendable, CaseIterable {
            case rolling, blueGreen, canary, recreate

            var keys: String {
                switch self {
                case .rolling, .recreate: "strategy: \(rawValue)"
                case .blueGreen: "strategy: blueGreen\nblueGreen: {keep: 1s}"
                case .canary: "strategy: canary\nsteps: [{weight: 5%, for: 1s}, {weight: 50%, for: 1s}]"
                }
            }
        }

        /// The daemon is killed at the first report of a phase, or at a later one of it.
        struct Moment: Sendable, CustomTestStringConvertible {
            var strategy: Strategy
            var phase: String
            var report = 1

            var testDescription: String { "\(strategy.rawValue), \(phase)" + (report > 1 ? " \(report)" : "") }

            static let good: [Moment] = Strategy.allCases.flatMap { strategy in
                var phases = ["gates", "starting", "promoting", "checking", "watching", "cleaningUp"]
                if [.rolling, .canary].contains(strategy) { phases.append("shifting") }
                let first = phases.map { Moment(strategy: strategy, phase: $0) }
                return strategy == .canary || strategy == .rolling
                    ? first + [2, 4].map { Moment(strategy: strategy, phase: "shifting", report: $0) } : first
            }

            static let bad: [Moment] = Strategy.allCases.flatMap { strategy in
                (1...3).map { Moment(strategy: strategy, phase: "rollingBack", report: $0) }
            }

            static let container: [Moment] =
                ["gates", "starting", "shifting", "promoting", "watching", "cleaningUp"]
                .map { Moment(strategy: .canary, phase: $0) }
                + [Moment(strategy: .rolling, phase: "shifting"), Moment(strategy: .blueGreen, phase: "promoting")]
        }

        /// Every phase there is; each takes long enough to be met.
        private static let phases = """
            gates: {before: [{name: tests, run: [PROGRAM, wait, "500"]}], after: [health]}
            watch: 1s
            analysis:
              interval: 1s
              minRequests: 10
              maxErrorRate: 50%
              probeRequests: {path: /, rate: 50/s}

            """

        private func stage(
            _ driver: Driver, _ strategy: Strategy, service: String = "", _ fixture: Fixture
        ) async throws -> DeployStage {
            try await DeployStage.start(
                driver, deploy: Self.phases + strategy.keys, service: service, environment: ["START_MS": "300"], fixture
            )
        }

        /// Kills the daemon when `moment` has come or the rollout is over, and starts the next one.
        private func crash(_ stage: inout DeployStage, at moment: Moment, of deploy: Child) async throws {
            // Keys are sorted. What is printed first may be the end of the release before.
            let word = "\"phase\":\"\(moment.phase)\""
            let isMine = { (line: Substring) in line.contains("\"release\":2,") }
            try await eventually(
                "\(moment): \(deploy.output.suffix(1500)); \(stage.aloft.output.suffix(1500))", within: .seconds(40),
                every: .milliseconds(1)
            ) {
                let lines = deploy.output.split(separator: "\n").filter(isMine)
                return lines.count { $0.contains(word) } >= moment.report
                    || lines.contains { $0.contains("\"outcome\"") }
            }
            kill(stage.aloft.pid, SIGKILL)
            let seen = try DeployStage.reports(in: deploy.output).filter { $0.release == 2 }.map(\.phase)
            #expect(seen.contains(moment.phase), "\(seen)")
            _ = try await stage.aloft.child.ended()
            if stage.driver == .process, moment.strategy != .recreate {
                #expect(try stage.processes.count >= 2, "replicas live on without a daemon")
            }
            try await stage.crash()
        }

        /// Waits until requests are answered, then counts all of them until the rollout is over.
        private func servesOn(_ stage: DeployStage, _ strategy: Strategy, _ deploy: Child) async throws -> Child.Ending
        {
            if strategy == .recreate { return try await deploy.ended(within: .seconds(60)) }
            try await eventually("requests are answered again") {
                // Refused until the edge listens.
                (try? await stage.ask())?.status == 200
            }
            let load = try await stage.load(rate: 200)
            let ending = try await deploy.ended(within: .seconds(60))
            let report = try await load.finish()
            #expect(report.lost == 0, "\(report), \(load.failures.prefix(10)), \(stage.aloft.output)")
            return ending
        }

        @Test("a good release comes to its end", arguments: Moment.good)
        func good(_ moment: Moment) async throws { try await comesToItsEnd(.process, moment) }

        @Test("a good release in containers comes to its end", arguments: Moment.container)
        func goodContainers(_ moment: Moment) async throws { try await comesToItsEnd(.container, moment) }

        private func comesToItsEnd(_ driver: Driver, _ moment: Moment) async throws {
            try await withFixture { fixture in
                var stage = try await stage(driver, moment.strategy, fixture)
                let deploy = try stage.watched(version: 1)
                try await crash(&stage, at: moment, of: deploy)
                let ending = try await servesOn(stage, moment.strategy, deploy)
                #expect(ending == .exited(0), "\(deploy.output.suffix(1000)); \(stage.aloft.output)")
                try await stage.only(1)
                let events = try await stage.events()
                // An event may be told twice, equal in every field.
                for kind in ["rollout.started", "rollout.promoted"] {
                    let told = Set(events.filter { $0.contains("\"\(kind)\"") && $0.contains("release 2") })
                    #expect(told.count == 1, "\(kind): \(told)")
                }
                #expect(!events.contains { $0.contains("\"rollout.failed\"") }, "\(events)")
            }
        }

        @Test("a bad release goes back all the way", arguments: Moment.bad)
        func bad(_ moment: Moment) async throws {
            try await withFixture { fixture in
                var stage = try await stage(.process, moment.strategy, fixture)
                let deploy = try stage.watched(version: 1, ["ERRORS": "100"])
                try await crash(&stage, at: moment, of: deploy)
                // Its requests fail for as long as they are sent to it, so they are not counted here.
                let ending = try await deploy.ended(within: .seconds(60))
                #expect(ending == .exited(1), "\(deploy.output.suffix(1000)); \(stage.aloft.output)")
                try await stage.only(0)
                let events = try await stage.events()
                #expect(Set(events.filter { $0.contains("\"rollout.failed\"") }).count == 1, "\(events)")
            }
        }

        @Test(
            "a migration that was cut off is not run again, and the release before serves on", arguments: [true, false])
        func migration(_ isReversible: Bool) async throws {
            try await withFixture { fixture in
                let release = "release: {command: [PROGRAM, wait, \"3000\"], reversible: \(isReversible)}"
                var stage = try await stage(.process, .canary, service: release, fixture)
                let deploy = try stage.watched(version: 1)
                // The phase is written before the command is begun, and one that was not begun may run later.
                let program = try stage.program
                try await eventually("the migration runs", within: .seconds(40)) {
                    !Processes.withArguments([program, "wait", "3000"]).isEmpty
                }
                try await crash(&stage, at: Moment(strategy: .canary, phase: "migrating"), of: deploy)
                let ending = try await servesOn(stage, .canary, deploy)
                #expect(ending == .exited(1), "\(deploy.output.suffix(1000))")
                if isReversible {
                    #expect(deploy.output.contains("failed"), "\(deploy.output.suffix(1000))")
                } else {
                    try await stage.rollout("frozen") { $0?.phase == "frozen" }
                    #expect(try await stage.aloft.command("abort", "web", "--force").ending == .exited(0))
                }
                try await stage.only(0)
            }
        }

        @Test("a daemon that is stopped in mid-canary goes on with it when it is started again")
        func stopped() async throws {
            try await withFixture { fixture in
                let keys = "strategy: canary\nsteps: [{weight: 50%, for: 1s}, {approve: ops}]"
                var stage = try await DeployStage.start(.process, deploy: keys, fixture)
                try await stage.begin(version: 1)
                try await stage.rollout("it waits for ops") { $0?.phase == "waiting" }
                stage.aloft.child.signal(SIGTERM)
                #expect(try await stage.aloft.child.ended() == .exited(0), "\(stage.aloft.output)")
                #expect(try stage.processes.isEmpty)
                stage.aloft = try Aloft.again(in: stage.aloft.directory, fixture: fixture)
                _ = try await stage.aloft.ready(3)
                let load = try await stage.load(rate: 500, requests: 1000).ended()
                #expect(load.lost == 0 && abs(load.count(of: 1) - 500) < 50, "\(load)")
                let status = try await stage.rollout("it waits for ops") { $0?.phase == "waiting" }
                #expect(status.services[0].rollout?.weight == 50)
                #expect(try await stage.aloft.command("approve", "web", "--wait").ending == .exited(0))
                try await stage.only(1)
            }
        }

        @Test("a frozen release keeps its share, and going back from there is an `abort` away")
        func frozen() async throws {
            try await withFixture { fixture in
                let keys =
                    "strategy: canary\nsteps: [{weight: 50%, for: 1m}]\nonFailure: freeze\n"
                    + "analysis: {interval: 1s, minRequests: 10, maxErrorRate: 50%, probeRequests: {path: /, rate: 50/s}}"
                var stage = try await DeployStage.start(.process, deploy: keys, fixture)
                try await stage.begin(version: 1, ["ERRORS": "100"])
                try await stage.rollout("frozen") { $0?.phase == "frozen" }
                try await stage.crash()
                _ = try await stage.aloft.ready(3)
                let status = try await stage.rollout("frozen") { $0?.phase == "frozen" }
                #expect(status.services[0].rollout?.weight == 50)
                let load = try await stage.load(rate: 500, requests: 1000).ended()
                #expect(load.failed == 0 && abs(load.count(of: 1) - 500) < 50, "\(load)")
                #expect(try await stage.aloft.command("abort", "web").ending == .exited(0))
                try await stage.only(0)
            }
        }

        @Test("what is paused or waits for somebody still does so afterwards, and goes on as it is told")
        func waits() async throws {
            try await withFixture { fixture in
                let keys = "strategy: canary\nsteps: [{weight: 50%, for: 1s}, {approve: ops}, {weight: 80%, for: 1s}]"
                var stage = try await DeployStage.start(.process, deploy: keys, fixture)
                try await stage.begin(version: 1)
                try await stage.rollout("it waits for ops") { $0?.phase == "waiting" }
                try await stage.crash()
                let status = try await stage.rollout("it waits for ops") { $0?.phase == "waiting" }
                #expect(status.services[0].rollout?.weight == 50)
                #expect(try await stage.aloft.command("pause", "web").ending == .exited(0))
                try await stage.crash()
                try await stage.rollout("it is paused") { $0?.isPaused == true && $0?.weight == 50 }
                let load = try await stage.load(rate: 500, requests: 1000).ended()
                #expect(load.lost == 0 && abs(load.count(of: 1) - 500) < 50, "\(load)")
                #expect(try await stage.aloft.command("resume", "web").ending == .exited(0))
                #expect(try await stage.aloft.command("approve", "web", "--wait").ending == .exited(0))
                try await stage.only(1)
            }
        }
    }
}
