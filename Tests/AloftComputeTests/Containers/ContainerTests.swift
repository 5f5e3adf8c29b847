import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("What only containers have", .serialized, .enabled(if: Runner.available.contains(.container)))
struct ContainerTests {
    private let runner = Runner.container

    @Test("a program on a port of its own is published on another, and probes inside see the inner one")
    func containerPort() async throws {
        let httpd = ["/bin/busybox", "httpd", "-f", "-p", "8080"]
        let check = ["/bin/sh", "-c", "test $PORT = 8080 && test ${PORT} = 8080"].map(template)
        let probe = ProbeTests.probe(.exec(check), period: .milliseconds(200), timeout: .seconds(5))
        let spec = runner.service(httpd, probes: Probes(readiness: probe), port: 8080)
        try await withRig([spec]) { rig, _ in
            let status = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            guard case .port(let port)? = status.address else {
                Issue.record("no port: \(status)")
                return
            }
            #expect(port != 8080)
            _ = try await LocalConnection(to: .port(port))
        }
    }

    @Test("with `listen: unix` the socket's folder is there inside, and nothing else of Aloft's")
    func socket() async throws {
        let script = "echo $SOCKET; d=${SOCKET%/*}; echo here > $d/seen; ls -a $d/..; exec sleep 1000"
        let command = Programs.shell("alias ls='busybox ls'; " + script.replacing("ls -a", with: "busybox ls"))
        try await withRig([runner.service(command, listen: .unix)]) { rig, _ in
            let status = try await rig.replica("web-1", "runs") { $0.pid != nil }
            guard case .unix(let path)? = status.address else {
                Issue.record("no socket: \(status)")
                return
            }
            let text = try await eventually("it listed the folder") {
                let text = try readSpool("\(rig.directory)/run/web-1.1/stdout")
                return text.split(separator: "\n").count >= 2 ? text : nil
            }
            #expect(text == "\(path)\ns\n")
            #expect(try readText(Directories.parent(of: path) + "/seen") == "here\n")
        }
    }

