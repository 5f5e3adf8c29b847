import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Workers, signals and hosts of probes", .serialized)
struct WorkerTests {
    private let idling = Programs.shell("env | sort; exec sleep 1000")

    @Test("a worker has no address, is not given to the edge, is ready after two seconds and is adopted")
    func worker() async throws {
        try await withFixture { fixture in
            let spec = service("mailer", idling, listen: .nothing)
            let first = Rig(try fixture.directory(), [spec])
            first.start()
            let clock = ContinuousClock()
            let begun = clock.now
            let ready = try await first.replica("mailer-1", "is ready") { $0.state == .ready }
            #expect(clock.now - begun >= .milliseconds(1900))
            #expect(ready.address == .nowhere && first.recorder.endpoints.isEmpty)
            let text = try readSpool("\(first.directory)/run/mailer-1.1/stdout")
            #expect(!text.contains("PORT=") && !text.contains("SOCKET="), "\(text)")
            try await first.crash()
            let second = Rig(first.directory, recorder: first.recorder, [spec])
            second.start()
            fixture.atEnd("stop") {
                await second.compute.stopAll()
                try await second.crash()
            }
            let again = try await second.replica("mailer-1", "is adopted") { $0.state == .ready }
            #expect(again.pid == ready.pid && again.adopted)
        }
    }

    @Test("a worker that ends within the two seconds never was ready")
    func endsSoon() async throws {
        try await withRig([service("mailer", Programs.shell("sleep 0.3; exit 3"), listen: .nothing)]) { rig, _ in
            _ = try await rig.replica("mailer-1", "restarted twice") { $0.restarts >= 2 }
            #expect(rig.recorder.events("replica.ready").isEmpty)
        }
    }

    @Test("a worker's readiness probe is a command, and decides alone")
    func probed() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            let check = ProbeSpec.Check.exec(["/usr/bin/test", "-e", folder + "/well"].map { Template($0) })
            let probes = Probes(readiness: ProbeTests.probe(check))
            try await withRig([service("mailer", idling, listen: .nothing, probes: probes)]) { rig, _ in
                _ = try await rig.replica("mailer-1", "is probed") { $0.reason == "exit code 1" }
                try ProbeTests.write("x", folder + "/well")
                _ = try await rig.replica("mailer-1", "is ready") { $0.state == .ready }
                unlink(folder + "/well")
                _ = try await rig.replica("mailer-1", "is unready") { $0.state == .unready }
            }
        }
    }

    @Test("a service with a port that no route leads to is never asked for a connection")
    func unrouted() async throws {
        var spec = service("inner", idling)
        spec.isRouted = false
        try await withRig([spec]) { rig, _ in
            _ = try await rig.replica("inner-1", "is ready") { $0.state == .ready }
        }
    }

    @Test("the file's signal ends a replica, and is named where it does not")
    func stopSignal() async throws {
        let polite = Programs.shell("trap 'exit 7' USR1; trap '' TERM; echo up; while :; do sleep 0.1; done")
        let deaf = Programs.shell("trap '' USR1; echo up; while :; do sleep 0.1; done")
        let stop = StopSpec(drain: .zero, grace: .milliseconds(500), signal: .usr1)
        let specs = [
            service("polite", polite, listen: .nothing, stop: stop),
            service("deaf", deaf, listen: .nothing, stop: stop),
        ]
        try await withRig(specs) { rig, _ in
            for name in ["polite", "deaf"] {
                try await eventually("\(name) has its traps") {
                    (try? readSpool("\(rig.directory)/run/\(name)-1.1/stdout")) == "up\n"
                }
            }
            await rig.compute.stopAll()
            #expect(
                rig.recorder.events("replica.stopped").map(\.line).contains { $0.contains("polite-1: exit code 7") })
            let killed = rig.recorder.events("replica.killed").map(\.line)
            #expect(killed.count == 1 && killed[0].contains("deaf-1: did not end within 500ms of SIGUSR1"), "\(killed)")
        }
    }

    @Test("a probe asks as the host of the file with its headers; without, the answer says what to write")
    func host() async throws {
        let script = """
            import http.server, os
            class H(http.server.BaseHTTPRequestHandler):
                def log_message(self, *a): pass
                def do_GET(self):
                    well = self.headers["Host"] == "shop.example" and self.headers["X-Probe"] == "1" \\
                        and self.headers["Accept"] == "text/plain"
                    self.send_response(200 if well else 400); self.end_headers(); self.wfile.write(b"DisallowedHost")
            http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
            """
        let asked = HTTPProbe(
            path: "/", host: "shop.example",
            headers: [.init(name: "X-Probe", value: "1"), .init(name: "Accept", value: "text/plain")])
        var wrong = asked
        wrong.host = "other.example"
        let specs = [
            service("good", Programs.python(script), probes: Probes(readiness: ProbeTests.probe(.httpGet(asked)))),
            service("wrong", Programs.python(script), probes: Probes(readiness: ProbeTests.probe(.httpGet(wrong)))),
            service("plain", Programs.python(script), probes: Probes(readiness: ProbeTests.probe(.httpGet(path: "/")))),
        ]
        try await withRig(specs) { rig, _ in
            _ = try await rig.replica("good-1", "is ready") { $0.state == .ready }
            let plain = try await rig.replica("plain-1", "is refused") { $0.reason?.contains("HTTP 400") == true }
            #expect(plain.reason?.contains("needs `httpGet: {path, host}`") == true)
            let other = try await rig.replica("wrong-1", "is refused") { $0.reason?.contains("HTTP 400") == true }
            #expect(other.reason == "HTTP 400: \"DisallowedHost\" (asked as other.example)")
        }
    }

    @Test("`reload` reaches the first process of each replica and no other; one that would end by it gets nothing")
    func reload() async throws {
        let script =
            "trap 'echo again' HUP; (trap 'echo child' HUP; while :; do sleep 0.1; done) & echo up; "
            + "while :; do sleep 0.1; done"
        var reader = service("reader", Programs.shell(script), replicas: 2, listen: .nothing)
        reader.reload = .hup
        var deaf = service("deaf", ["/bin/sleep", "1000"], listen: .nothing)
        deaf.reload = .usr1
        try await withRig([reader, deaf, service("plain", idling, listen: .nothing)]) { rig, _ in
            let files = [1, 2].map { "\(rig.directory)/run/reader-\($0).1/stdout" }
            try await eventually("they run") { files.allSatisfy { (try? readSpool($0)) == "up\n" } }
            let before = try await rig.replica("reader-1", "runs") { $0.pid != nil }.pid
            _ = try await rig.replica("reader-2", "runs") { $0.pid != nil }
            #expect(try await rig.compute.reload("reader") == ["reader-1", "reader-2"])
            try await eventually("they were told") { files.allSatisfy { (try? readSpool($0)) == "up\nagain\n" } }
            #expect(await rig.replica("reader-1")?.pid == before)
            #expect(rig.recorder.events("service.reloaded").map(\.message) == ["SIGHUP to reader-1, reader-2"])
            let pid = try #require(try await rig.replica("deaf-1", "runs") { $0.pid != nil }.pid)
            await #expect(throws: ComputeError.unhandledSignal(replica: "deaf-1", signal: "SIGUSR1")) {
                try await rig.compute.reload("deaf")
            }
            #expect(isAlive(pid))
            await #expect(throws: ComputeError.noReload("plain")) { try await rig.compute.reload("plain") }
        }
    }
}
