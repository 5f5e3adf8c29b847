import AloftTestKit
import Glibc
import Testing

@testable import AloftSystem

@Suite("Making processes")
struct LaunchTests {
    private func launch(
        _ arguments: [String], _ folder: String, environment: [String] = ["A=1"], directory: String = "/"
    ) throws -> (launch: ProcessLaunch, outputs: [Descriptor]) {
        let out = try Descriptor(opening: folder + "/out", O_WRONLY | O_CREAT | O_APPEND)
        let err = try Descriptor(opening: folder + "/err", O_WRONLY | O_CREAT | O_APPEND)
        let launch = ProcessLaunch(
            executable: arguments[0], arguments: arguments, environment: environment, directory: directory,
            standardOutput: out.number, standardError: err.number)
        return (launch, [out, err])
    }

    private func run(_ arguments: [String], _ folder: String, directory: String = "/") async throws -> ProcessEnding? {
        let (launch, outputs) = try launch(arguments, folder, directory: directory)
        defer { withExtendedLifetime(outputs) {} }
        return try await launch.runWatched().wait()
    }

    @Test("output, error, exit code, directory and environment are what was asked for")
    func streams() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            let script = "pwd; env; echo oops >&2; cat; exit 7"
            #expect(try await run(["/bin/sh", "-c", script], folder, directory: "/usr") == .exited(7))
            #expect(try readText(folder + "/out").split(separator: "\n").sorted() == ["/usr", "A=1", "PWD=/usr"])
            #expect(try readText(folder + "/err") == "oops\n")
        }
    }

    @Test("a process has its own group, no descriptor of ours, no signal blocked or ignored")
    func isolation() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            ProcessSettings.ignoreBrokenPipes()
            let script =
                "ls -l /proc/self/fd | wc -l; grep -E 'SigBlk|SigIgn' /proc/self/status; cut -d' ' -f1,5 /proc/self/stat"
            let leaks = (0..<20).map { _ in open("/dev/null", O_RDONLY) }
            defer { for leak in leaks { close(leak) } }
            #expect(try await run(["/bin/sh", "-c", "exec 3>&- ; " + script], folder) == .exited(0))
            let lines = try readText(folder + "/out").split(separator: "\n")
            // "total 0", 0, 1, 2 and the one `ls` opened.
            #expect(lines.first == "5")
            #expect(lines.filter { $0.hasPrefix("Sig") } == ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"])
        }
    }

    @Test("what can't be run says at which step and why, and leaves no process")
    func failures() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try AtomicFile.write("not a program".utf8, to: folder + "/text", mode: 0o755)
            let cases: [(ProcessLaunch, ProcessLaunch.Failure.Stage, Int32)] = try [
                (launch(["/no/such"], folder).launch, .exec, ENOENT),
                (launch([folder + "/text"], folder).launch, .exec, ENOEXEC),
                (launch(["/bin/sh"], folder, directory: "/nowhere").launch, .directory, ENOENT),
            ]
            for (launch, stage, code) in cases {
                // The descriptors were closed with the tuple; the step fails before or regardless of that.
                var usable = launch
                usable.standardOutput = 2
                usable.standardError = 2
                let failure = await #expect(throws: ProcessLaunch.Failure.self) { try await usable.run() }
                #expect(failure?.stage == stage && failure?.code == code)
            }
            var inNoGroup = cases[0].0
            inNoGroup.standardOutput = 2
            inNoGroup.standardError = 2
            inNoGroup.cgroupProcsFiles = [folder + "/cgroup.procs"]
            let failure = await #expect(throws: ProcessLaunch.Failure.self) { try await inNoGroup.run() }
            #expect(failure?.stage == .cgroup && failure?.subject == folder + "/cgroup.procs")
            #expect(
                failure?.description == "cannot enter the cgroup `\(folder)/cgroup.procs`: No such file or directory")
        }
    }

    @Test("a limit on private memory makes allocations fail")
    func limits() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            var (process, outputs) = try launch(["/usr/bin/python3", "-c", "bytearray(200 << 20)"], folder)
            defer { withExtendedLifetime(outputs) {} }
            process.limits = [.data(64 << 20)]
            #expect(try await process.runWatched().wait() == .exited(1))
            #expect(try readText(folder + "/err").contains("MemoryError"))
            outputs = []
        }
    }

    @Test("a process may have as many files open as asked for, and up to the hard limit if it wants")
    func openFiles() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try OpenFiles.raise()
            let given = try #require(OpenFiles.given)
            var (process, outputs) = try launch(["/bin/sh", "-c", "ulimit -Sn; ulimit -Hn"], folder)
            defer { withExtendedLifetime(outputs) {} }
            process.openFiles = 77
            #expect(try await process.runWatched().wait() == .exited(0))
            process.openFiles = nil
            #expect(try await process.runWatched().wait() == .exited(0))
            #expect(try readText(folder + "/out") == "77\n\(given.hard)\n\(given.soft)\n\(given.hard)\n")
            outputs = []
        }
    }

    @Test("two hundred processes at once all end as they should, each noticed")
    func many() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            let endings = try await withThrowingTaskGroup(of: (Int, ProcessEnding?).self) { group in
                for number in 0..<200 {
                    group.addTask { (number, try await run(["/bin/sh", "-c", "exit \(number)"], folder)) }
                }
                return try await group.reduce(into: [Int: ProcessEnding?]()) { $0[$1.0] = $1.1 }
            }
            #expect(endings.count == 200)
            for (number, ending) in endings { #expect(ending == .exited(Int32(number))) }
        }
    }
}

