import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Scaling")
    struct Scaling {
        @Test("replicas follow the requests of the edge up and down again, and every change says why")
        func followsRequests() async throws {
            try await withFixture { fixture in
                let file = try scaled(
                    """
                    minReplicas: 1
                    maxReplicas: 3
                    metrics: [{requestsPerReplica: 50/s}]
                    behavior:
                      scaleUp: {stabilizationWindow: 0s}
                      scaleDown: {stabilizationWindow: 3s, maxStep: 1}
                    """)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                let load = Load(to: file.target)
                let report = try await load.run(clients: 4) {
                    let grown = try await aloft.status("three replicas", within: .seconds(60)) {
                        $0.services[0].ready == 3
                    }
                    let scaling = try #require(grown.services[0].scaling)
                    #expect(scaling.metrics.map(\.name) == ["requests"])
                    #expect(scaling.metrics[0].current?.hasSuffix("/s") == true, "\(scaling.metrics)")
                    #expect(scaling.reason.hasPrefix("3"), "\(scaling.reason)")
                }
                #expect(report.bad == 0, "\(report.failures.prefix(3))")
                _ = try await aloft.status("one replica again", within: .seconds(60)) {
                    $0.services[0].desired == 1 && $0.replicas.count == 1
                }
                let events = try await aloft.command("events", "--json").output
                let changes = events.split(separator: "\n").filter { $0.contains("service.scaled") }
                #expect(changes.count >= 3, "up, and down one at a time: \(changes)")
                #expect(changes.allSatisfy { $0.contains("requests") }, "\(changes)")
            }
        }

        @Test("an idle service goes to zero; its first requests wait for a replica and are all answered")
        func idle() async throws {
            try await withFixture { fixture in
                let file = try scaled(
                    """
                    minReplicas: 1
                    maxReplicas: 2
                    idle: {after: 2s, to: 0, maxPending: 20, maxWait: 20s}
                    """)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                for _ in 1...2 {
                    #expect(try await fetch("/", at: file.target).status == 200)
                    _ = try await aloft.status("no replica", within: .seconds(40)) {
                        $0.services[0].desired == 0 && $0.replicas.isEmpty
                    }
                    let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                        for _ in 0..<10 { group.addTask { try await fetch("/", at: file.target).status } }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(answers == Array(repeating: 200, count: 10))
                    let back = try #require(try await aloft.status())
                    #expect(back.services[0].ready >= 1)
                }
                let events = try await aloft.command("events", "--json").output
                #expect(events.contains("1 → 0 replicas"), "\(events.suffix(2000))")
                #expect(events.contains("0 → 1 replicas"))
            }
        }

        @Test("the number survives kill -9 of the daemon, and `aloft scale` stays within the bounds")
        func survives() async throws {
            try await withFixture { fixture in
                let file = try scaled("minReplicas: 1\nmaxReplicas: 4")
                let first = try file.start(fixture)
                _ = try await first.ready(1)
                #expect(try await first.command("scale", "web", "3").ending == .exited(0))
                let before = try await first.ready(3)
                #expect(try await first.command("scale", "web", "5").ending == .exited(2))
                kill(first.pid, SIGKILL)
                _ = try await first.child.ended()
                let second = try Aloft.again(in: first.directory, fixture: fixture)
                let after = try await second.ready(3)
                #expect(after.replicas.map(\.pid) == before.replicas.map(\.pid))
            }
        }

        private func scaled(_ scaling: String) throws -> AppFile {
            let lines = scaling.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n")
            return try AppFile(
                """
                  web:
                    command: [python3, \(AppFile.apps)/web.py]
                    probes: \(AppFile.listening)
                    stop: {drain: 2s, grace: 2s}
                    scaling:
                \(lines)
                """)
        }
    }
}
