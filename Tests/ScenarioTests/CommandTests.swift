import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Commands")
    struct Commands {
        @Test(
            "every command explains itself with --help and an example",
            arguments: [
                "init", "check", "plan", "explain", "schema", "reference", "up", "down", "reload", "restart", "scale",
                "status", "logs", "events", "deploy", "rollback", "promote", "approve", "abort", "pause", "resume",
                "history", "exec", "notify", "run", "jobs", "prune",
            ])
        func help(command: String) async throws {
            try await withFixture { fixture in
                let folder = try fixture.directory()
                let help = try await aloft(command, "--help", in: folder)
                #expect(help.ending == .exited(0), "\(help.output)")
                #expect(help.output.contains("USAGE: aloft \(command)"), "\(help.output)")
                #expect(help.output.contains("Example: "), "\(help.output)")
                let wrong = try await aloft(command, "--no-such-option", in: folder)
                #expect(wrong.ending == .exited(2), "\(wrong.output)")
            }
        }

        @Test("`init` proposes a file for an app's folder that `check` accepts and `plan` shows in full")
        func initialise() async throws {
            try await withFixture { fixture in
                let folder = try fixture.directory()
                try FileManager.default.copyItem(
                    atPath: Checkout.root + "/examples/hello/app.py", toPath: folder + "/app.py")
                let proposed = try await aloft("init", in: folder)
                #expect(proposed.ending == .exited(0), "\(proposed.output)")
                #expect(proposed.output.contains("app.py"), "it says what it saw: \(proposed.output)")
                let checked = try await aloft("check", in: folder)
                #expect(checked.ending == .exited(0), "\(checked.output)")
                let plan = try await aloft("plan", in: folder)
                #expect(plan.ending == .exited(0))
                #expect(plan.output.contains("not guaranteed"), "\(plan.output)")
                #expect(plan.output.contains("requestHead"), "defaults are visible: \(plan.output)")
                let again = try await aloft("init", in: folder)
                #expect(again.ending == .exited(1), "a file that is there is not overwritten")
            }
        }

        @Test(
            "a full disk behind the output, a folder that is gone and an argument that is not UTF-8 are failures that say so"
        )
        func unusual() async throws {
            try await withFixture { fixture in
                let folder = try fixture.directory()
                func shell(_ line: String) async throws -> (ending: Child.Ending, output: String) {
                    try await Child.run(
                        ["bash", "-c", line.replacing("aloft ", with: "\(Checkout.aloft) ")], directory: folder)
                }
                for command in ["schema", "reference", "--help"] {
                    let full = try await shell("aloft \(command) > /dev/full")
                    #expect(full.ending == .exited(1), "\(command)")
                    #expect(full.output.contains("write the output: No space left on device"), "\(full.output)")
                }
                let closed = try await shell("aloft schema >&-")
                #expect(
                    closed.ending == .exited(1) && closed.output.contains("cannot write the output"), "\(closed.output)"
                )
                let reader = try await shell("aloft schema | head -1")
                #expect(reader.ending == .exited(0) && !reader.output.contains("error"), "\(reader.output)")

                let gone = try await shell("mkdir gone && cd gone && rmdir ../gone && aloft init")
                #expect(gone.ending == .exited(2), "\(gone.output)")
                #expect(gone.output.contains("the current folder does not exist any more"), "\(gone.output)")

                let bytes = try await shell("aloft deploy web --set $'env.B=x\\xffy'")
                #expect(bytes.ending == .exited(2), "\(bytes.output)")
                #expect(bytes.output.contains("argument 4 is not UTF-8 text"), "\(bytes.output)")

                let root = try await shell("aloft deploy web --artifact /")
                #expect(root.ending == .exited(2) && root.output.contains("the whole machine"), "\(root.output)")
            }
        }

        @Test("a name of 100 000 letters is refused, and not a reason to stop the daemon")
        func longName() async throws {
            try await withFixture { fixture in
                let aloft = try AppFile(app: "web").start(fixture)
                _ = try await aloft.ready(1)
                let said = try await aloft.command("history", String(repeating: "a", count: 100_000))
                #expect(said.ending == .exited(1) || said.ending == .exited(2), "\(said.ending)")
                #expect(said.output.contains("refused the request") && !said.output.contains("aloft down"))
            }
        }

        @Test("`restart` under load replaces each replica and fails no request")
        func restart() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", replicas: 2, probes: AppFile.answering)
                let aloft = try file.start(fixture)
                let before = try await aloft.ready(2).replicas.compactMap(\.pid)
                let load = Load(to: file.target)
                let report = try await load.run(clients: 8) {
                    try await eventually("the load is under way") { load.answered > 100 }
                    #expect(try await aloft.command("restart", "web").ending == .exited(0))
                    _ = try await aloft.status("other processes serve") { status in
                        let ready = status.replicas.filter(\.inRotation).compactMap(\.pid)
                        return ready.count == 2 && Set(ready).isDisjoint(with: before)
                    }
                }
                #expect(report.bad == 0, "\(report.failures)")
                #expect(report.refused == 0)
                let unknown = try await aloft.command("restart", "wed")
                #expect(unknown.ending == .exited(2))
                #expect(unknown.output.contains("web"), "it names the services there are: \(unknown.output)")
            }
        }

        @Test("`scale` moves between the file's bounds under load and refuses to go past them")
        func scale() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web", probes: AppFile.answering)
                file.services = file.services.replacingOccurrences(
                    of: "replicas: 1", with: "scaling: {minReplicas: 1, maxReplicas: 3}")
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                let load = Load(to: file.target)
                let report = try await load.run(clients: 4) {
                    for count in [3, 1, 2] {
                        #expect(try await aloft.command("scale", "web", "\(count)").ending == .exited(0))
                        _ = try await aloft.status("\(count) replicas") { status in
                            status.replicas.count == count && status.replicas.allSatisfy(\.inRotation)
                        }
                    }
                }
                #expect(report.bad == 0, "\(report.failures)")
                let past = try await aloft.command("scale", "web", "4")
                #expect(past.ending == .exited(2))
                #expect(past.output.contains("1 to 3"), "\(past.output)")
            }
        }

        @Test("`logs` reads what replicas printed across rotations, also once the daemon has ended")
        func logs() async throws {
            try await withFixture { fixture in
                let aloft = try AppFile(app: "counter", replicas: 2).start(fixture)
                _ = try await aloft.ready(2)
                let lines = try await eventually("lines of one replica") {
                    let shown = try await aloft.command("logs", "web", "--replica", "web-2", "--tail", "50", "--json")
                    let lines = shown.output.split(separator: "\n")
                    return lines.count == 50 ? lines : nil
                }
                #expect(lines.allSatisfy { $0.contains("\"web-2\"") && $0.contains("\"stdout\"") })
                try await aloft.stop()
                let after = try await aloft.command("logs", "--tail", "5")
                #expect(after.ending == .exited(0), "\(after.output)")
                #expect(after.output.contains("line "), "\(after.output)")
            }
        }

        @Test("`explain` knows every key by its path and suggests the nearest for one that is none")
        func explain() async throws {
            try await withFixture { fixture in
                let folder = try fixture.directory()
                let known = try await aloft("explain", "probes.readiness.period", in: folder)
                #expect(known.ending == .exited(0))
                #expect(known.output.contains("default"), "\(known.output)")
                let unknown = try await aloft("explain", "edge.limit", in: folder)
                #expect(unknown.ending == .exited(2))
                #expect(unknown.output.contains("edge.limits"), "\(unknown.output)")
            }
        }

        @Test("replicas that listen on Unix sockets serve like those on ports")
        func unixSockets() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", replicas: 2, probes: AppFile.answering, extra: "listen: unix")
                let aloft = try file.start(fixture)
                let status = try await aloft.ready(2)
                #expect(status.replicas.allSatisfy { $0.address?.hasPrefix("unix:") == true }, "\(status)")
                let load = Load(to: file.target)
                let report = try await load.run(clients: 4) {
                    try await eventually("requests are served") { load.served > 500 }
                    kill(try #require(status.replicas[0].pid), SIGKILL)
                    _ = try await aloft.status("it is back") {
                        $0[replica: "web-1"].map { $0.inRotation && $0.restarts == 1 } ?? false
                    }
                }
                #expect(report.bad == 0, "\(report.failures)")
            }
        }

        private func aloft(_ arguments: String..., in folder: String) async throws -> (
            ending: Child.Ending, output: String
        ) {
            try await Child.run([Checkout.aloft] + arguments, directory: folder)
        }
    }
}
