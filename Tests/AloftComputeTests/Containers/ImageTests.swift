import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Logging
import Testing

@testable import AloftCompute

@Suite("Images", .serialized, .enabled(if: Runner.available.contains(.container)))
struct ImageTests {
    private func driver(_ state: String, _ added: [String: String] = [:]) -> ContainerDriver {
        let host = ["PATH": "/usr/bin:/bin", "HOME": "/root", "TOKEN": "s3cret"]
            .merging(TestEngine.environment) { $1 }.merging(added) { $1 }
        return ContainerDriver(
            ComputeConfiguration(stateDirectory: state, hostEnvironment: host), logger: Logger(label: "test"))
    }

    private func failure(_ driver: ContainerDriver, _ spec: ContainerSpec) async -> String {
        do throws(LaunchFailure) {
            return "no failure: \(try await driver.resolveImage(spec, service: "web"))"
        } catch {
            return error.description
        }
    }

    @Test("a folder is built once for each content, and a tag that moves does not change what was recorded")
    func build() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            // Another image than that of the other tests, since it is removed by its id.
            try TestImage.writeContext(folder, "LABEL test=\(folder)\n")
            let state = "\(folder)/.aloft"
            let driver = driver(state)
            let spec = ContainerSpec(source: .build(directory: folder))
            let first = try await driver.resolveImage(spec, service: "built")
            fixture.atEnd("remove the images") { try TestImage.call(["rmi", "--force", first]) }
            #expect(ImageReference(first).isID)
            #expect(try await driver.resolveImage(spec, service: "built") == first)
            try AtomicFile.write("more".utf8, to: "\(folder)/bin/more")
            let second = try await driver.resolveImage(spec, service: "built")
            fixture.atEnd("remove the images") { try TestImage.call(["rmi", "--force", second]) }
            #expect(second != first)
            #expect(try await driver.resolveImage(ContainerSpec(source: .image(first)), service: "x") == first)
            try TestImage.call(["tag", second, "localhost/aloft-test/moves:1"])
            let moving = ContainerSpec(source: .image("localhost/aloft-test/moves:1"))
            #expect(try await driver.resolveImage(moving, service: "x") == second)
            try TestImage.call(["tag", first, "localhost/aloft-test/moves:1"])
            #expect(try await driver.resolveImage(moving, service: "x") == first)
        }
    }

    @Test("what was built and nobody names any more is removed; not what another service or daemon built")
    func removeBuilt() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            let driver = driver("\(folder)/.aloft")
            let other = self.driver(try fixture.directory())
            let spec = ContainerSpec(source: .build(directory: folder))
            var built: [String] = []
            try TestImage.writeContext(folder, "LABEL test=\(folder)\n")
            for number in 1...3 {
                try AtomicFile.write("\(number)".utf8, to: "\(folder)/bin/number")
                built.append(try await driver.resolveImage(spec, service: "pruned"))
            }
            let ids = built
            fixture.atEnd("remove the images") { try TestImage.call(["rmi", "--force"] + ids) }
            #expect(try await driver.resolveImage(spec, service: "side") == ids[2])
            #expect(try await other.removeBuiltImages(of: "pruned", keeping: []) == 0)
            #expect(try await driver.removeBuiltImages(of: "pruned", keeping: [ids[1]]) == 2)
            #expect(try await driver.resolveImage(ContainerSpec(source: .image(ids[1])), service: "x") == ids[1])
            // Its last name is the other service's.
            #expect(try await driver.resolveImage(ContainerSpec(source: .image(ids[2])), service: "x") == ids[2])
            let gone = await failure(driver, ContainerSpec(source: .image(ids[0])))
            #expect(gone.contains("is here no more"), "\(gone)")
        }
    }

    @Test("a build that fails says why, and keeps what it printed")
    func buildFails() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try AtomicFile.write("FROM scratch\nCOPY nothing /\n".utf8, to: "\(folder)/Containerfile")
            let state = try fixture.directory()
            let said = await failure(driver(state), ContainerSpec(source: .build(directory: folder)))
            #expect(said.hasPrefix("the image cannot be built: ") && said.contains("nothing"), "\(said)")
            #expect(try readText("\(state)/containers/build-web.log").contains("COPY nothing"))
            let empty = await failure(driver(state), ContainerSpec(source: .build(directory: state)))
            #expect(empty.hasPrefix("there is no Containerfile or Dockerfile in \(state)"))
        }
    }

    @Test("a short name that is not here is refused, one that is here is taken")
    func shortName() async throws {
        try await withFixture { fixture in
            let driver = driver(try fixture.directory())
            let refused = await failure(driver, ContainerSpec(source: .image("aloft-no-such-image")))
            #expect(refused.contains("names no registry") && refused.contains("docker.io/library/aloft-no-such-image"))
            // Podman takes a short name for one of `localhost/`, docker for one of its own registry.
            let name = TestEngine.isDocker ? "aloft-test-short:1" : "localhost/aloft-test-short:1"
            try TestImage.call(["tag", TestImage.name, name])
            fixture.atEnd("untag") { try TestImage.call(["rmi", name]) }
            let found = try await driver.resolveImage(
                ContainerSpec(source: .image("aloft-test-short:1")), service: "web")
            #expect(ImageReference(found).isID)
        }
    }

    @Test("a registry that is not there, one that refuses, one that has no such image: each is told, no secret is left")
    func registries() async throws {
        try await withFixture { fixture in
            let state = try fixture.directory()
            let (port, log) = try await registry(fixture)
            let host = "127.0.0.1:\(port)"
            let conf = "\(state)/registries.conf"
            try AtomicFile.write("[[registry]]\nlocation = \"\(host)\"\ninsecure = true\n".utf8, to: conf)
            let driver = driver(state, ["CONTAINERS_REGISTRIES_CONF": conf])
            let gone = await failure(driver, ContainerSpec(source: .image("127.0.0.1:1/acme/api:1")))
            #expect(gone.contains("127.0.0.1:1 cannot be reached"), "\(gone)")
            let refused = await failure(driver, ContainerSpec(source: .image("\(host)/acme/api:1")))
            #expect(refused.contains("\(host) refuses access"), "\(refused)")
            let credentials = RegistryCredentials(
                username: Template("ci"), password: Template(parts: [.environment("TOKEN")]))
            let unknown = await failure(
                driver, ContainerSpec(source: .image("\(host)/acme/api:1"), registry: credentials))
            #expect(unknown.contains("\(host) does not have it"), "\(unknown)")
            #expect(try readText(log).contains("Basic " + RegistryLogin.base64(Array("ci:s3cret".utf8))))
            for said in [gone, refused, unknown] { #expect(!said.contains("s3cret")) }
            let left = try Directories.names(in: "\(state)/containers")
            #expect(!left.contains { $0.hasPrefix(RegistryLogin.prefix) }, "\(left)")
        }
    }

    /// A registry that knows one user and has no image; writes what it was told of users to the log.
    private func registry(_ fixture: Fixture) async throws -> (port: Int, log: String) {
        let folder = try fixture.directory()
        let script = """
            import http.server, sys, base64
            good = "Basic " + base64.b64encode(b"ci:s3cret").decode()
            class H(http.server.BaseHTTPRequestHandler):
                def log_message(self, *a): pass
                def do_HEAD(self): self.do_GET()
                def do_GET(self):
                    user = self.headers.get("Authorization", "")
                    open("\(folder)/log", "a").write(user + "\\n")
                    ok = user == good
                    code = 401 if not ok else 200 if self.path == "/v2/" else 404
                    kind = "UNAUTHORIZED" if not ok else "MANIFEST_UNKNOWN"
                    text = kind.lower().replace("_", " ")
                    body = ('{"errors":[{"code":"%s","message":"%s"}]}' % (kind, text)).encode()
                    self.send_response(code)
                    if not ok: self.send_header("WWW-Authenticate", 'Basic realm="test"')
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body))); self.end_headers()
                    if self.command == "GET": self.wfile.write(body)
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
            open("\(folder)/port.new", "w").write(str(server.server_port))
            import os; os.rename("\(folder)/port.new", "\(folder)/port")
            server.serve_forever()
            """
        let child = try Child(
            ["python3", "-c", script], directory: folder, output: "\(folder)/printed")
        fixture.atEnd("stop the registry") {
            child.signal(SIGKILL)
            _ = try await child.ended()
        }
        let port = try await eventually("the registry listens") {
            (try? readText("\(folder)/port")).flatMap { Int($0) }
        }
        return (port, "\(folder)/log")
    }
}
