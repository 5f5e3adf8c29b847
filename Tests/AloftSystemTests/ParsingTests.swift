import Glibc
import Testing

@testable import AloftSystem

@Suite("What the system tells")
struct ParsingTests {
    @Test("a line of /proc/PID/stat, with brackets and spaces in the name")
    func stat() throws {
        let line =
            "4242 (a) b (c) R 1 4242 4200 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 987654 1000000 321 18446744073709551615"
        let row = try #require(ProcessRow(parsing: line))
        #expect(row.pid == 4242 && row.state == "R" && row.parent == 1 && row.group == 4242 && row.session == 4200)
        #expect(row.cpuTicks == 300 && row.startTicks == 987_654 && row.residentPages == 321 && !row.hasEnded)
    }

    @Test(
        "what is not such a line is no row",
        arguments: ["", "1", "1 (x)", "1 (x) S 1 2", "x (y) S 1 1 1", ")(", "1 ) ("])
    func notStat(line: String) {
        #expect(ProcessRow(parsing: line) == nil)
    }

    @Test("this very process is found")
    func own() throws {
        let row = try ProcessRow(pid: getpid())
        #expect(row.group == getpgrp() && row.residentPages > 0)
        #expect(try ProcessRow.all().contains { $0.pid == getpid() })
        #expect(try ProcessIdentity(of: getpid()).isRunning)
        #expect(throws: SystemError.self) { try ProcessIdentity(of: 4_190_000) }
    }

    @Test("programs are found in PATH or by path, and what is not says what to do")
    func programs() throws {
        #expect(try ProgramPath.find("sh", directory: "/", path: "/nowhere:/bin") == "/bin/sh")
        #expect(try ProgramPath.find("./sh", directory: "/bin", path: "") == "/bin/./sh")
        let missing = #expect(throws: ProgramPath.Failure.self) {
            try ProgramPath.find("./bin/api", directory: "/srv", path: "/bin")
        }
        #expect(missing?.description == "no such program `./bin/api` in /srv; build it first, or correct `command`")
        let unknown = #expect(throws: ProgramPath.Failure.self) {
            try ProgramPath.find("nope", directory: "/", path: "/a:/b")
        }
        #expect(unknown?.description == "no program `nope` in PATH (/a:/b); install it, or write its path")
        #expect(throws: ProgramPath.Failure.notExecutable(path: "/etc/passwd")) {
            try ProgramPath.find("/etc/passwd", directory: "/", path: "")
        }
    }

    @Test("times add up, and centuries do not overflow")
    func times() {
        let time = MonotonicTime(nanoseconds: 5)
        #expect(time + .seconds(1) == MonotonicTime(nanoseconds: 1_000_000_005))
        #expect((time + .seconds(1)) - time == .seconds(1))
        #expect(time + .seconds(Int64.max / 2) > time)
        #expect(signalName(9) == "SIGKILL" && signalName(40) == "signal 40")
    }

    @Test("sleeping is until a time, and a time that has passed is at once")
    func sleeping() async throws {
        let clock = SystemTime()
        let start = clock.now
        try await clock.sleep(until: start)
        try await clock.sleep(for: .milliseconds(20))
        #expect(clock.now - start >= .milliseconds(20))
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await clock.sleep(for: .seconds(1000)) }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }
}
