import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("What two releases print")
    struct ReleaseLogs {
        @Test("replicas of the same name in two releases print side by side, and no line of either is lost")
        func sideBySide() async throws {
            try await withFixture { fixture in
                var app = try await ShippingApp(fixture)
                app.replicas = 1
                app.program = """
                    command:
                          - sh
                          - -c
                          - 'while :; do i=$((i+1)); echo version $VERSION says $i; sleep 0.02; done & exec ./version'
                    """
                _ = try await app.up()
                app.deploy = "strategy: canary\nsteps: [{weight: 50%, for: 1s}, {approve: ops}]"
                #expect(try await app.deploy(version: 2, "--no-wait").ending == .exited(0))
                _ = try await app.rollout("both run") { $0.phase == "waiting" }
                let sofar = try await (lines(1, of: app).count, lines(2, of: app).count)
                try await eventually("both are read on") {
                    let now = try await (lines(1, of: app).count, lines(2, of: app).count)
                    return now.0 > sofar.0 + 20 && now.1 > sofar.1 + 20
                }
                let said = try await app.run("approve", "--wait")
                #expect(said.ending == .exited(0), "\(said.output)")
                for version in 1...2 {
                    let numbers = try await lines(version, of: app)
                    #expect(numbers == Array(1...numbers.count), "version \(version): each once, in order")
                }
            }
        }

        /// The numbers that a version printed, as they are in the logs.
        private func lines(_ version: Int, of app: ShippingApp) async throws -> [Int] {
            let said = try await app.run("logs", "web", "--tail", "100000")
            return said.output.split(separator: "\n").compactMap { line in
                guard let match = line.firstMatch(of: #/version ([0-9]) says ([0-9]+)$/#) else { return nil }
                return match.1 == "\(version)" ? Int(match.2) : nil
            }
        }
    }
}
