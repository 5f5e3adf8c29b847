import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Life of a replica, whatever runs it", .serialized)
struct LifecycleTests {
    @Test("ready once it accepts connections; nothing is left after the stop", arguments: Runner.available)
    func life(runner: Runner) async throws {
        try await withRig([runner.service(runner.httpd, replicas: 2)]) { rig, _ in
            let first = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let second = try await rig.replica("web-2", "is ready") { $0.state == .ready }
            for status in [first, second] {
                guard case .port(let port)? = status.address else {
                    Issue.record("no port: \(status)")
                    return
                }
                _ = try await LocalConnection(to: .port(port))
                #expect(isAlive(status.pid ?? 0) && status.restarts == 0 && status.lastExit == nil)
            }
            await rig.compute.stopAll()
            #expect(!isAlive(first.pid ?? 0) && !isAlive(second.pid ?? 0))
            if runner == .container { #expect(try TestImage.containers(rig.directory).isEmpty) }
        }
    }

    @Test("its environment is what the file says and where it answers", arguments: Runner.available)
    func environment(runner: Runner) async throws {
        let variables = [
            EnvironmentVariable(name: "COLOR", value: Template("two\nlines")),
            EnvironmentVariable(name: "SAID", value: Template(parts: [.environment("GREETING"), .text("!")])),
            EnvironmentVariable(name: "HOME", value: Template("/home/app")),
        ]
        let command = Programs.shell("env; echo end; exec sleep 1000")
        try await withRig([runner.service(command, environment: variables)]) { rig, _ in
            let text = try await eventually("it printed") {
                let text = (try? readSpool("\(rig.directory)/run/web-1.1/stdout")) ?? ""
                return text.hasSuffix("end\n") ? text : nil
            }
            for line in ["COLOR=two\nlines\n", "SAID=hello!\n", "HOME=/home/app\n", "ALOFT_REPLICA=web-1\n"] {
                #expect(text.contains(line))
            }
            #expect(text.contains("PORT=") && !text.contains("ALOFT_CONTAINER_ENGINE"))
            if runner == .container { #expect(!text.contains("LANG=")) }
        }
    }

    @Test("exits at once: backs off, with its exit code and its last words", arguments: Runner.available)
    func exitsAtOnce(runner: Runner) async throws {
        let command = Programs.shell("echo cannot find the database >&2; echo giving up; exit 3")
        try await withRig([runner.service(command)]) { rig, _ in
            let status = try await rig.replica("web-1", "restarted twice", within: .seconds(60)) {
                $0.restarts >= 2 && $0.state == .backingOff
            }
            #expect(status.lastExit?.cause == .code(3))
            #expect(status.lastExit?.lastLines == ["giving up"])
            #expect(rig.recorder.endpoints.isEmpty)
        }
    }

    @Test("killed from outside: named as such, and started again on the same port", arguments: Runner.available)
    func killed(runner: Runner) async throws {
        try await withRig([runner.service(runner.httpd)]) { rig, _ in
            let first = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            kill(try #require(first.pid), SIGKILL)
            let second = try await rig.replica("web-1", "is ready again") {
                $0.state == .ready && $0.pid != first.pid
            }
            #expect(second.lastExit?.cause == .signal(9))
            #expect(second.restarts == 1 && second.address == first.address)
        }
    }

    @Test("ignores SIGTERM: killed when the grace is over", arguments: Runner.available)
    func ignoresTerm(runner: Runner) async throws {
        let command = Programs.shell("trap '' TERM; echo deaf; while :; do sleep 1; done")
        let stop = StopSpec(drain: .zero, grace: .milliseconds(300))
        try await withRig([runner.service(command, stop: stop)]) { rig, _ in
            let pid = try #require(try await rig.replica("web-1", "runs") { $0.pid != nil }.pid)
            try await eventually("it ignores SIGTERM") {
                try readSpool("\(rig.directory)/run/web-1.1/stdout") == "deaf\n"
            }
            let clock = ContinuousClock()
            let time = await clock.measure { await rig.compute.stopAll() }
            #expect(time >= .milliseconds(300) && time < .seconds(10))
            #expect(!isAlive(pid))
            #expect(rig.recorder.events("replica.killed").count == 1)
        }
    }

    @Test("ends by itself at SIGTERM, and its last words are read", arguments: Runner.available)
    func endsAtTerm(runner: Runner) async throws {
        let script = "trap 'echo good bye; exit 0' TERM; \(runner.httpdScript) & while :; do wait; done"
        try await withRig([runner.service(Programs.shell(script))]) { rig, _ in
            let status = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            await rig.compute.stopAll()
            #expect(rig.recorder.events("replica.killed").isEmpty)
            #expect(rig.recorder.events("replica.stopped").count == 1, "\(rig.log)")
            #expect(rig.recorder.state.withLock { $0.output[status.id] } == "good bye\n")
        }
    }

    @Test("children do not survive a leader that dies by itself", arguments: Runner.available)
    func leaderDies(runner: Runner) async throws {
        let command = Programs.shell("sleep 1003 & exec \(runner.httpdScript)")
        try await withRig([runner.service(command)]) { rig, _ in
            let leader = try #require(try await rig.replica("web-1", "is ready") { $0.state == .ready }.pid)
            let child = try await eventually("it has its child") {
                try ProcessRow.all().first { $0.parent == leader && !$0.hasEnded }?.pid
            }
            kill(leader, SIGKILL)
            _ = try await rig.replica("web-1", "is ready again") { $0.state == .ready && $0.pid != leader }
            #expect(!isAlive(child))
        }
    }

    @Test("floods its output: stays in rotation, the spool file takes all of it", arguments: Runner.available)
    func floods(runner: Runner) async throws {
        let command = Programs.shell("yes flood | head -c 20000000 & exec \(runner.httpdScript)")
        try await withRig([runner.service(command)]) { rig, _ in
            _ = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            try await eventually("all of it is in the file") {
                try readText("\(rig.directory)/run/web-1.1/stdout", limit: 30_000_000).utf8.count == 20_000_000
            }
            #expect(await rig.replica("web-1")?.state == .ready)
        }
    }

    @Test("restart policy onFailure: exit code 0 stays ended, and is settled", arguments: Runner.available)
    func onFailure(runner: Runner) async throws {
        try await withRig([runner.service(Programs.shell("exit 0"), policy: .onFailure)]) { rig, _ in
            #expect(await rig.compute.settled("web", within: .seconds(20)))
            let status = try await rig.replica("web-1", "has ended") { $0.state == .done }
            #expect(status.restarts == 0 && status.lastExit?.cause == .code(0))
        }
    }

    @Test("over its memory limit: killed, and the kill is named", arguments: Runner.available)
    func outOfMemory(runner: Runner) async throws {
        guard LimitTests.cgroupsAreWritable() else { return print("no cgroup with a memory controller here") }
        let hog = Programs.shell("x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done")
        let resources = Resources(limits: .init(memory: .mebibytes(24)))
        try await withRig([runner.service(hog, resources: resources)]) { rig, _ in
            let status = try await rig.replica("web-1", "was killed") { $0.lastExit != nil }
            #expect(status.lastExit?.cause == .outOfMemory(limit: .mebibytes(24)))
        }
    }

    @Test("usage is measured over all its processes", arguments: Runner.available)
    func usage(runner: Runner) async throws {
        let command = Programs.shell("\(runner.httpdScript) & while :; do :; done")
        let resources = Resources(limits: .init(cpu: CPUQuantity(millicores: 500)))
        try await withRig([runner.service(command, resources: resources)]) { rig, _ in
            let first = try await rig.replica("web-1", "is measured") {
                ($0.usage?.cpuNanoseconds ?? 0) > 50_000_000 && $0.usage?.processes == 2
            }
            #expect((first.usage?.memoryBytes ?? 0) > 100_000)
            let second = try await rig.replica("web-1", "is measured again") { ($0.usage?.cores ?? 0) > 0.1 }
            // Rootless podman on cgroup v1 holds nobody to limits, and the status says so.
            if runner == .process || second.enforcement != .none { #expect((second.usage?.cores ?? 0) < 0.75) }
        }
    }
}
