import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Deploys under load", .timeLimit(.minutes(5)))
    struct DeployLoad {
        /// `deploy` of each strategy, as quick as it goes.
        enum Strategy: String, Sendable, CaseIterable, CustomTestStringConvertible {
            case rolling, blueGreen, canary

            var testDescription: String { rawValue }

            var keys: String {
                switch self {
                case .rolling: "strategy: rolling"
                case .blueGreen: "strategy: blueGreen\nblueGreen: {keep: 0s}"
                case .canary: "strategy: canary\nsteps: [{weight: 5%, for: 1s}, {weight: 50%, for: 1s}]"
                }
            }
        }

        @Test("three deploys in a row lose no request", arguments: Strategy.allCases, Driver.allCases)
        func losesNothing(_ strategy: Strategy, _ driver: Driver) async throws {
            try await withFixture { fixture in
                let stage = try await DeployStage.start(driver, deploy: strategy.keys, fixture)
                let load = try await stage.load(rate: 500)
                try await load.reports("version 0 answers") { $0.count(of: 0) > 200 }
                for version in 1...3 {
                    let end = try await stage.deploy(version: version)
                    #expect(end.outcome == "succeeded" && end.release == version + 1)
                    // From the moment that `deploy` says so on.
                    #expect(try await stage.ask().version == version)
                    try await load.reports("version \(version) answers") { $0.count(of: version) > 100 }
                }
                try await stage.only(3)
                let report = try await load.finish()
                print(
                    "\(strategy.rawValue), \(driver.rawValue): \(report.requests) requests, \(report.lost) lost, "
                        + "p99 \(report.p99) ms, at most \(report.max) ms")
                #expect(report.lost == 0, "\(report), \(load.failures.prefix(20)), \(stage.aloft.output)")
                #expect(report.versions.count == 4, "\(report.versions)")
                let status = try #require(try await stage.aloft.status())
                #expect(status.services[0].release == 4 && status.services[0].rollout == nil)
            }
        }

        @Test(
            "a service of one replica is deployed without losing a request", arguments: [Strategy.rolling, .blueGreen])
        func single(_ strategy: Strategy) async throws {
            try await withFixture { fixture in
                let stage = try await DeployStage.start(.process, replicas: 1, deploy: strategy.keys, fixture)
                let load = try await stage.load(rate: 300)
                try await load.reports("version 0 answers") { $0.count(of: 0) > 50 }
                for version in 1...3 { try await stage.deploy(version: version, ["START_MS": "300"]) }
                try await stage.only(3, replicas: 1)
                let report = try await load.finish()
                #expect(report.lost == 0, "\(report), \(load.failures.prefix(20)), \(stage.aloft.output)")
            }
        }

        @Test("slow requests that a replica has are answered before it ends", arguments: Driver.allCases)
        func slow(_ driver: Driver) async throws {
            try await withFixture { fixture in
                let stage = try await DeployStage.start(
                    driver, deploy: Strategy.rolling.keys, environment: ["SLOW_MS": "400"], fixture)
                let load = try await stage.load(rate: 60, connections: 40, fresh: 5)
                try await load.reports("version 0 answers") { $0.count(of: 0) > 20 }
                try await stage.deploy(version: 1)
                try await stage.deploy(version: 2)
                try await stage.only(2)
                let report = try await load.finish()
                #expect(report.lost == 0, "\(report), \(load.failures.prefix(20)), \(stage.aloft.output)")
            }
        }

        @Test("a rollback and an abort in mid-canary lose no request", arguments: Driver.allCases)
        func back(_ driver: Driver) async throws {
            try await withFixture { fixture in
                let stage = try await DeployStage.start(
                    driver, deploy: "strategy: canary\nsteps: [{weight: 50%, for: 1s}, {approve: ops}]", fixture)
                let load = try await stage.load(rate: 500)
                try await stage.begin(version: 1)
                try await stage.rollout("it waits for ops") { $0?.approvals == ["ops"] && $0?.phase == "waiting" }
                try await load.reports("version 1 answers") { $0.count(of: 1) > 100 }
                #expect(try await stage.aloft.command("abort", "web").ending == .exited(0))
                try await stage.only(0)
                try await stage.begin(version: 2)
                try await stage.rollout("it waits for ops") { $0?.approvals == ["ops"] && $0?.phase == "waiting" }
                #expect(try await stage.aloft.command("approve", "web", "--wait").ending == .exited(0))
                try await stage.only(2)
                // Back to what has served before: at once, and by nobody's leave.
                let back = try await stage.aloft.command("rollback", "web")
                #expect(back.ending == .exited(0), "\(back.output)")
                try await stage.only(0)
                let report = try await load.finish()
                #expect(report.lost == 0, "\(report), \(load.failures.prefix(20)), \(stage.aloft.output)")
            }
        }
    }
}
