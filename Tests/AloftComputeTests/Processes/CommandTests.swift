import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Synchronization
import Testing

@testable import AloftCompute

/// What a command printed, as it came.
final class Heard: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    private let texts = Mutex<[String]>([])

    func add(_ chunk: [UInt8]) { bytes.withLock { $0 += chunk } }
    func add(_ line: String) { texts.withLock { $0.append(line) } }
    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
    var count: Int { bytes.withLock { $0.count } }
    var lines: [String] { texts.withLock { $0 } }
}

@Suite("Commands", .serialized)
struct CommandTests {
    private func command(
        _ script: String, mark: String = "test", timeout: Duration = .seconds(20),
        environment: [EnvironmentVariable] = []
    ) -> ServiceCommand {
        ServiceCommand(
            command: Programs.shell(script).map { Template($0) },
            spec: service("web", ["unused"], environment: environment), release: 7, mark: mark, timeout: timeout)
    }

    private func pids(marked mark: String) throws -> [Int32] {
        try ProcessRow.all().filter { row in
            !row.hasEnded
                && (try? readText("/proc/\(row.pid)/environ", limit: 64 << 10))?.contains("ALOFT_COMMAND=\(mark)\0")
                    == true
        }.map(\.pid)
    }

    // MARK: once

    @Test("a migration has the release's directory and environment, and its lines are told as they come")
    func migration() async throws {
        let heard = Heard()
        let variables = [
            EnvironmentVariable(name: "GREETING", value: Template(parts: [.environment("GREETING")])),
            EnvironmentVariable(name: "URL", value: Template(parts: [.text("http://localhost:"), .port])),
        ]
        try await withRig([]) { rig, _ in
            let script = "pwd; echo $GREETING $ALOFT_SERVICE $ALOFT_RELEASE [$URL] [$PORT]; echo late >&2; exit 3"
            let result = await rig.compute.run(command(script, environment: variables)) { heard.add($0) }
            #expect(result.outcome == .exited(3) && !result.passed && result.detail == "exit code 3")
            #expect(heard.lines == ["/tmp", "hello web 7 [] []", "late"])
            #expect(result.output.text == "/tmp\nhello web 7 [] []\nlate\n")
        }
    }

    @Test("at the time limit all of it is killed, also what left its group")
    func timeLimit() async throws {
        try await withRig([]) { rig, _ in
            let script = "echo begun; setsid sleep 1011 & sleep 1012"
            let result = await rig.compute.run(command(script, mark: "limit", timeout: .milliseconds(500)))
            #expect(result.outcome == .timedOut(after: .milliseconds(500)) && result.detail == "killed after 500ms")
            #expect(result.output.text == "begun\n")
            try await eventually("nothing is left") { try pids(marked: "limit").isEmpty }
        }
    }

    @Test("at its end too, all that it started is killed, also what left its group and its session")
    func end() async throws {
        try await withRig([]) { rig, _ in
            let script = "setsid sleep 1021 & setsid sh -c 'sleep 1022 & sleep 1023' & sleep 0.1; echo over"
            let result = await rig.compute.run(command(script, mark: "end"))
            #expect(result.passed && result.output.text == "over\n")
            let left = try pids(marked: "end")
            #expect(left.isEmpty)
        }
    }

    @Test("much output is kept at both ends and all of it is told")
    func muchOutput() async throws {
        let heard = Heard()
        try await withRig([]) { rig, _ in
            let script = "i=0; while [ $i -lt 60000 ]; do echo line $i; i=$((i+1)); done"
            let result = await rig.compute.run(command(script)) { heard.add($0) }
            #expect(result.passed && heard.lines.count == 60_000 && heard.lines.last == "line 59999")
            let text = result.output.text
            #expect(text.hasPrefix("line 0\n") && text.hasSuffix("line 59999\n"))
            #expect(text.utf8.count <= 2 * KeptOutput.limit + 100 && result.output.omitted > 0)
        }
    }

    @Test("what cannot be started says why")
    func notStarted() async throws {
        try await withRig([]) { rig, _ in
            var missing = command("true")
            missing.command = [Template("no-such-program")]
            #expect(await rig.compute.run(missing).detail.contains("no program `no-such-program` in PATH"))
            var address = command("true")
            address.command = [Template(parts: [.port])]
            #expect(await rig.compute.run(address).detail.contains("has no address of its own"))
            var nowhere = command("true")
            nowhere.spec.directory = "/nowhere"
            #expect(await rig.compute.run(nowhere).detail == "there is no directory /nowhere")
            var contained = command("true")
            contained.spec.container = ContainerSpec(source: .image("x"))
            let result = await rig.compute.run(contained)
            #expect(!result.passed)
        }
    }

    @Test("what a killed daemon left of a command is ended by its mark")
    func remains() async throws {
        try await withRig([]) { rig, _ in
            async let result = rig.compute.run(command("sleep 1013 & sleep 1014", mark: "left"))
            try await eventually("it runs") { try pids(marked: "left").count >= 2 }
            #expect(try await rig.compute.endRemains(of: "left").isEmpty)
            #expect(try pids(marked: "left").isEmpty)
            #expect(await result.outcome == .signaled(SIGKILL))
        }
    }