@Suite("Watching processes")
struct WatchTests {
    private func sleeper(_ seconds: String = "1009") async throws -> ProcessIdentity {
        try await ProcessLaunch(
            executable: "/bin/sleep", arguments: ["sleep", seconds], environment: [], directory: "/", standardOutput: 2,
            standardError: 2
        ).run()
    }

    @Test("a signal that kills is told, and a signal after the end harms nobody")
    func signaled() async throws {
        let watch = try ProcessWatch(try await sleeper())
        #expect(watch.ending == nil && watch.identity.isRunning)
        try watch.signal(SIGTERM)
        #expect(await watch.wait() == .signaled(SIGTERM))
        #expect(!watch.identity.isRunning)
        try watch.signal(SIGKILL)
    }

    @Test("a process that is no child of ours is watched to its end")
    func stranger() async throws {
        try await withFixture { fixture in
            let file = try fixture.directory() + "/pid"
            let script = "sleep 1010 & echo $! > \(file).new; mv \(file).new \(file)"
            let parent = try await ProcessLaunch(
                executable: "/bin/sh", arguments: ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"],
                directory: "/",
                standardOutput: 2, standardError: 2
            ).runWatched()
            #expect(await parent.wait() == .exited(0))
            let text = try readText(file)
            let pid = try #require(Int32(text.split(separator: "\n").first ?? ""))
            let watch = try ProcessWatch(ProcessIdentity(of: pid))
            kill(pid, SIGKILL)
            #expect(await watch.wait() == .unknown)
        }
    }

    @Test("cancelled waiting gives nil and leaves the process alone")
    func cancelled() async throws {
        let watch = try ProcessWatch(try await sleeper())
        let ending = await withTaskGroup(of: ProcessEnding?.self) { group in
            group.addTask { await watch.wait() }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(ending == nil && watch.identity.isRunning)
        try watch.signal(SIGKILL)
        #expect(await watch.wait() == .signaled(SIGKILL))
        #expect(await watch.wait() == .signaled(SIGKILL))
    }

    @Test("another process of the same number is not taken for it")
    func identity() async throws {
        let identity = try await sleeper()
        let watch = try ProcessWatch(identity)
        var other = identity
        other.startTicks += 1
        #expect(!other.isRunning)
        #expect(throws: SystemError.self) { try ProcessWatch(other) }
        other = identity
        other.boot = "another"
        #expect(!other.isRunning)
        #expect(throws: SystemError.self) { try ProcessWatch(other) }
        try watch.signal(SIGKILL)
        #expect(await watch.wait() == .signaled(SIGKILL))
    }

    @Test("remains: the group, and without a cgroup whatever writes to the same files")
    func remains() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            let out = try Descriptor(opening: folder + "/out", O_WRONLY | O_CREAT | O_APPEND)
            let script = "sleep 1011 & setsid sleep 1012 & setsid sleep 1013 >/dev/null 2>&1 & sleep 0.2; exit 0"
            let watch = try await ProcessLaunch(
                executable: "/bin/sh", arguments: ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"],
                directory: "/",
                standardOutput: out.number, standardError: out.number
            ).runWatched()
            #expect(await watch.wait() == .exited(0))
            let remains = ProcessRemains(leader: watch.identity, cgroup: nil, outputFiles: [folder + "/out"])
            #expect(try remains.find().count == 2)
            #expect(try await remains.killAll(clock: SystemTime()).isEmpty)
            #expect(try remains.find().isEmpty)
            // One that closed its streams and left the group gets away: the limit that DESIGN.md names.
            let escaped = try ProcessRow.all().filter {
                !$0.hasEnded && (try? readText("/proc/\($0.pid)/cmdline")) == "sleep\u{0}1013\u{0}"
            }
            #expect(escaped.count == 1)
            for row in escaped { kill(row.pid, SIGKILL) }
        }
    }
}
