import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("A real application")
    struct Httpbin {
        @Test("httpbin under gunicorn answers the same through the edge as directly")
        func sameAnswers() async throws {
            try await withFixture { fixture in
                let gunicorn = Checkout.venv + "/bin/gunicorn"
                try Checkout.require(gunicorn)
                var file = try AppFile(
                    """
                      web:
                        command: [\(gunicorn), --bind, "127.0.0.1:${PORT}", --threads, "8", --keep-alive, "75", "httpbin:app"]
                        replicas: 2
                        probes: {readiness: {httpGet: /status/200, period: 500ms, timeout: 2s, failureThreshold: 3}}
                    """)
                file.edge = "limits: {body: 20MiB}"
                let aloft = try file.start(fixture)
                let status = try await aloft.ready(2, within: .seconds(60))
                let direct = try #require(status.replicas.first?.address?.split(separator: ":").last)
                let compared = try await Child.run(
                    [
                        Checkout.python, AppFile.apps + "/compare_httpbin.py", String(direct), "\(file.port)",
                    ], directory: aloft.directory, within: .seconds(120))
                #expect(compared.ending == .exited(0), "\(compared.output)")
                let count = compared.output.firstMatch(of: #/([0-9]+) answers compared/#).flatMap { Int($0.1) } ?? 0
                #expect(count >= 120, "\(compared.output)")
            }
        }

        @Test("the example `hello` runs as it is, and its file has nothing to complain about")
        func helloExample() async throws {
            try await withFixture { fixture in
                let folder = try fixture.directory()
                let example = Checkout.root + "/examples/hello"
                var text = try String(contentsOfFile: example + "/aloft.yaml", encoding: .utf8)
                try FileManager.default.copyItem(atPath: example + "/app.py", toPath: folder + "/app.py")
                let port = try Machine.freePort()
                let admin = try Machine.freePort()
                text.replace("127.0.0.1:8080", with: "127.0.0.1:\(port)")
                text.replace("127.0.0.1:9900", with: "127.0.0.1:\(admin)")
                let aloft = try Aloft.start(in: folder, file: text, fixture: fixture)
                _ = try await aloft.ready(3)
                var replicas: Set<Substring> = []
                for _ in 0..<60 {
                    let answer = try await fetch("/", at: .port(port))
                    #expect(answer.status == 200)
                    replicas.formUnion(answer.text.matches(of: #/on port (\d+)/#).map(\.1))
                }
                #expect(replicas.count == 3, "each replica answered")
                #expect(try await fetch("/metrics", at: .port(admin)).text.contains("http_server_request_duration"))
                #expect(try await aloft.command("check").ending == .exited(0))
            }
        }
    }
}
