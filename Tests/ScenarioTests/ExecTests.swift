import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Beside a replica")
    struct Exec {
        @Test("`exec` runs in the replica's folder and environment, passes output and exit code on")
        func environment() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", replicas: 2, extra: "env: {COLOR: green}")
                let aloft = try file.start(fixture)
                let status = try await aloft.ready(2)
                let second = try #require(status.replicas.first { $0.name == "web-2" })
                let address = try #require(second.address)
                let shell = "echo $COLOR $ALOFT_REPLICA $PORT; pwd; echo problem >&2; exit 7"
                let run = try await aloft.command("exec", "web", "--replica", "2", "--", "sh", "-c", shell)
                #expect(run.ending == .exited(7), "\(run.output)")
                let port = address.split(separator: ":").last ?? ""
                #expect(run.output.contains("green web-2 \(port)"), "\(run.output)")
                #expect(run.output.contains("problem"))
                let long = try await aloft.command(
                    "exec", "web", "--", "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x")
                #expect(long.ending == .exited(0))
                #expect(long.output.utf8.count == 3_000_000)
            }
        }

        @Test("a command that is not there, a service that is not there and a time limit are clear errors")
        func refused() async throws {
            try await withFixture { fixture in
                let aloft = try AppFile(app: "web").start(fixture)
                _ = try await aloft.ready(1)
                let unknown = try await aloft.command("exec", "webb", "--", "true")
                #expect(unknown.ending == .exited(2) && unknown.output.contains("webb"), "\(unknown.output)")
                let missing = try await aloft.command("exec", "web", "--", "no-such-program")
                #expect(missing.ending == .exited(1) && missing.output.contains("no-such-program"), "\(missing.output)")
                let slow = try await aloft.command(
                    "exec", "web", "--timeout", "1s", "--", "sh", "-c", "sleep 300 & echo $!; sleep 300")
                #expect(slow.ending == .exited(1) && slow.output.contains("time limit"), "\(slow.output)")
                let child = try #require(slow.output.split(separator: "\n").first.flatMap { pid_t($0) })
                try await eventually("what it started has ended") { !Processes.isRunning(child) }
            }
        }

        @Test("`scale --wait` comes back once the replicas are ready; a new one that never is fails it")
        func waits() async throws {
            try await withFixture { fixture in
                let file = try AppFile(
                    AppFile.service(app: "web").replacingOccurrences(
                        of: "replicas: 1", with: "scaling: {minReplicas: 1, maxReplicas: 3}"))
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                #expect(try await aloft.command("scale", "web", "3", "--wait").ending == .exited(0))
                let status = try #require(try await aloft.status())
                #expect(status.services[0].ready == 3)
            }
        }
    }
}
