import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Bad releases", .timeLimit(.minutes(5)))
    struct BadReleases {
        private static let analysis = """
            strategy: canary
            steps: [{weight: 5%, for: 1m}]
            analysis: {interval: 2s, minRequests: 50, maxErrorRate: 5%}
            """

        @Test(
            "20% errors at 5%: back at 0% within two intervals after minRequests, under 1% of all requests failed",
            arguments: Driver.allCases)
        func errors(_ driver: Driver) async throws {
            try await withFixture { fixture in
                let stage = try await DeployStage.start(driver, deploy: Self.analysis, fixture)
                let load = try await stage.load(rate: 1000)
                try await load.reports("version 0 answers") { $0.count(of: 0) > 500 }
                let first = try #require(try load.report)
                let answer = try await stage.attempt(version: 1, ["ERRORS": "20"])
                let last = try await load.reports("it goes on") { $0.requests > first.requests }
                #expect(answer.ending == .exited(1) && answer.output.contains("rolledBack"), "\(answer.output)")
                try await stage.only(0)
                let end = try await load.finish()

                let times = try load.history
                let enough = try #require(times.first { $0.count(of: 1) >= 50 })
                let back = try #require(times.first { $0.count(of: 1) == end.count(of: 1) })
                let took = back.seconds - enough.seconds
                let (all, failed) = (last.requests - first.requests, last.lost - first.lost)
                let share = Double(failed) / Double(all)
                print(
                    """
                    \(driver.rawValue): version 1 answered \(end.count(of: 1)) requests, the last one \(took) s after \
                    its fiftieth; while it was deployed \(failed) of \(all) requests failed, \(share * 100)%
                    """)
                #expect(took <= 4, "two intervals of 2 s")
                #expect(share < 0.01)
                // Those of version 1, and no other one.
                #expect(end.lost == end.statuses["500"] && end.failed == 0, "\(end), \(load.failures.prefix(5))")
                #expect(end.lost <= end.count(of: 1) / 5 + 1)
                try await oneFailure(stage, because: "% errors (")
            }
        }

        enum Kind: String, Sendable, CaseIterable, CustomTestStringConvertible {
            case canary, blueGreen, rolling

            var testDescription: String { rawValue }

            /// It lives for less than the new release is watched.
            var keys: String {
                switch self {
                case .canary: "strategy: canary\nsteps: [{weight: 5%, for: 1m}]"
                case .blueGreen: "strategy: blueGreen\nblueGreen: {keep: 1m}\nwatch: 1m"
                case .rolling:
                    """
                    strategy: rolling
                    watch: 1m
                    analysis: {interval: 10s, minRequests: 100000, maxErrorRate: 90%}
                    """
                }
            }
        }

        @Test(
            "a version that crashes after some seconds makes way for the one before",
            arguments: zip(Kind.allCases + [.canary], [3, 3, 3, 30]))
        func crashes(_ kind: Kind, seconds: Int) async throws {
            try await goesBack(kind, .process, ["CRASH_MS": "\(seconds * 1000)"])
        }

        @Test("a container that crashes after some seconds makes way for the one before")
        func containerCrashes() async throws { try await goesBack(.canary, .container, ["CRASH_MS": "3000"]) }

        @Test("a version whose probe passes and then flaps makes way for the one before", arguments: Kind.allCases)
        func flaps(_ kind: Kind) async throws { try await goesBack(kind, .process, ["FLAP_MS": "1500"]) }

        private func goesBack(_ kind: Kind, _ driver: Driver, _ variables: [String: String]) async throws {
            try await withFixture { fixture in
                let stage = try await DeployStage.start(driver, deploy: kind.keys, fixture)
                let load = try await stage.load(rate: 500)
                try await load.reports("version 0 answers") { $0.count(of: 0) > 100 }
                let answer = try await stage.attempt(version: 1, variables)
                #expect(answer.ending == .exited(1) && answer.output.contains("rolledBack"), "\(answer.output)")
                try await stage.only(0)
                let report = try await load.finish()
                let share = Double(report.lost) / Double(report.requests)
                print(
                    "\(kind.rawValue), \(driver.rawValue), \(variables): \(report.lost) of \(report.requests) requests "
                        + "failed; \(report.count(of: 1)) were answered by version 1")
                #expect(report.count(of: 1) > 0, "it had requests")
                // Of a rolling deploy nothing of the old release is left that could take over.
                if kind != .rolling { #expect(report.lost == 0, "\(share), \(load.failures.prefix(10))") }
                try await oneFailure(stage, because: "web-")
            }
        }

        @Test("a version that is never ready is never sent a request", arguments: Kind.allCases)
        func neverReady(_ kind: Kind) async throws {
            try await withFixture { fixture in
                let stage = try await DeployStage.start(.process, deploy: kind.keys + "\nprogressDeadline: 2s", fixture)
                let load = try await stage.load(rate: 500)
                let answer = try await stage.attempt(version: 1, ["READY": "no"])
                #expect(answer.ending == .exited(1) && answer.output.contains("rolledBack"), "\(answer.output)")
                try await stage.only(0)
                let report = try await load.finish()
                #expect(report.lost == 0 && report.count(of: 1) == 0, "\(report), \(load.failures.prefix(10))")
                try await oneFailure(stage, because: "ready")
            }
        }

        @Test("both versions fail: frozen, said once, and nothing flaps", arguments: Driver.allCases)
        func bothFail(_ driver: Driver) async throws {
            try await withFixture { fixture in
                let stage = try await DeployStage.start(
                    driver, deploy: Self.analysis, environment: ["ERRORS": "20"], fixture)
                let load = try await stage.load(rate: 1000)
                let answer = try await stage.attempt(version: 1)
                #expect(answer.ending == .exited(1) && answer.output.contains("frozen"), "\(answer.output)")
                let frozen = try await stage.rollout("frozen") { $0?.phase == "frozen" }
                #expect(frozen.services[0].rollout?.weight == 5)
                // Ten times as many requests as a judgement takes.
                let then = try #require(try load.report)
                let later = try await load.reports("both answer") { $0.count(of: 1) > then.count(of: 1) + 500 }
                let still = try await stage.rollout("still frozen") { $0 != nil }
                #expect(still.services[0].rollout?.phase == "frozen" && still.services[0].rollout?.weight == 5)
                #expect(still.replicas.map(\.pid) == frozen.replicas.map(\.pid))
                #expect(later.failed == 0 && later.answered == later.ok + (later.statuses["500"] ?? 0))
                let errors = try await stage.events().filter { $0.contains("\"error\"") }
                #expect(errors.count == 1 && errors[0].contains("rollout.frozen"), "\(errors)")
                #expect(try await stage.aloft.command("abort", "web").ending == .exited(0))
                try await stage.only(0)
            }
        }

        /// One event of severity error about the rollout, and the release's end in the history.
        private func oneFailure(_ stage: DeployStage, because reason: String) async throws {
            let errors = try await stage.events().filter { $0.contains("\"error\"") && $0.contains("\"rollout.") }
            #expect(errors.count == 1, "\(errors)")
            #expect(
                errors.first?.contains("rollout.failed") == true && errors.first?.contains(reason) == true, "\(errors)")
            let history = try await stage.aloft.command("history", "web", "--json").output
            #expect(history.contains("rolledBack"), "\(history)")
        }
    }
}