    @Test("a container sees its volumes, writes only where it may, and runs as the user of the file")
    func volumes() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try ProbeTests.write("from outside\n", folder + "/page")
            let script =
                "busybox id -u; cat /data/page; echo inside > /data/new || echo closed; "
                + "echo no > /closed/new 2>/dev/null || echo closed; exec sleep 1000"
            var spec = runner.service(Programs.shell(script), listen: .nothing)
            spec.user = UserSpec(name: "12345", group: "54321")
            spec.container?.volumes = [
                VolumeSpec(path: "/data", from: folder), VolumeSpec(path: "/closed", from: folder, isReadOnly: true),
            ]
            chmod(folder, 0o777)
            chmod(folder + "/page", 0o644)
            let given = spec
            try await withRig([given]) { rig, _ in
                let ready = try await rig.replica("web-1", "is ready") { $0.state == .ready }
                #expect(ready.address == .nowhere)
                #expect(try readSpool("\(rig.directory)/run/web-1.1/stdout") == "12345\nfrom outside\nclosed\n")
                #expect(try readText(folder + "/new") == "inside\n")
                let result = await rig.compute.run(
                    ServiceCommand(
                        command: ["/bin/cat", "/data/new"].map { Template($0) }, spec: given, release: 1,
                        mark: "volume-test", timeout: .seconds(60)))
                #expect(result.outcome == .exited(0) && result.output.text.contains("inside"), "\(result)")
            }
            spec.container?.volumes = [VolumeSpec(path: "/data", from: folder + "/none")]
            try await withRig([spec]) { rig, _ in
                let failed = try await rig.replica("web-1", "failed") { $0.state == .failed }
                #expect(failed.reason?.contains("there is no \(folder)/none for /data") == true)
                #expect(access(folder + "/none", F_OK) != 0)
            }
        }
    }

    @Test("a probe by command passes, fails with its words, and is killed inside at its time")
    func execProbe() async throws {
        let check = ["/bin/sh", "-c", "test -e /slow && sleep 1009; cat /answer; exit $(cat /code)"].map(template)
        let probe = ProbeTests.probe(.exec(check), period: .milliseconds(200), timeout: .seconds(2))
        let command = Programs.shell("echo fine > /answer; echo 0 > /code; exec busybox httpd -f -p $PORT")
        try await withRig([runner.service(command, probes: Probes(readiness: probe))]) { rig, _ in
            _ = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let name = try #require(try TestImage.containers(rig.directory).first)
            func inside(_ script: String) throws {
                #expect(try TestImage.call(["exec", name, "/bin/sh", "-c", script]).status == 0)
            }
            try inside("echo not > /answer; echo well >> /answer; echo 7 > /code")
            // On a busy machine one of them may take its two seconds before it says so.
            _ = try await rig.replica("web-1", "fails with its words") {
                $0.state == .unready && $0.reason?.hasPrefix("exit code 7: \"not ⏎ well") == true
            }
            try inside("touch /slow")
            _ = try await rig.replica("web-1", "times out") { $0.reason?.contains("timed out") == true }
            try inside("busybox rm /slow; echo 0 > /code")
            _ = try await rig.replica("web-1", "is ready again") { $0.state == .ready }
            try await eventually("no command is left inside") { try Self.processes(with: "1009").isEmpty }
        }
    }

    private static func processes(with word: String) throws -> [Int32] {
        try ProcessRow.all().filter { row in
            !row.hasEnded && ((try? readText("/proc/\(row.pid)/cmdline", limit: 4096)) ?? "").contains(word)
        }.map(\.pid)
    }

    @Test("a command beside a replica runs inside, with its output as it comes and its exit code")
    func exec() async throws {
        try await withRig([runner.service(runner.httpd, environment: [.init(name: "COLOR", value: Template("blue"))])])
        {
            rig, _ in
            _ = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let said = Said()
            let outcome = try await rig.compute.exec(
                "web", command: ["/bin/sh", "-c", "echo $COLOR $$; exit 4"], timeout: .seconds(10)
            ) { await said.add($0) }
            #expect(outcome == .ended(.exited(4), output: []))
            #expect(await said.text.hasPrefix("blue "))
            let late = try await rig.compute.exec(
                "web", command: ["/bin/sh", "-c", "sleep 1010"], timeout: .seconds(1)
            ) { await said.add($0) }
            #expect(late == .timedOut(output: []))
            try await eventually("nothing is left inside") { try Self.processes(with: "1010").isEmpty }
        }
    }

    @Test("a command of a release runs in its image, and nothing is left of it, at its time limit neither")
    func releaseCommand() async throws {
        let spec = runner.service(runner.httpd, environment: [.init(name: "COLOR", value: Template("blue"))])
        try await withRig([]) { rig, _ async throws in
            func run(_ script: String, _ timeout: Duration) async -> ServiceCommandResult {
                await rig.compute.run(
                    ServiceCommand(
                        command: Programs.shell(script).map(template), spec: spec, release: 7,
                        mark: "test-\(script.count)", timeout: timeout))
            }
            let done = await run("echo $COLOR $ALOFT_RELEASE; exit 5", .seconds(20))
            #expect(done.outcome == .exited(5))
            #expect(done.output.text == "blue 7\n")
            let late = await run("echo begun; sleep 1011", .seconds(2))
            #expect(late.outcome == .timedOut(after: .seconds(2)))
            #expect(try Self.processes(with: "1011").isEmpty)
            let label = "label=aloft.command-of=\(SpecDigest.name(of: rig.directory))"
            #expect(try TestImage.call(["ps", "-aq", "--filter", label]).text == "")
        }
    }

    @Test("what a killed daemon left of a command in a container is ended by its mark")
    func commandRemains() async throws {
        try await withRig([]) { rig, _ async throws in
            let command = ServiceCommand(
                command: Programs.shell("echo begun; sleep 1013").map(template), spec: runner.service(runner.httpd),
                release: 7, mark: "left-behind", timeout: .seconds(60))
            let compute = rig.compute
            let begun = Said()
            let run = Task { await compute.run(command) { await begun.add(Array($0.utf8)) } }
            try await eventually("it runs") { await begun.text == "begun" }
            #expect(try await compute.endRemains(of: "left-behind").isEmpty)
            #expect(try Self.processes(with: "1013").isEmpty)
            let label = "label=aloft.command-of=\(SpecDigest.name(of: rig.directory))"
            #expect(try TestImage.call(["ps", "-aq", "--filter", label]).text == "")
            #expect(await run.value.outcome != .exited(0))
        }
    }

    @Test("a container that somebody removes from outside is replaced")
    func removedOutside() async throws {
        try await withRig([runner.service(runner.httpd)]) { rig, _ in
            let old = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let name = try #require(try TestImage.containers(rig.directory).first)
            #expect(try TestImage.call(TestEngine.remove + [name]).status == 0)
            let new = try await rig.replica("web-1", "is ready again") { $0.state == .ready && $0.pid != old.pid }
            #expect(new.restarts == 1)
            #expect(try TestImage.containers(rig.directory).count == 1)
        }
    }

    @Test(
        "the one that only watches over the container is killed: the replica serves on, and stops as it should",
        .disabled(if: TestEngine.isDocker, "docker's containers end with their containerd-shim"))
    func conmonKilled() async throws {
        try await withRig([runner.service(runner.httpd)]) { rig, _ in
            let status = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let pid = try #require(status.pid)
            let name = try #require(try TestImage.containers(rig.directory).first)
            let monitor = try TestImage.call(["inspect", "--format", "{{.State.ConmonPid}}", name]).text
            kill(try #require(Int32(monitor.filter(\.isNumber))), SIGKILL)
            #expect(isAlive(pid))
            await rig.compute.stopAll()
            #expect(!isAlive(pid))
            #expect(try TestImage.containers(rig.directory).isEmpty)
        }
    }

    @Test(
        "the one that copies the output is killed: another does within seconds",
        .enabled(if: TestEngine.isDocker, "podman's containers write to the spool files themselves"))
    func attachedKilled() async throws {
        let script = "while :; do echo line; sleep 0.1; done & exec \(runner.httpdScript)"
        try await withRig([runner.service(Programs.shell(script))]) { rig, _ in
            _ = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let file = "\(rig.directory)/run/web-1.1/stdout"
            let remains = ProcessRemains(leader: nil, cgroup: nil, outputFiles: [file])
            let old = try remains.find()
            #expect(old.count == 1)
            for pid in old { kill(pid, SIGKILL) }
            try await eventually("another is attached") { try remains.find().contains { !old.contains($0) } }
            let size = try readSpool(file).utf8.count
            try await eventually("output goes on") { try readSpool(file).utf8.count > size }
            await rig.compute.stopAll()
            try await eventually("nobody is attached") { try remains.find().isEmpty }
        }
    }

    @Test("a program that the image does not have: failed, with what to do, and nothing left")
    func noProgram() async throws {
        try await withRig([runner.service(["/bin/api"])]) { rig, _ in
            let status = try await rig.replica("web-1", "failed") { $0.state == .failed }
            #expect(status.reason?.hasPrefix("the image has no such program as `command` says: ") == true)
            await rig.compute.stopAll()
            #expect(try TestImage.containers(rig.directory).isEmpty)
        }
    }

    @Test("an image that somebody removes while its service runs is looked for again, and found once it is back")
    func imageRemoved() async throws {
        let image = "localhost/aloft-test/removed:1"
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try TestImage.writeContext(folder, "LABEL of=imageRemoved\n")
            let build = TestEngine.build(image) + [folder]
            #expect(try TestImage.call(build).status == 0)
            fixture.atEnd("remove the image") { try TestImage.call(["image", "rm", "--force", image]) }
            try await withRig([runner.service(runner.httpd, image: image)]) { rig, _ in
                _ = try await rig.replica("web-1", "is ready") { $0.state == .ready }
                try await eventually("the image is removed") {
                    // Podman takes an image's containers away with it; docker wants that done first.
                    if TestEngine.isDocker {
                        try TestImage.call(TestEngine.remove + TestImage.containers(rig.directory))
                    }
                    try TestImage.call(["image", "rm", "--force", image])
                    return try TestImage.call(["image", "inspect", image]).status != 0
                }
                _ = try await rig.replica("web-1", "misses its image") {
                    $0.reason?.contains("`pull: never` forbids") == true
                }
                #expect(try TestImage.call(build).status == 0)
                _ = try await rig.replica("web-1", "is ready again") { $0.state == .ready }
            }
        }
    }

    @Test("an image that is not there: failed with one line")
    func noImage() async throws {
        try await withRig([runner.service([], image: "localhost/aloft-test/none:1")]) { rig, _ in
            let status = try await rig.replica("web-1", "failed") { $0.state == .failed }
            #expect(status.reason?.contains("`pull: never` forbids") == true, "\(status.reason ?? "")")
        }
    }
}

private actor Said {
    var text = ""
    func add(_ bytes: [UInt8]) { text += String(decoding: bytes, as: UTF8.self) }
}
