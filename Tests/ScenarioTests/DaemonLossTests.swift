import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("The daemon is lost or told to stop")
    struct DaemonLoss {
        @Test("kill -9 of the daemon under load: replicas live, are adopted and served again within a second")
        func killedUnderLoad() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "counter", replicas: 2, probes: AppFile.answering)
                let first = try file.start(fixture)
                let before = try await first.ready(2)
                let load = Load(to: file.target)
                let report = try await load.run(clients: 4) {
                    try await eventually("the load is under way") { load.answered > 200 }
                    kill(first.pid, SIGKILL)
                    _ = try await first.child.ended()
                    for replica in before.replicas { #expect(Processes.isRunning(try #require(replica.pid))) }
                    let clock = ContinuousClock()
                    let began = clock.now
                    let served = load.served
                    let second = try Aloft.again(in: first.directory, fixture: fixture)
                    try await eventually("requests are answered again", every: .milliseconds(5)) {
                        load.served > served
                    }
                    let took = began.duration(to: clock.now)
                    print("served again \(took) after the start of the next daemon")
                    #expect(took < (Checkout.isReleaseBinary ? .seconds(1) : .seconds(3)))
                    let after = try await second.ready(2)
                    #expect(after.replicas.map(\.pid) == before.replicas.map(\.pid), "the same processes")
                    #expect(after.replicas.allSatisfy { $0.adopted && $0.restarts == 0 })
                    let (line, other) = (load.served, load.answered - load.served)
                    try await eventually("the load goes on") { load.served > line + 500 }
                    #expect(load.answered - load.served <= other + 4, "all served once the replicas are adopted")
                    try await noLineLost(second)
                }
                #expect(report.statuses.keys.allSatisfy { $0 == 200 || $0 == 503 }, "\(report.statuses)")
            }
        }

        @Test("a second daemon on the same state directory refuses, and the first one does not notice")
        func secondDaemon() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web")
                let first = try file.start(fixture)
                _ = try await first.ready(1)
                let second = try Aloft.again(in: first.directory, fixture: fixture)
                #expect(try await second.child.ended() == .exited(1), "\(second.output)")
                #expect(second.output.contains("\(first.pid)"), "it names who runs: \(second.output)")
                #expect(try await fetch("/", at: file.target).status == 200)
                #expect(try await first.status()?.pid == first.pid)
            }
        }

        @Test("SIGTERM under load: requests under way finish, then it ends with 0 and leaves nothing")
        func terminatedUnderLoad() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "slow", replicas: 2)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(2)
                let load = Load(to: file.target, request: "GET /slow?ms=600 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let report = try await load.run(clients: 16) {
                    try await eventually("the load is under way") { load.answered >= 16 }
                    aloft.child.signal(SIGTERM)
                    // drain 2 s + grace 2 s of the file, and what a debug build needs to end.
                    #expect(try await aloft.child.ended(within: .seconds(6)) == .exited(0), "\(aloft.output)")
                }
                #expect(report.bad == 0, "no request under way is lost: \(report.failures)")
                #expect(Processes.withDirectory(aloft.directory).isEmpty)
                #expect(!FileManager.default.fileExists(atPath: aloft.state + "/control.sock"))
            }
        }

        @Test("`up --detach` leaves a daemon that `status` sees and `down` ends")
        func detached() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web")
                let folder = try fixture.directory()
                try file.text.write(toFile: folder + "/aloft.yaml", atomically: true, encoding: .utf8)
                fixture.atEnd("end what still runs") { Processes.killAll(withDirectory: folder) }
                let up = try await Child.run([Checkout.aloft, "up", "--detach"], directory: folder)
                #expect(up.ending == .exited(0), "\(up.output)")
                let json = try await Child.run([Checkout.aloft, "status", "--json"], directory: folder)
                let status = try Status(json: json.output)
                #expect(Processes.isRunning(status.pid))
                try await eventually("it serves") {
                    (try? await fetch("/", at: file.target))?.status == 200  // refused until the edge listens
                }
                let down = try await Child.run([Checkout.aloft, "down"], directory: folder)
                #expect(down.ending == .exited(0), "\(down.output)")
                #expect(!Processes.isRunning(status.pid))
                #expect(Processes.withDirectory(folder).isEmpty)
            }
        }

        /// Every replica's numbered lines are in the logs without a gap, across both daemons.
        private func noLineLost(_ aloft: Aloft) async throws {
            for replica in ["web-1", "web-2"] {
                let numbers = try await eventually("\(replica) prints lines after the crash as well") {
                    let logs = try await aloft.command(
                        "logs", "--replica", replica, "--json", "--tail", "100000")
                    let numbers = logs.output.split(separator: "\n")
                        .compactMap { line in line.firstMatch(of: #/"line ([0-9]+)"/#).flatMap { Int($0.1) } }
                    return numbers.count > 400 ? numbers : nil
                }
                let (first, last) = try (#require(numbers.min()), #require(numbers.max()))
                #expect(first == 0)
                let missing = Set(first...last).subtracting(numbers)
                #expect(missing.isEmpty, "\(replica) lost the lines \(missing.sorted().prefix(20))")
            }
        }
    }
}
