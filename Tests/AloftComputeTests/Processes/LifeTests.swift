import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Life of a process", .serialized)
struct LifeTests {
    @Test("is in rotation only once its port accepts connections, and soon after it does")
    func ready() async throws {
        let script =
            "import http.server,os,time; time.sleep(0.3); "
            + "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.BaseHTTPRequestHandler)"
            + ".serve_forever()"
        try await withRig([service("web", Programs.python(script))]) { rig, _ in
            let status = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            guard case .port(let port)? = status.address else {
                Issue.record("no port: \(status)")
                return
            }
            _ = try await LocalConnection(to: .port(port))
            #expect(rig.recorder.endpoints == [Endpoint(replica: status.id, address: .port(port))])
            #expect(status.restarts == 0 && status.lastExit == nil && status.current && !status.adopted)
        }
    }

    @Test("gets exactly the environment that the file says, and its own process group")
    func environment() async throws {
        let variables = [
            EnvironmentVariable(name: "COLOR", value: Template("blue")),
            EnvironmentVariable(name: "SAID", value: Template(parts: [.environment("GREETING"), .text("!")])),
        ]
        let command = Programs.shell("env | sort; readlink /proc/self/fd/0; ls /proc/self/fd | wc -l; exec sleep 1000")
        try await withRig([service("web", command, environment: variables)]) { rig, _ in
            let status = try await rig.replica("web-1", "runs") { $0.pid != nil }
            let pid = try #require(status.pid)
            let text = try await eventually("it printed") {
                let text = try readSpool("\(rig.directory)/run/web-1.1/stdout")
                return text.split(separator: "\n").last.flatMap { Int($0) } != nil ? text : nil
            }
            guard case .port(let port)? = status.address else { return }
            let names = text.split(separator: "\n").filter {
                $0.contains("=") && !$0.hasPrefix("SHLVL") && !$0.hasPrefix("PWD")
            }
            let home = TestEngine.environment["HOME"] ?? "/root"
            #expect(
                names.map(String.init) == [
                    "ALOFT_REPLICA=web-1", "ALOFT_SERVICE=web", "COLOR=blue", "HOME=\(home)", "LANG=C.UTF-8",
                    "PATH=/usr/bin:/bin", "PORT=\(port)", "SAID=hello!",
                ])
            #expect(text.contains("/dev/null"))
            // 0, 1, 2 and the one that `ls` opened.
            #expect(text.hasSuffix("4\n"))
            #expect(try ProcessRow(pid: pid).group == pid)
        }
    }

    @Test("exits at once: backs off longer and longer, and says what it printed last")
    func exitsAtOnce() async throws {
        let command = Programs.shell("echo cannot find the database >&2; echo giving up; exit 3")
        try await withRig([service("web", command)]) { rig, _ in
            let status = try await rig.replica("web-1", "restarted twice") {
                $0.restarts >= 2 && $0.state == .backingOff
            }
            #expect(status.lastExit?.cause == .code(3))
            #expect(status.lastExit?.lastLines == ["giving up"])
            #expect(status.reason == "exit code 3")
            #expect(status.nextStart != nil && status.pid == nil)
            let waits = rig.recorder.events("replica.exited").prefix(3).map { $0.message.split(separator: " ").last! }
            #expect(waits == ["100ms", "200ms", "400ms"])
            #expect(rig.recorder.endpoints.isEmpty)
        }
    }

    @Test("a program that is not there: failed, with what to do, tried again later")
    func noProgram() async throws {
        try await withRig([service("web", ["./bin/api"])]) { rig, _ in
            let status = try await rig.replica("web-1", "failed") { $0.state == .failed }
            #expect(status.reason?.hasPrefix("no such program `./bin/api` in /tmp; ") == true)
            _ = try await rig.replica("web-1", "is tried again") { $0.restarts > 0 }
        }
    }

    @Test("ignores SIGTERM: killed when the grace is over")
    func ignoresTerm() async throws {
        let command = Programs.shell("trap '' TERM; echo deaf; while :; do sleep 1; done")
        let spec = service("web", command, stop: StopSpec(drain: .zero, grace: .milliseconds(300)))
        try await withRig([spec]) { rig, _ in
            let pid = try #require(try await rig.replica("web-1", "runs") { $0.pid != nil }.pid)
            try await eventually("it ignores SIGTERM") {
                try readSpool("\(rig.directory)/run/web-1.1/stdout") == "deaf\n"
            }
            let clock = ContinuousClock()
            let time = await clock.measure { await rig.compute.stopAll() }
            #expect(time >= .milliseconds(300) && time < .seconds(3))
            #expect(!isAlive(pid))
            #expect(rig.recorder.events("replica.killed").count == 1)
        }
    }

    @Test("leaves rotation and drains before SIGTERM, and ends by itself within the grace")
    func stopsInOrder() async throws {
        try await withRig([service("web", Programs.httpd)]) { rig, _ in
            let status = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            rig.recorder.undrained.withLock { $0 = 2 }
            await rig.compute.stopAll()
            #expect(rig.recorder.state.withLock { $0.drains } == [status.id])
            #expect(rig.recorder.events("replica.undrained").first?.message.hasPrefix("2 requests") == true)
            #expect(rig.recorder.events("replica.killed").isEmpty)
            #expect(rig.recorder.events("replica.stopped").first?.message.contains("SIGTERM") == true)
        }
    }

    @Test("forked children, one in a session of its own, do not survive the stop", arguments: [true, false])
    func children(cgroups: Bool) async throws {
        let command = Programs.shell(
            "sleep 1001 & setsid sleep 1002 & echo $$; exec busybox httpd -f -p 127.0.0.1:$PORT")
        try await withRig([service("web", command)], cgroups: cgroups) { rig, _ in
            let status = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let leader = try #require(status.pid)
            let started = try await eventually("all three run") {
                let rows = try ProcessRow.all().filter { $0.group == leader || $0.parent == leader }
                return rows.count >= 3 ? rows.map(\.pid) : nil
            }
            await rig.compute.stopAll()
            #expect(started.filter(isAlive).isEmpty)
        }
    }

    @Test("children do not survive a leader that dies by itself")
    func leaderDies() async throws {
        let command = Programs.shell("sleep 1003 & exec busybox httpd -f -p 127.0.0.1:$PORT")
        try await withRig([service("web", command)]) { rig, _ in
            let first = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let leader = try #require(first.pid)
            // httpd forks for each connection, such as the one that found it ready.
            let group = try await eventually("the leader and its child are alone") {
                let group = try ProcessRow.all().filter { $0.group == leader && !$0.hasEnded }.map(\.pid)
                return group.count == 2 ? group : nil
            }
            kill(leader, SIGKILL)
            let second = try await rig.replica("web-1", "is ready again") { $0.state == .ready && $0.pid != leader }
            #expect(group.filter(isAlive).isEmpty)
            #expect(second.lastExit?.cause == .signal(9))
            #expect(second.restarts == 1 && second.address == first.address)
        }
    }

    @Test("floods its output: stays in rotation, the spool file takes it")
    func floods() async throws {
        let command = Programs.shell("yes flood | head -c 20000000 & exec busybox httpd -f -p 127.0.0.1:$PORT")
        try await withRig([service("web", command)]) { rig, _ in
            _ = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            try await eventually("all of it is in the file") {
                try readText("\(rig.directory)/run/web-1.1/stdout", limit: 30_000_000).utf8.count == 20_000_000
            }
            let status = await rig.replica("web-1")
            #expect(status?.state == .ready)
        }
    }

    @Test("restart policy onFailure: exit code 0 is done, settled, no crash, and nothing is asked of it any more")
    func onFailure() async throws {
        let spec = service("job", Programs.shell("exit 0"), policy: .onFailure)
        try await withRig([spec]) { rig, _ in
            #expect(await rig.compute.settled("job", within: .seconds(10)))
            let status = try await rig.replica("job-1", "is done") { $0.state == .done }
            #expect(status.restarts == 0 && status.lastExit?.cause == .code(0))
            let set = await rig.compute.sets("job")[0]
            #expect(set.done == 1 && set.ready == 0 && set.crashes == 0 && set.failure == nil)
        }
    }

    @Test("restart policy onFailure: exit code 1 is started again; policy never: exit code 1 stays so and is not done")
    func failures() async throws {
        let again = service("again", Programs.shell("exit 1"), policy: .onFailure)
        let never = service("never", Programs.shell("exit 1"), policy: .never)
        try await withRig([again, never]) { rig, _ in
            _ = try await rig.replica("again-1", "was started again") { $0.restarts > 0 }
            _ = try await rig.replica("never-1", "stays ended") { $0.state == .exited }
            #expect(await rig.compute.sets("never")[0].done == 0)
        }
    }
}
