import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Logging
import Testing

@testable import AloftCompute

@Suite("A machine that does not play along", .serialized)
struct TroubleTests {
    @Test("a state directory that can't be used ends the run with one clear error")
    func unusableState() async throws {
        try await withFixture { fixture in
            let file = try fixture.directory() + "/file"
            try AtomicFile.write("not a folder".utf8, to: file)
            let rig = Rig(file, [service("web", Programs.httpd)])
            let failure = await #expect(throws: ComputeStartError.self) { try await rig.compute.run() }
            #expect(
                failure?.description == "cannot supervise replicas: cannot make the folder \(file)/run: Not a directory"
            )
            await rig.compute.stopAll()
        }
    }

    @Test("a state path too long for a socket: a short one, and nothing left of it")
    func longPath() async throws {
        try await withFixture { fixture in
            let directory = try fixture.directory() + "/" + String(repeating: "d", count: 90)
            try Directories.make(directory)
            let rig = Rig(directory, [service("web", ProbeTests.server("/tmp"), listen: .unix)])
            rig.start()
            let status = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            guard case .unix(let path)? = status.address else {
                Issue.record("no socket: \(status)")
                return
            }
            #expect(path.hasPrefix("/tmp/aloft-") && path.utf8.count < 108)
            await rig.compute.stopAll()
            try await rig.crash()
            #expect(!Directories.isDirectory(Directories.parent(of: path)))
        }
    }

    @Test(
        "what goes wrong with a launch is said in words",
        arguments: [
            (["/etc/passwd"], "`/etc/passwd` is not executable; `chmod +x` it"),
            (["no-such-program"], "no program `no-such-program` in PATH (/usr/bin:/bin); install it"),
            ([], "`command` is empty"),
        ])
    func launches(command: [String], words: String) async throws {
        try await withRig([service("web", command)]) { rig, _ in
            let status = try await rig.replica("web-1", "failed") { $0.state == .failed }
            #expect(status.reason?.hasPrefix(words) == true)
            #expect(try Directories.names(in: "\(rig.directory)/run").isEmpty)
        }
    }

    @Test("a directory or a variable that is not there is named")
    func missing() async throws {
        var spec = service("web", Programs.httpd)
        spec.directory = "/no/such/place"
        let other = service(
            "api", Programs.httpd, environment: [.init(name: "A", value: Template(parts: [.environment("UNSET")]))])
        try await withRig([spec, other]) { rig, _ in
            let web = try await rig.replica("web-1", "failed") { $0.state == .failed }
            #expect(web.reason == "there is no directory /no/such/place; make it, or correct `directory`")
            let api = try await rig.replica("api-1", "failed") { $0.state == .failed }
            #expect(api.reason?.contains("UNSET has no value") == true)
        }
    }

    @Test("more open files than Aloft may give say which limit is in the way")
    func openFiles() async throws {
        try OpenFiles.raise()
        let hard = try #require(OpenFiles.given).hard
        let web = service("web", Programs.httpd, resources: Resources(limits: .init(openFiles: Int(hard) + 1)))
        try await withRig([web]) { rig, _ in
            let status = try await rig.replica("web-1", "failed") { $0.state == .failed }
            #expect(
                status.reason?.hasPrefix("`resources.limits.openFiles: \(hard + 1)` is above the hard limit of \(hard)")
                    == true)
        }
    }

    @Test("a port that is taken when the program binds it: another the next time")
    func portTaken() async throws {
        // The first process refuses its port as a program does whose port was taken; the next ones listen.
        let script = """
            if [ ! -e \(Self.flag) ]; then echo $PORT > \(Self.flag); echo 'bind: Address in use' >&2; exit 98; fi
            exec busybox httpd -f -p 127.0.0.1:$PORT
            """
        unlink(Self.flag)
        try await withRig([service("web", Programs.shell(script))]) { rig, _ in
            let status = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let first = Int(try readText(Self.flag).prefix { $0.isNumber })
            #expect(status.lastExit?.cause == .code(98) && status.address != first.map { .port($0) })
        }
        unlink(Self.flag)
    }

    private static let flag = "/tmp/aloft-port-taken-\(getpid())"

    @Test("stopAll at any moment of the start leaves nothing", arguments: 0...8)
    func stopWhileStarting(moment: Int) async throws {
        try await withFixture { fixture in
            let rig = Rig(try fixture.directory(), [service("web", Programs.httpd, replicas: 4)])
            rig.start()
            try await eventually("\(moment) things have happened", every: .milliseconds(1)) {
                rig.recorder.state.withLock { $0.events.count >= moment }
            }
            await rig.compute.stopAll()
            try await rig.crash()
            let state = rig.recorder.state.withLock { $0 }
            #expect(state.records.isEmpty && state.inRotation.isEmpty && state.attached.isEmpty)
            #expect(try Directories.names(in: "\(rig.directory)/run").isEmpty)
            for event in rig.recorder.events("replica.started") {
                let pid = event.message.split(separator: " ").dropFirst().first.flatMap { Int32($0.dropLast()) }
                #expect(!isAlive(try #require(pid)))
            }
        }
    }
}
