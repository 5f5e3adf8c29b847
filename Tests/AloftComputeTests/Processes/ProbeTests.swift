import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Probes of real processes", .serialized)
struct ProbeTests {
    /// Answers with what is in files of a folder, so that a test changes the answers while it runs.
    static func server(_ folder: String) -> [String] {
        Programs.python(
            """
            import http.server, os, socket, socketserver
            class H(http.server.BaseHTTPRequestHandler):
                def address_string(self): return "-"
                def log_message(self, *a): pass
                def do_GET(self):
                    try: status, body = open("\(folder)" + self.path).read().split(" ", 1)
                    except OSError: status, body = "404", "nothing at " + self.path
                    self.send_response(int(status)); self.end_headers(); self.wfile.write(body.encode())
            class U(socketserver.ThreadingMixIn, socketserver.UnixStreamServer): pass
            if "SOCKET" in os.environ: U(os.environ["SOCKET"], H).serve_forever()
            http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
            """)
    }

    static func probe(
        _ check: ProbeSpec.Check, period: Duration = .milliseconds(100), timeout: Duration = .seconds(1),
        success: Int = 1, failure: Int = 2
    ) -> ProbeSpec {
        ProbeSpec(
            check: check, period: period, timeout: timeout, initialDelay: .zero, successThreshold: success,
            failureThreshold: failure)
    }

    static func write(_ text: String, _ path: String) throws { try AtomicFile.write(text.utf8, to: path) }

