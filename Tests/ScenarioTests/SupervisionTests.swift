import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Supervision")
    struct Supervision {
        private static let prober = "{readiness: {exec: [sh, -c, \"COMMAND\"], period: 100ms, timeout: 2s}}"

        private func file(_ command: String, probe: String, more: String = "") throws -> AppFile {
            try AppFile(
                """
                  web:
                    command: [sh, -c, "\(command)"]
                    probes: \(Self.prober.replacing("COMMAND", with: probe))
                    restart: {backoff: {initial: 100ms, max: 2s, resetAfter: 1m}}
                    stop: {drain: 1s, grace: 2s}
                \(more)
                """)
        }

        @Test("whatever Aloft runs has the soft limit of open files that Aloft was started with, or the file's")
        func openFiles() async throws {
            for (more, limit) in [("", "300"), ("    resources: {limits: {openFiles: 400}}", "400")] {
                try await withFixture { fixture in
                    var file = try file(
                        "ulimit -Sn > replica; ulimit -Hn > hard; exec busybox httpd -f -p 127.0.0.1:$PORT",
                        probe: "ulimit -Sn > probe",
                        more: "    release: {command: [sh, -c, \"ulimit -Sn > release\"]}\n" + more)
                    file.more = "logs: {access: off}"
                    let aloft = try file.start(fixture, wrapper: ["prlimit", "--nofile=300:9000"])
                    _ = try await aloft.ready(1)
                    for name in ["replica", "probe", "release"] {
                        let text = try String(contentsOfFile: aloft.directory + "/" + name, encoding: .utf8)
                        #expect(text == limit + "\n", "\(name)")
                    }
                    #expect(try String(contentsOfFile: aloft.directory + "/hard", encoding: .utf8) == "9000\n")
                    let exec = try await aloft.command("exec", "web", "--", "sh", "-c", "ulimit -Sn")
                    #expect(exec.output.contains(limit), "\(exec.output)")
                    // The daemon's own is raised.
                    let own = try String(contentsOfFile: "/proc/\(aloft.pid)/limits", encoding: .utf8)
                    #expect(own.contains(/Max open files +9000 +9000/), "\(own)")
                }
            }
        }

        @Test("what probes and release commands leave running ends with them")
        func leftByCommands() async throws {
            try await withFixture { fixture in
                let leave = "setsid sleep 1031 & setsid sh -c 'sleep 1031 & sleep 1031' & sleep 0.05"
                let file = try file(
                    "exec busybox httpd -f -p 127.0.0.1:$PORT", probe: leave + "; echo x >> asked",
                    more: "    release: {command: [sh, -c, \"\(leave)\"]}")
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                try await eventually("twenty probes were asked") {
                    try String(contentsOfFile: aloft.directory + "/asked", encoding: .utf8).utf8.count >= 40
                }
                let exec = try await aloft.command("exec", "web", "--", "sh", "-c", leave)
                #expect(exec.ending == .exited(0), "\(exec.output)")
                // Those of one probe may be running at this very moment.
                #expect(Processes.withArguments(["sleep", "1031"]).count <= 3)
            }
        }

        @Test("as process 1 it reaps the orphans of others, and still learns how its own replicas end")
        func processOne() async throws {
            try await withFixture { fixture in
                let orphans = "i=0; while :; do i=$((i+1)); (sleep 0.05 &); echo x >> made; sleep 0.02; done & "
                let file = try file(
                    orphans + "busybox httpd -f -p 127.0.0.1:$PORT & trap 'exit 7' USR1; while :; do wait; done",
                    probe: "true")
                let aloft = try file.start(
                    fixture, wrapper: ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"])
                _ = try await aloft.ready(1)
                let daemon = try #require(Processes.children(of: aloft.pid).first)
                try await eventually("two hundred orphans were made") {
                    try String(contentsOfFile: aloft.directory + "/made", encoding: .utf8).utf8.count >= 400
                }
                try await eventually("few wait to be reaped") { Processes.zombies(of: daemon) < 30 }
                _ = try await aloft.command("exec", "web", "--", "sh", "-c", "kill -USR1 $(pgrep -o -f 'trap')")
                _ = try await aloft.status("it ended and is back") { status in
                    status.replicas.count == 1 && status.replicas.allSatisfy { $0.inRotation && $0.restarts == 1 }
                }
                let events = try await aloft.command("events").output
                #expect(events.contains("exit code 7"), "\(events)")
                // The program around it takes no signals.
                kill(daemon, SIGTERM)
                _ = try await aloft.child.ended(within: .seconds(20))
            }
        }

        @Test("a state directory with a long path works, for commands and for replicas on sockets")
        func longState() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", replicas: 2, probes: AppFile.answering, extra: "listen: unix")
                let folder = try fixture.directory()
                let state = folder + "/" + String(repeating: "long/", count: 30) + "state"
                let aloft = try Aloft.start(
                    in: folder, file: file.text, environment: ["ALOFT_STATE": state], fixture: fixture)
                try await eventually("both are ready; it printed:\n\(aloft.output)") {
                    let answer = try await aloft.command("status", "--json", "--state", state)
                    guard answer.ending == .exited(0) else { return false }
                    return try Status(json: answer.output).replicas.count(where: \.inRotation) == 2
                }
                #expect(try await fetch("/", at: file.target).status == 200)
                let down = try await aloft.command("down", "--state", state)
                #expect(down.ending == .exited(0), "\(down.output)")
                let after = try await aloft.command("status", "--state", state)
                #expect(after.output.contains("no daemon runs on \(state)"), "\(after.output)")
                #expect(!after.output.contains("kill -9"), "\(after.output)")
            }
        }

        @Test("another user is told whose daemon it is, and how to ask it")
        func anotherUser() async throws {
            try await withFixture { fixture in
                let aloft = try AppFile(app: "web").start(fixture)
                _ = try await aloft.ready(1)
                let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
                let words = [Checkout.aloft, "status", "--state", aloft.state]
                let answer = try await Child.run(nobody + words, directory: aloft.directory)
                #expect(answer.ending == .exited(1), "\(answer.output)")
                #expect(answer.output.contains("belongs to the user root, and you are nobody"), "\(answer.output)")
                #expect(answer.output.contains("`sudo \(words.joined(separator: " "))`"), "\(answer.output)")
                #expect(!answer.output.contains("kill -9"), "\(answer.output)")
            }
        }

        @Test("an app that ignores $PORT is shown to do so, in the foreground and by `status`")
        func ignoresPort() async throws {
            try await withFixture { fixture in
                let port = try Machine.freePort()
                let file = try AppFile(
                    """
                      web:
                        command: [busybox, httpd, -f, -p, "127.0.0.1:\(port)"]
                        probes: {readiness: {httpGet: /, period: 200ms, timeout: 1s}}
                    """)
                let aloft = try file.start(fixture)
                let words = "it listens on 127.0.0.1:\(port) and ignores $PORT"
                try await eventually("the foreground says so") { aloft.output.contains(words) }
                let status = try await aloft.command("status")
                #expect(status.output.contains(words), "\(status.output)")
            }
        }
    }
}
