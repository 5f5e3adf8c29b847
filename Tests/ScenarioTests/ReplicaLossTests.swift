import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("A replica is lost")
    struct ReplicaLoss {
        @Test("kill -9 of one of three replicas under load fails no idempotent request; it comes back when ready")
        func killedUnderLoad() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", replicas: 3, probes: AppFile.answering)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(3)
                let load = Load(to: file.target)
                let report = try await load.run(clients: 8) {
                    for round in 1...3 {
                        let before = load.answered
                        try await eventually("the load is under way") { load.answered > before + 200 }
                        try await killAndAwaitReturn(of: "web-\(round)", aloft)
                    }
                }
                #expect(report.bad == 0, "\(report.failures)")
                #expect(report.refused == 0)
                #expect(report.answered > 600)
            }
        }

        @Test("a replica that hangs leaves rotation, and requests go to the others")
        func hangs() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", replicas: 2, probes: AppFile.answering)
                let aloft = try file.start(fixture)
                let pid = try #require(try await aloft.ready(2)[replica: "web-1"]?.pid)
                kill(pid, SIGSTOP)
                fixture.atEnd("let it go on") { kill(pid, SIGCONT) }
                let status = try await aloft.status("web-1 leaves rotation") {
                    $0[replica: "web-1"]?.state == "unready"
                }
                let replica = try #require(status[replica: "web-1"])
                #expect("\(replica.reason ?? "") \(replica.probe ?? "")".contains("timed out"), "\(replica)")
                for _ in 0..<20 { #expect(try await fetch("/", at: file.target).status == 200) }
                kill(pid, SIGCONT)
                _ = try await aloft.ready(2)
            }
        }

        @Test("with no replica left the edge answers 503 with Retry-After")
        func noneLeft() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "never_ready", probes: AppFile.answering)
                let aloft = try file.start(fixture)
                _ = try await aloft.status("it runs") { $0.replicas.contains { $0.pid != nil } }
                let answer = try await fetch("/", at: file.target)
                #expect(answer.status == 503)
                #expect(answer["retry-after"].flatMap { Int($0) } != nil)
            }
        }

        private func killAndAwaitReturn(of name: String, _ aloft: Aloft) async throws {
            let before = try #require(try await aloft.status()?[replica: name])
            kill(try #require(before.pid), SIGKILL)
            _ = try await aloft.status("\(name) is back") { status in
                status[replica: name].map { $0.inRotation && $0.generation > before.generation } ?? false
            }
        }
    }
}
