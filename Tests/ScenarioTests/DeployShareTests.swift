import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Shares of a canary", .timeLimit(.minutes(5)))
    struct DeployShare {
        /// Three standard deviations of a share of so many requests.
        private static func deviation(_ share: Double, of requests: Int) -> Double {
            3 * (Double(requests) * share * (1 - share)).squareRoot()
        }

        private static let keys = "strategy: canary\nsteps: [{weight: 5%, for: 1h}]"

        private func canary(
            _ driver: Driver, keys: String, _ fixture: Fixture
        ) async throws -> DeployStage {
            let stage = try await DeployStage.start(driver, deploy: Self.keys + keys, fixture)
            try await stage.begin(version: 1)
            try await stage.rollout("5%") { $0?.weight == 5 && $0?.phase == "shifting" }
            return stage
        }

        @Test("5% of 10 000 requests are 500, within three standard deviations", arguments: Driver.allCases)
        func share(_ driver: Driver) async throws {
            try await withFixture { fixture in
                let stage = try await canary(driver, keys: "", fixture)
                let report = try await stage.load(rate: 2000, requests: 10_000).ended()
                let bound = Self.deviation(0.05, of: 10_000)
                print("\(driver.rawValue): \(report.count(of: 1)) of 10 000 requests, wanted 500 ± \(bound)")
                #expect(report.lost == 0)
                #expect(abs(Double(report.count(of: 1)) - 500) <= bound, "\(report.versions)")
                #expect(report.count(of: 0) + report.count(of: 1) == 10_000)
            }
        }

        @Test("a header or a cookie sends to either version, whatever the share", arguments: Driver.allCases)
        func forced(_ driver: Driver) async throws {
            try await withFixture { fixture in
                let force = "\ncanary: {force: {header: x-release, cookie: release}}"
                let stage = try await canary(driver, keys: force, fixture)
                for (value, version) in [("canary", 1), ("stable", 0)] {
                    for line in ["X-Release: \(value)", "Cookie: a=b; release=\(value); c=d"] {
                        for _ in 0..<40 { #expect(try await stage.ask([line]).version == version, "\(line)") }
                    }
                }
                let load = try await stage.load(rate: 1000, requests: 2000, headers: ["X-Release: canary"]).ended()
                #expect(load.versions == ["1": 2000] && load.lost == 0, "\(load)")
                // Another value chooses nothing.
                let other = try await stage.load(rate: 1000, requests: 2000, headers: ["X-Release: blue"]).ended()
                let bound = Self.deviation(0.05, of: 2000)
                #expect(abs(Double(other.count(of: 1)) - 100) <= bound, "\(other.versions)")
            }
        }

        @Test("a user stays on one version, and 5% of the users are on the new one")
        func sticky() async throws {
            try await withFixture { fixture in
                let stage = try await canary(.process, keys: "\ncanary: {sticky: {cookie: session}}", fixture)
                let users = 1000
                var onNew = 0
                for user in 0..<users {
                    let versions = try await visits(stage, user, times: 4)
                    #expect(versions.count == 1, "user \(user) saw \(versions)")
                    if versions.contains(1) { onNew += 1 }
                }
                print("\(onNew) of \(users) users are on the new version")
                #expect(abs(Double(onNew) - 50) <= Self.deviation(0.05, of: users))
            }
        }

        /// Versions that one user sees, over kept-alive and new connections.
        private func visits(_ stage: DeployStage, _ user: Int, times: Int) async throws -> Set<Int> {
            let target = stage.file.target
            return try await onThread {
                var versions: Set<Int> = []
                for _ in 0..<2 {
                    let connection = try RawConnection(to: target)
                    for _ in 0..<times / 2 {
                        try connection.send("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: session=user-\(user)\r\n\r\n")
                        let answer = try connection.answer()
                        versions.insert(answer["x-version"].flatMap { Int($0) } ?? -1)
                    }
                }
                return versions
            }
        }
    }
}