    @Test(
        "readiness by HTTP: out of rotation with the answer's body, in again after passes",
        arguments: [ServiceSpec.Listen.port, .unix])
    func readiness(listen: ServiceSpec.Listen) async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            let probes = Probes(readiness: Self.probe(.httpGet(path: "/ready")))
            let spec = service("web", Self.server(folder), listen: listen, probes: probes)
            try await withRig([spec]) { rig, _ in
                try Self.write("503 warming up\nplease wait", folder + "/ready")
                let cold = try await rig.replica("web-1", "is probed") {
                    $0.state == .probing && $0.reason?.contains("HTTP 503") == true
                }
                #expect(cold.reason == "HTTP 503: \"warming up ⏎ please wait\"")
                #expect(rig.recorder.endpoints.isEmpty)
                try Self.write("200 fine", folder + "/ready")
                let ready = try await rig.replica("web-1", "is ready") { $0.state == .ready }
                #expect(ready.probes.first?.text == "HTTP 200")
                #expect(rig.recorder.endpoints.count == 1)
                try Self.write("500 " + String(repeating: "x", count: 1000), folder + "/ready")
                let sick = try await rig.replica("web-1", "is unready") { $0.state == .unready }
                #expect(sick.reason == "HTTP 500: \"" + String(repeating: "x", count: 200) + "\"")
                try await eventually("it is out of rotation") { rig.recorder.endpoints.isEmpty }
                try Self.write("302 elsewhere", folder + "/ready")
                let again = try await rig.replica("web-1", "is ready again") { $0.state == .ready }
                #expect(again.pid == ready.pid && again.probes.first?.text == "HTTP 302")
            }
        }
    }

    @Test("a probe that gets no answer times out")
    func timesOut() async throws {
        let script =
            "import socket,os,time; s=socket.create_server(('127.0.0.1', int(os.environ['PORT']))); time.sleep(1000)"
        let probes = Probes(readiness: Self.probe(.httpGet(path: "/"), timeout: .milliseconds(150)))
        try await withRig([service("web", Programs.python(script), probes: probes)]) { rig, _ in
            _ = try await rig.replica("web-1", "timed out") { $0.reason == "timed out after 150ms" }
        }
    }

    @Test(
        "a program that listens elsewhere than it should is told where, once as an event",
        arguments: [
            (ServiceSpec.Listen.port, "socket.AF_INET6", "('::1', int(os.environ['PORT']))", "it listens on [::1]:"),
            (ServiceSpec.Listen.port, "socket.AF_INET", "('127.0.0.1', 0)", "and ignores $PORT ("),
            (
                ServiceSpec.Listen.port, "socket.AF_UNIX", "'/tmp/aloft-test-%d.sock' % os.getpid()",
                "it listens on the Unix socket /tmp/"
            ),
            (ServiceSpec.Listen.unix, "socket.AF_INET", "('127.0.0.1', 0)", "and ignores $SOCKET ("),
        ])
    func elsewhere(listen: ServiceSpec.Listen, family: String, address: String, words: String) async throws {
        let script =
            "import os, socket, time\ns = socket.socket(\(family)); s.bind(\(address)); s.listen()\n"
            + "if isinstance(s.getsockname(), str): os.unlink(s.getsockname())\ntime.sleep(1000)"
        let probes = Probes(readiness: Self.probe(.httpGet(path: "/"), period: .milliseconds(200)))
        let web = service("web", Programs.python(script), listen: listen, probes: probes)
        for cgroups in [true, false] {
            try await withRig([web], cgroups: cgroups) { rig, _ in
                let status = try await rig.replica("web-1", "says where") { $0.reason?.contains(words) == true }
                #expect(status.state == .probing, "\(status)")
                let said = rig.recorder.state.withLock { $0.events.filter { $0.kind == "replica.elsewhere" } }
                #expect(said.count == 1 && said[0].message.contains(words), "\(said)")
            }
        }
    }

    @Test("exec: what a probe leaves running ends with it, with and without cgroups", arguments: [true, false])
    func execLeavesNothing(cgroups: Bool) async throws {
        let check = Programs.shell("setsid sleep 1027 & true")
        let probes = Probes(readiness: Self.probe(.exec(check.map(template)), period: .milliseconds(50)))
        try await withRig([service("web", Programs.httpd, probes: probes)], cgroups: cgroups) { rig, fixture in
            #expect(await rig.compute.settled(within: .seconds(20)))
            let beginning = ContinuousClock.now
            try await eventually("many were asked") { ContinuousClock.now - beginning > .seconds(1) }
            let left = try ProcessRow.all().filter { row in
                (try? readText("/proc/\(row.pid)/cmdline", limit: 200)) == "sleep\u{0}1027\u{0}" && !row.hasEnded
            }
            // One may be running at this very moment.
            #expect(left.count <= 1, "\(left)")
        }
    }

    @Test(
        "exec: passes by exit code 0 with the replica's environment, keeps what a failing one printed, kills one that hangs"
    )
    func exec() async throws {
        try await withFixture { fixture in
            let flag = try fixture.directory() + "/flag"
            let check = Programs.shell(
                "test -n \"$PORT\" || exit 9; case $(cat \(flag)) in ok) exit 0;; hang) sleep 1004;; *) echo not yet; exit 4;; esac"
            )
            let probes = Probes(readiness: Self.probe(.exec(check.map(template)), timeout: .milliseconds(300)))
            try Self.write("no", flag)
            try await withRig([service("web", Programs.httpd, probes: probes)]) { rig, _ in
                _ = try await rig.replica("web-1", "is probed") {
                    $0.reason == "exit code 4: \"not yet ⏎\"" || $0.reason == "exit code 4: \"not yet\""
                }
                try Self.write("ok", flag)
                _ = try await rig.replica("web-1", "is ready") { $0.state == .ready }
                try Self.write("hang", flag)
                let hung = try await rig.replica("web-1", "is unready") { $0.state == .unready }
                #expect(hung.reason == "timed out after 300ms")
                try Self.write("ok", flag)
                _ = try await rig.replica("web-1", "is ready again") { $0.state == .ready }
                let sleepers = try ProcessRow.all().filter {
                    (try? readText("/proc/\($0.pid)/cmdline"))?.contains("1004") == true && !$0.hasEnded
                }
                #expect(sleepers.isEmpty)
            }
        }
    }

    @Test("startup: keeps the other probes waiting, and restarts a replica that takes too long")
    func startup() async throws {
        let probes = Probes(
            startup: Self.probe(.httpGet(path: "/"), period: .milliseconds(100), failure: 3),
            liveness: Self.probe(.httpGet(path: "/never"), period: .milliseconds(50), failure: 1))
        try await withRig([service("web", Programs.shell("sleep 1005"), probes: probes)]) { rig, _ in
            let status = try await rig.replica("web-1", "is restarted") { $0.restarts > 0 }
            #expect(status.lastExit?.cause == .signal(SIGTERM))
            let event = try #require(rig.recorder.events("replica.unhealthy").first)
            #expect(event.message.hasPrefix("startup probe failed: cannot connect to 127.0.0.1:"))
            #expect(status.probes.allSatisfy { $0.kind == .startup })
        }
    }

    @Test("liveness: restarts one that hangs, while the other stays in rotation")
    func liveness() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try Self.write("200 fine", folder + "/ready")
            let server = Self.server(folder).map {
                $0.replacing(
                    "\"\(folder)\" + self.path",
                    with: "\"\(folder)/\" + os.environ['ALOFT_REPLICA'] + self.path.replace('/', '-')")
            }
            for name in ["web-1", "web-2"] { try Self.write("200 fine", "\(folder)/\(name)-live") }
            let probes = Probes(
                startup: Self.probe(.tcpSocket, failure: 300), liveness: Self.probe(.httpGet(path: "/live")))
            let spec = service("web", server, replicas: 2, minAvailable: 1, probes: probes)
            try await withRig([spec]) { rig, _ in
                #expect(await rig.compute.settled(within: .seconds(10)))
                let other = await rig.replica("web-1")
                let first = await rig.replica("web-2")
                rig.recorder.watchMinimum()
                try Self.write("500 deadlock", "\(folder)/web-2-live")
                _ = try await rig.replica("web-2", "is restarted") { $0.pid != first?.pid && $0.pid != nil }
                try Self.write("200 fine", "\(folder)/web-2-live")
                let second = try await rig.replica("web-2", "is ready again") { $0.state == .ready }
                #expect(second.restarts >= 1 && second.lastExit?.cause == .signal(SIGTERM))
                #expect(
                    rig.recorder.events("replica.unhealthy").first?.message
                        == "liveness probe failed: HTTP 500: \"deadlock\"")
                #expect(rig.recorder.fewest == 1)
                let untouched = await rig.replica("web-1")
                #expect(untouched?.pid == other?.pid)
            }
        }
    }

    @Test("the edge cannot connect: out of rotation at once, in again as soon as it listens again")
    func unreachable() async throws {
        let script = """
            import os, signal, socket, time
            def listen(*_):
                global s; s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))
            def deaf(*_): s.close()
            signal.signal(signal.SIGUSR1, deaf); signal.signal(signal.SIGUSR2, listen); listen()
            while True: time.sleep(1000)
            """
        try await withRig([service("web", Programs.python(script))]) { rig, _ in
            let status = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let pid = try #require(status.pid)
            await rig.compute.reportUnreachable(status.id)
            kill(pid, SIGUSR1)
            try await eventually("it is out of rotation") {
                await rig.compute.reportUnreachable(status.id)
                return rig.recorder.endpoints.isEmpty
            }
            let unready = await rig.replica("web-1")
            #expect(unready?.state == .unready)
            // Refused, or reset where the program closed its socket between the two.
            #expect(unready?.reason?.hasPrefix("cannot connect to 127.0.0.1:") == true, "\(unready?.reason ?? "")")
            kill(pid, SIGUSR2)
            let again = try await rig.replica("web-1", "is ready again", within: .seconds(2)) { $0.state == .ready }
            #expect(again.pid == pid && again.restarts == 0)
        }
    }
}
