import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Reload")
    struct Reload {
        @Test("under load loses no request, and takes effect")
        func underLoad() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web", replicas: 2)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(2)
                let load = Load(to: file.target)
                let report = try await load.run(clients: 8) {
                    for round in 1...10 {
                        let before = load.answered
                        try await eventually("the load is under way") { load.answered > before + 50 }
                        file.edge = "headers: {set: {X-Round: \"\(round)\"}}"
                        try write(file, aloft)
                        let reload = try await aloft.command("reload")
                        #expect(reload.ending == .exited(0), "\(reload.output)")
                        #expect(try await fetch("/", at: file.target)["x-round"] == "\(round)")
                    }
                }
                #expect(report.bad == 0, "\(report.failures)")
                #expect(report.refused == 0)
            }
        }

        @Test("by SIGHUP takes effect")
        func hangup() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web")
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                file.edge = "headers: {set: {X-Round: again}}"
                try write(file, aloft)
                aloft.child.signal(SIGHUP)
                try await eventually("the new file is in force") {
                    try await fetch("/", at: file.target)["x-round"] == "again"
                }
            }
        }

        @Test("of a service's command replaces its replicas under load without a lost request")
        func newCommand() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web", replicas: 2, probes: AppFile.answering)
                let aloft = try file.start(fixture)
                let before = try await aloft.ready(2).replicas.compactMap(\.pid)
                let load = Load(to: file.target)
                let report = try await load.run(clients: 8) {
                    try await eventually("the load is under way") { load.answered > 100 }
                    file.services = AppFile.service(
                        app: "web", replicas: 2, probes: AppFile.answering, extra: "env: {RELEASE: \"2\"}")
                    try write(file, aloft)
                    let reload = try await aloft.command("reload")
                    #expect(reload.ending == .exited(0), "\(reload.output)")
                    _ = try await aloft.status("other processes serve") { status in
                        let ready = status.replicas.filter(\.inRotation).compactMap(\.pid)
                        return ready.count == 2 && Set(ready).isDisjoint(with: before)
                    }
                }
                #expect(report.bad == 0, "\(report.failures)")
                #expect(report.refused == 0)
                for pid in before { #expect(!Processes.isRunning(pid)) }
            }
        }

        @Test("a bad file changes nothing and says why")
        func badFile() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web")
                let aloft = try file.start(fixture)
                let before = try await aloft.ready(1)
                let bad = file.text.replacingOccurrences(of: "replicas: 1", with: "replica: 1")
                try bad.write(toFile: aloft.directory + "/aloft.yaml", atomically: true, encoding: .utf8)
                let reload = try await aloft.command("reload")
                #expect(reload.ending == .exited(2), "\(reload.output)")
                #expect(reload.output.contains("did you mean `replicas`"), "\(reload.output)")
                #expect(reload.output.contains("aloft.yaml:6:"), "\(reload.output)")
                let after = try #require(try await aloft.status())
                #expect(after.digest == before.digest)
                #expect(after.replicas.map(\.pid) == before.replicas.map(\.pid))
                #expect(try await fetch("/", at: file.target).status == 200)
            }
        }

        @Test("1 000 in a row under load: nothing is lost, memory and open files stay flat")
        func thousand() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web")
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                let load = Load(to: file.target)
                let report = try await load.run(clients: 2) {
                    try await reload(200, &file, aloft)
                    let memory = try Processes.residentBytes(aloft.pid)
                    let files = try Processes.openFiles(aloft.pid)
                    try await reload(800, &file, aloft)
                    let growth = try Processes.residentBytes(aloft.pid) - memory
                    print("800 reloads: resident memory \(memory >> 10) KiB, grew by \(growth >> 10) KiB")
                    #expect(growth < 12 << 20, "grew by \(growth >> 10) KiB")
                    #expect(try Processes.openFiles(aloft.pid) <= files + 8)
                }
                #expect(report.bad == 0, "\(report.failures)")
                #expect(report.refused == 0)
            }
        }

        private func reload(_ count: Int, _ file: inout AppFile, _ aloft: Aloft) async throws {
            for number in 0..<count {
                file.edge = "headers: {set: {X-Round: \"\(number % 2)\"}}"
                try write(file, aloft)
                let answer = try await onThread { [socket = aloft.state + "/control.sock"] in
                    let connection = try RawConnection(to: .unix(socket))
                    try connection.send(
                        "POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return try connection.answer()
                }
                try #require(answer.status == 200, "\(answer.text)")
            }
        }

        private func write(_ file: AppFile, _ aloft: Aloft) throws {
            try file.text.write(toFile: aloft.directory + "/aloft.yaml", atomically: true, encoding: .utf8)
        }
    }
}
