import AloftTestKit
import Foundation
import Testing

/// What tools other than Aloft make of what Aloft writes.
extension Scenarios {
    @Suite("Other tools")
    struct Surface {
        @Test("Prometheus' own client parses /metrics in both formats, and the counts are those of the requests")
        func metrics() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web")
                let admin = try Machine.freePort()
                file.admin = "{address: \"127.0.0.1:\(admin)\"}"
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                for _ in 0..<25 { #expect(try await fetch("/counted", at: file.target).status == 200) }
                let script = AppFile.apps + "/read_metrics.py"
                for format in ["openmetrics", "prometheus"] {
                    let read = try await Child.run(
                        [Checkout.python, script, "\(admin)", format], directory: aloft.directory)
                    #expect(read.ending == .exited(0), "\(format): \(read.output)")
                    #expect(read.output.contains("requests 25"), "\(format): \(read.output)")
                }
            }
        }

        @Test("health names the application, each service and each replica, and says when something is wrong")
        func health() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web", replicas: 2, probes: AppFile.answering)
                let admin = try Machine.freePort()
                file.admin = "{address: \"127.0.0.1:\(admin)\"}"
                let aloft = try file.start(fixture)
                let status = try await aloft.ready(2)
                let well = try await fetch("/health", at: .port(admin))
                #expect(well.status == 200)
                for name in ["web-1", "web-2"] { #expect(well.text.contains(name), "\(well.text)") }
                for replica in status.replicas { kill(try #require(replica.pid), SIGSTOP) }
                fixture.atEnd("let them go on") { for replica in status.replicas { kill(replica.pid ?? 0, SIGCONT) } }
                try await eventually("health is bad") {
                    try await fetch("/health", at: .port(admin)).status == 503
                }
            }
        }

        @Test("the JSON Schema accepts the examples and refuses what the parser refuses")
        func schema() async throws {
            try await withFixture { fixture in
                let folder = try fixture.directory()
                let schema = try await Child.run([Checkout.aloft, "schema"], directory: folder)
                #expect(schema.ending == .exited(0))
                try schema.output.write(toFile: folder + "/schema.json", atomically: true, encoding: .utf8)
                for example in ["hello", "httpbin"] {
                    let path = Checkout.root + "/examples/\(example)/aloft.yaml"
                    #expect(try await check(path, against: folder + "/schema.json", in: folder) == .exited(0))
                    #expect(
                        try await Child.run([Checkout.aloft, "check", path], directory: folder).ending == .exited(0))
                }
                let bad = folder + "/bad.yaml"
                try "version: 1\napp: x\nservices: {web: {comand: [a]}}\nedge: {listeners: [], routes: []}\n"
                    .write(toFile: bad, atomically: true, encoding: .utf8)
                #expect(try await check(bad, against: folder + "/schema.json", in: folder) == .exited(1))
                #expect(try await Child.run([Checkout.aloft, "check", bad], directory: folder).ending == .exited(2))
            }
        }

        @Test(
            "TLS: OpenSSL's client speaks 1.2 and 1.3 with the certificate of the host it names",
            .enabled(if: Machine.has(program: "openssl"), "needs openssl"))
        func tls() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web")
                let keys = try await Certificate.make(in: try fixture.directory())
                file.listenerKeys = ", tls: true"
                file.edge = """
                    tls:
                      certificates:
                        - {hosts: [localhost], files: {certificate: \(keys.chain), key: \(keys.key)}}
                        - {hosts: ["*.example.test"], selfSigned: true}
                    """
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                for version in ["-tls1_2", "-tls1_3"] {
                    for (name, subject) in [("localhost", "CN = localhost"), ("a.example.test", "example.test")] {
                        let client = try await Child.run(
                            [
                                "openssl", "s_client", "-connect", "127.0.0.1:\(file.port)", "-servername", name,
                                version,
                            ],
                            directory: aloft.directory)
                        #expect(client.output.contains(subject), "\(version) \(name): \(client.output.prefix(1000))")
                    }
                }
                let old = try await Child.run(
                    ["openssl", "s_client", "-connect", "127.0.0.1:\(file.port)", "-tls1_1"],
                    directory: aloft.directory)
                #expect(old.ending != .exited(0), "TLS 1.1 is refused")
            }
        }

        private func check(_ file: String, against schema: String, in folder: String) async throws -> Child.Ending {
            let done = try await Child.run(
                [Checkout.python, AppFile.apps + "/check_schema.py", schema, file], directory: folder)
            if done.ending != .exited(0) { print(done.output) }
            return done.ending
        }
    }
}
