import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Jobs and commands")
    struct Jobs {
        private struct Job: Decodable {
            struct Run: Decodable {
                var number: Int
                var result: String
                var release: Int?
                var exitCode: Int?
                var detail: String?
                var by: String?
            }
            var name: String
            var next: String?
            var runs: [Run]
        }

        private func jobs(_ aloft: Aloft) async throws -> [Job] {
            let answer = try await aloft.command("jobs", "--json")
            return try JSONDecoder().decode([Job].self, from: Data(answer.output.utf8))
        }

        private func file(_ jobs: String, more: String = "", extra: String = "") throws -> AppFile {
            var file = try AppFile(app: "web", extra: "env: {COLOR: green}\n" + extra)
            file.more = "logs: {access: off}\njobs:\n\(jobs)\n\(more)"
            return file
        }

        @Test("output that nobody takes ends the waiting for a job, and says why where a disk is full")
        func unread() async throws {
            try await withFixture { fixture in
                let aloft = try file(
                    "  long: {service: web, command: [sh, -c, \"yes | head -c 3000000; exit 3\"], overlap: allow}"
                )
                .start(fixture)
                _ = try await aloft.ready(1)
                func shell(_ line: String) async throws -> (ending: Child.Ending, output: String) {
                    try await Child.run(["bash", "-c", "set -o pipefail; " + line], directory: aloft.directory)
                }
                let full = try await shell("\(Checkout.aloft) run long > /dev/full")
                #expect(full.ending == .exited(1) && full.output.contains("write the output"), "\(full.output)")
                let head = try await shell("\(Checkout.aloft) run long | head -c 4")
                #expect(head.ending == .exited(141) && head.output == "y\ny\n", "\(head)")
            }
        }

        @Test(
            "`run` runs a job in the release, prints what it prints, and exits as it does; `jobs` and `logs` know of it"
        )
        func byHand() async throws {
            try await withFixture { fixture in
                let file = try file(
                    """
                      digest: {service: web, command: [sh, -c, "echo $COLOR $ALOFT_RELEASE; echo problem >&2; exit 7"]}
                      slow: {service: web, command: [sh, -c, "sleep 300 & sleep 300"], timeout: 1s}
                    """)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                let run = try await aloft.command("run", "digest")
                #expect(run.ending == .exited(7), "\(run.output)")
                #expect(run.output.contains("green 1") && run.output.contains("problem"), "\(run.output)")
                let slow = try await aloft.command("run", "slow")
                #expect(slow.ending == .exited(1) && slow.output.contains("time limit"), "\(slow.output)")

                let known = try await jobs(aloft)
                #expect(known.map(\.name) == ["digest", "slow"])
                #expect(known[0].runs.map(\.result) == ["failed"] && known[0].runs[0].exitCode == 7)
                #expect(known[0].runs[0].release == 1 && known[0].runs[0].by != nil)
                #expect(known[1].runs.map(\.result) == ["timedOut"])
                try await eventually("the log has it") {
                    try await aloft.command("logs", "digest").output.contains("green 1")
                }
                let table = try await aloft.command("jobs")
                #expect(table.output.contains("by hand") && table.output.contains("failed"), "\(table.output)")
                let history = try await aloft.command("jobs", "digest")
                #expect(history.output.contains("exit code 7"), "\(history.output)")

                let unknown = try await aloft.command("run", "digestt")
                #expect(unknown.ending != .exited(0) && unknown.output.contains("digest, slow"), "\(unknown.output)")
                let service = try await aloft.command("run", "web")
                #expect(service.ending == .exited(1) && service.output.contains("-- COMMAND"), "\(service.output)")
            }
        }

        @Test(
            "the clock runs a job each minute it says, once; a daemon killed meanwhile records the run as interrupted")
        func byTheClock() async throws {
            try await withFixture { fixture in
                let file = try file(
                    """
                      tick: {service: web, command: [sh, -c, "echo $$ > pid; exec sleep 600"], cron: "* * * * *"}
                    """)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                #expect(try await jobs(aloft)[0].next != nil)
                try await eventually("the minute comes", within: .seconds(75)) {
                    try await jobs(aloft)[0].runs.map(\.result) == ["running"]
                }
                let busy = try await aloft.command("run", "tick")
                #expect(busy.ending == .exited(1) && busy.output.contains("is running already"), "\(busy.output)")
                kill(aloft.pid, SIGKILL)
                _ = try await aloft.child.ended()
                let next = try Aloft.again(in: aloft.directory, fixture: fixture)
                _ = try await next.ready(1)
                try await eventually("it is recorded") {
                    try await jobs(next)[0].runs.first?.result == "interrupted"
                }
                let events = try await next.command("events")
                #expect(events.output.contains("cut off"), "\(events.output)")
                let pid = try #require(
                    try pid_t(
                        String(contentsOfFile: aloft.directory + "/pid", encoding: .utf8)
                            .trimmingCharacters(in: .whitespacesAndNewlines)))
                try await eventually("nothing of it runs") { !Processes.isRunning(pid) }
            }
        }

        @Test("a failed run is told to the channel that the job names")
        func notified() async throws {
            try await withFixture { fixture in
                let sink = try await Sink.start(fixture)
                let file = try file(
                    "  digest: {service: web, command: [\"false\"], onFailure: ops}",
                    more: """
                        notifications:
                          channels: {ops: {webhook: "http://127.0.0.1:\(sink.port)/"}}
                        """)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                #expect(try await aloft.command("run", "digest").ending == .exited(1))
                try await eventually("the channel is told", within: .seconds(40)) {
                    try sink.taken().flatMap(\.notices).contains { $0.key == "job/digest" }
                }
            }
        }

        @Test("`run SERVICE -- CMD` has the release's environment and folder, standard input, and its exit code")
        func command() async throws {
            try await withFixture { fixture in
                let file = try file("  digest: {service: web, command: [\"true\"]}", extra: "envFiles: [.env]")
                let folder = try fixture.directory()
                try "TOKEN=one\n".write(toFile: folder + "/.env", atomically: true, encoding: .utf8)
                let aloft = try Aloft.start(in: folder, file: file.text, fixture: fixture)
                _ = try await aloft.ready(1)
                let shell =
                    "echo hi | \(Checkout.aloft) run web -- sh -c 'cat; echo $COLOR $TOKEN $ALOFT_RELEASE; pwd; exit 9'"
                let answer = try await Child.run(["sh", "-c", shell], directory: folder)
                #expect(answer.ending == .exited(9), "\(answer.output)")
                #expect(answer.output.contains("hi\ngreen one 1\n"), "\(answer.output)")
                let missing = try await aloft.command("run", "web", "--", "no-such-program")
                #expect(missing.ending == .exited(1) && missing.output.contains("no-such-program"), "\(missing.output)")
                let job = try await aloft.command("run", "digest", "--", "true")
                #expect(job.ending != .exited(0) && job.output.contains("is a job"), "\(job.output)")
                let events = try await aloft.command("events")
                #expect(events.output.contains("`sh` in release 1"), "\(events.output)")
            }
        }

        @Test("in a terminal the command has it: keys, size, Ctrl-C")
        func terminal() async throws {
            try await withFixture { fixture in
                let aloft = try file("  digest: {service: web, command: [\"true\"]}").start(fixture)
                _ = try await aloft.ready(1)
                let script = """
                    import os, pty, select, struct, fcntl, termios, sys, time
                    pid, fd = pty.fork()
                    if pid == 0:
                        os.execv(sys.argv[1], [sys.argv[1], "run", "web", "--", "sh", "-c",
                            "trap 'echo caught; exit 5' INT; test -t 0 && test -t 1 && echo terminal; "
                            "read line; echo got $line; stty size; while :; do sleep 0.1; done"])
                    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
                    seen, sent = b"", 0
                    end = time.time() + 30
                    while time.time() < end:
                        if select.select([fd], [], [], 0.1)[0]:
                            try:
                                data = os.read(fd, 4096)
                            except OSError:
                                break
                            if not data:
                                break
                            seen += data
                        if sent == 0 and b"terminal" in seen:
                            os.write(fd, b"hello\\n"); sent = 1
                        if sent == 1 and b"33 111" in seen:
                            os.write(fd, b"\\x03"); sent = 2
                    print(seen.decode(errors="replace"))
                    print("code", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                    """
                let answer = try await Child.run(
                    ["python3", "-c", script, Checkout.aloft], directory: aloft.directory, within: .seconds(40))
                #expect(answer.output.contains("got hello"), "\(answer.output)")
                #expect(answer.output.contains("33 111"), "\(answer.output)")
                #expect(answer.output.contains("caught") && answer.output.contains("code 5"), "\(answer.output)")
            }
        }

        @Test(
            "a service with `restart: onFailure` that ends with 0 is done: `up` succeeds, health is good, nothing restarts"
        )
        func done() async throws {
            try await withFixture { fixture in
                var file = try AppFile(
                    AppFile.service(app: "web")
                        + "  once:\n    command: [sh, -c, \"echo did it\"]\n    restart: {policy: onFailure}\n")
                file.admin = "{address: \"127.0.0.1:0\"}"
                let folder = try fixture.directory()
                try file.text.write(toFile: folder + "/aloft.yaml", atomically: true, encoding: .utf8)
                let up = try await Child.run([Checkout.aloft, "up", "--detach"], directory: folder)
                fixture.atEnd("down") { _ = try await Child.run([Checkout.aloft, "down"], directory: folder) }
                #expect(up.ending == .exited(0), "\(up.output)")
                func status() async throws -> Status {
                    try Status(
                        json: try await Child.run([Checkout.aloft, "status", "--json"], directory: folder).output)
                }
                try await eventually("it is done") {
                    try await status().replicas.contains { $0.name == "once-1" && $0.state == "done" }
                }
                let admin = try #require(try await status().admin)
                let health = try await Child.run(["curl", "-s", "\(admin)/health"], directory: folder)
                #expect(health.output.contains("\"state\":\"ok\""), "\(health.output)")
                let deploy = try await Child.run(
                    [Checkout.aloft, "deploy", "once", "--set", "env.N=2"], directory: folder, within: .seconds(60))
                #expect(deploy.ending == .exited(0), "\(deploy.output)")
                let shown = try await Child.run([Checkout.aloft, "status"], directory: folder)
                #expect(shown.output.contains("1 done") && shown.output.contains("done"), "\(shown.output)")
            }
        }
    }
}
