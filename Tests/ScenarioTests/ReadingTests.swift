import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("What people read")
    struct Reading {
        private func start(_ services: String, _ fixture: Fixture) throws -> Aloft {
            let port = try Machine.freePort()
            let file = """
                version: 1
                app: reading
                services:
                \(services)
                edge: {listeners: [{address: "127.0.0.1:\(port)"}], admin: off, routes: [{match: {path: /*}, service: web}]}

                """
            return try Aloft.start(in: try fixture.directory(), file: file, fixture: fixture)
        }

        private static let server = "python3 -m http.server $PORT --bind 127.0.0.1"

        @Test("`up` shows the last lines of an app that dies at once, and says ready only of services that are")
        func crash() async throws {
            try await withFixture { fixture in
                let services = """
                      web: {command: [sh, -c, "echo no database at db >&2; echo Node.js v20.1.0 >&2; exit 3"]}
                    """
                let aloft = try start(services, fixture)
                try await eventually("its last lines are shown") { aloft.output.contains("web-1 | no database at db") }
                #expect(aloft.output.contains("; web 0/1 ready  (daemon.started)"), "\(aloft.output)")
                #expect(!aloft.output.contains("ready in"), "\(aloft.output)")
                #expect(!aloft.output.contains("web-1 | Node.js"), "\(aloft.output)")
            }
        }

        @Test("`up` says once that every service is ready")
        func ready() async throws {
            try await withFixture { fixture in
                let aloft = try start("  web: {command: [sh, -c, \"exec \(Self.server)\"], replicas: 2}", fixture)
                _ = try await aloft.ready(2)
                try await eventually("it is said") { aloft.output.contains("(daemon.ready)") }
                #expect(aloft.output.split(separator: "\n").count { $0.contains("(daemon.ready)") } == 1)
            }
        }

        @Test(
            "`logs` shows records as people read them, `--raw` as they were printed, and names that are none are refused"
        )
        func logs() async throws {
            try await withFixture { fixture in
                let record = #"{\"level\":50,\"msg\":\"no mail\",\"to\":\"a b\"}"#
                let aloft = try start(
                    "  web: {command: [sh, -c, \"echo '\(record)'; exec \(Self.server)\"]}", fixture)
                _ = try await aloft.ready(1)
                let shown = try await eventually("the line is there") {
                    let answer = try await aloft.command("logs", "web", "--replica", "1")
                    return answer.output.contains("no mail") ? answer.output : nil
                }
                #expect(shown.contains(#"web-1  error  no mail  to="a b""#), "\(shown)")
                let raw = try await aloft.command("logs", "--raw")
                #expect(raw.output.contains(#"{"level":50,"msg":"no mail","to":"a b"}"# + "\n"), "\(raw.output)")
                for (arguments, hint) in [
                    (["logs", "wbe"], "did you mean `web`?"), (["events", "nosuch"], "there is `web`"),
                    (["logs", "-f", "nosuch"], "there is `web`"), (["stauts"], "did you mean `aloft status`?"),
                ] {
                    let wrong = try await Child.run([Checkout.aloft] + arguments, directory: aloft.directory)
                    #expect(wrong.ending == .exited(2), "\(arguments): \(wrong.output)")
                    #expect(wrong.output.hasPrefix("error: ") && wrong.output.contains(hint), "\(wrong.output)")
                    let json = try await Child.run(
                        [Checkout.aloft] + arguments + ["--json"], directory: aloft.directory)
                    #expect(json.ending == .exited(2) && json.output.hasPrefix("{\"error\":{"), "\(json.output)")
                }
                try await aloft.stop()
                let after = try await aloft.command("logs", "nosuch")
                #expect(after.ending == .exited(2) && after.output.contains("there is `web`"), "\(after.output)")
            }
        }

        @Test("`status` keeps to 80 columns and says how much comes in")
        func status() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", replicas: 2, probes: AppFile.answering)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(2)
                for _ in 0..<20 { #expect(try await fetch("/", at: file.target).status == 200) }
                let status = try await aloft.command("status")
                let rows = status.output.split(separator: "\n").filter {
                    $0.hasPrefix("web") || $0.hasPrefix("SERVICE")
                }
                #expect(rows.count == 4 && rows.allSatisfy { $0.count <= 80 }, "\(status.output)")
                #expect(rows[0].hasSuffix("REQ/S  ERRORS  P95"), "\(status.output)")
                #expect(rows[1].contains("ms") || rows[1].contains(" s"), "\(status.output)")
            }
        }
    }
}