    // MARK: beside a replica

    @Test("exec has the replica's address, says what it prints as it comes, and gives the exit code")
    func exec() async throws {
        try await withRig(targets: [SetTests.target(1)]) { rig, _ in
            #expect(await rig.compute.settled(within: .seconds(20)))
            let heard = Heard()
            let script = "echo $ALOFT_REPLICA $PORT $VERSION; echo oops >&2; exit 7"
            let outcome = try await rig.compute.exec(
                "web", index: 2, command: Programs.shell(script), timeout: .seconds(10)
            ) { heard.add($0) }
            let replica = try #require(await rig.replica("web-2"))
            guard case .port(let port)? = replica.address else { throw LaunchFailure("no port") }
            #expect(outcome == .ended(.exited(7), output: []))
            #expect(heard.text == "web-2 \(port) 1\noops\n")
        }
    }

    @Test("a command beside a replica leaves no process, wherever that went, and takes none of the replica's")
    func execLeavesNothing() async throws {
        for cgroups in [true, false] {
            let web = service("web", Programs.shell("setsid sleep 1025 & exec \(Self.httpd)"))
            try await withRig([web], cgroups: cgroups) { rig, _ in
                #expect(await rig.compute.settled(within: .seconds(20)))
                for script in ["setsid sleep 1026 & true", "setsid sleep 1026 & sleep 1026"] {
                    _ = try await rig.compute.exec(
                        "web", command: Programs.shell(script), timeout: .milliseconds(500)
                    ) { _ in }
                    #expect(try sleepers("1026").isEmpty, "cgroups: \(cgroups)")
                }
                #expect(try sleepers("1025").count == 1)
            }
            try await eventually("the replica's own is gone") { try sleepers("1025").isEmpty }
        }
    }

    private static let httpd = "busybox httpd -f -p 127.0.0.1:$PORT"

    private func sleepers(_ seconds: String) throws -> [Int32] {
        try ProcessRow.all().filter { row in
            !row.hasEnded
                && (try? readText("/proc/\(row.pid)/cmdline", limit: 200))?.hasSuffix("\0\(seconds)\0") == true
        }.map(\.pid)
    }

    @Test("exec finds the replica of a release, and refuses what is not there")
    func execRelease() async throws {
        try await withRig(targets: [SetTests.target(1, 1)]) { rig, _ in
            try await rig.compute.start(SetTests.target(2, 1), desired: 1)
            #expect(await rig.compute.settled(within: .seconds(20)))
            let heard = Heard()
            _ = try await rig.compute.exec(
                "web", release: 2, command: Programs.shell("echo $VERSION"), timeout: .seconds(10)
            ) { heard.add($0) }
            #expect(heard.text == "2\n")
            await #expect(throws: ComputeError.noReplica(service: "web", index: 9, release: nil)) {
                _ = try await rig.compute.exec("web", index: 9, command: ["x"], timeout: .seconds(1)) { _ in }
            }
            let missing = try await rig.compute.exec("web", command: ["no-such"], timeout: .seconds(1)) { _ in }
            guard case .notStarted(let reason) = missing else { throw LaunchFailure("\(missing)") }
            #expect(reason.contains("no program `no-such`"))
        }
    }

    @Test("a listener that is slow makes the command wait, and gets everything")
    func slowListener() async throws {
        try await withRig(targets: [SetTests.target(1, 1)]) { rig, _ in
            #expect(await rig.compute.settled(within: .seconds(20)))
            let heard = Heard()
            let outcome = try await rig.compute.exec(
                "web", command: Programs.shell("head -c 1000000 /dev/zero"), timeout: .seconds(20)
            ) { chunk in
                for _ in 0..<20 { await Task.yield() }
                heard.add(chunk)
            }
            #expect(outcome == .ended(.exited(0), output: []) && heard.count == 1_000_000)
        }
    }

    @Test("exec is killed at its time limit, and when nobody listens any more")
    func execEnds() async throws {
        try await withRig(targets: [SetTests.target(1, 1)]) { rig, _ in
            #expect(await rig.compute.settled(within: .seconds(20)))
            let late = try await rig.compute.exec(
                "web", command: Programs.shell("sleep 1015"), timeout: .milliseconds(300)
            ) { _ in }
            #expect(late == .timedOut(output: []))
            let heard = Heard()
            let listening = Task {
                try await rig.compute.exec(
                    "web", command: Programs.shell("echo $$; exec sleep 1016"), timeout: .seconds(60)
                ) { heard.add($0) }
            }
            try await eventually("it runs") { heard.text.hasSuffix("\n") }
            let pid = try #require(Int32(heard.text.dropLast()))
            listening.cancel()
            _ = try await listening.value
            try await eventually("it is gone") { !isAlive(pid) }
        }
    }
}
