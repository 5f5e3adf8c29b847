import AloftLanguage
import AloftModel
import Testing

@Suite("What a plan does not guarantee")
struct GapTests {
    private let everything = FileFacts { _ in true }
    private let nothing = FileFacts { _ in false }

    private func gaps(_ text: String, files: FileFacts? = nil) throws -> [Gap] {
        Language.gaps(of: try #require(read("version: 1\n" + text).plan), files: files ?? everything)
    }

    /// A service that leaves nothing open.
    private static let whole = """
        services:
          web:
            command: [./web]
            replicas: 2
            probes: {readiness: {httpGet: /ready}, liveness: {httpGet: /live}}
            resources: {limits: {memory: 512MiB}}

        """

    @Test("is nothing where all is said")
    func none() throws { #expect(try gaps(Self.whole) == []) }

    @Test("is said of a service that only has a command")
    func bare() throws {
        let paths = try gaps("services: {web: {command: [./web]}}\n").map(\.path)
        #expect(
            paths == [
                "services.web.probes.readiness", "services.web.probes.liveness", "services.web.replicas",
                "services.web.resources.limits.memory",
            ])
    }

    @Test("is said of files and folders that are not there, by their paths")
    func missingFiles() throws {
        let text = """
            edge: {tls: {certificates: [{hosts: [a.example], files: {certificate: c.pem, key: k.pem}}]}}

            """
        let gaps = try gaps(
            Self.whole.replacing("[./web]", with: "[bin/web]\n    directory: api") + text, files: nothing)
        #expect(
            gaps.map(\.path) == [
                "services.web.command", "services.web.directory", "edge.tls.certificates[0].files.certificate",
                "edge.tls.certificates[0].files.key",
            ])
        #expect(gaps[0].sentence.hasSuffix("/app/api/bin/web"))
        #expect(gaps[2].sentence.hasSuffix("/app/c.pem"))
    }

    @Test("looks at the disk unless it is told otherwise")
    func disk() throws {
        let text = "version: 1\n" + Self.whole.replacing("[./web]", with: "[/bin/sh]\n    directory: /")
        let plan = try #require(read(text).plan)
        #expect(Language.gaps(of: plan) == [])
        #expect(
            Language.gaps(of: try #require(read("version: 1\n" + Self.whole).plan)).map(\.path).prefix(2) == [
                "services.web.command", "services.web.directory",
            ])
    }

    @Test("is not said of a program that is looked up in PATH, or that a reference names")
    func programsElsewhere() throws {
        #expect(
            try gaps(Self.whole.replacing("[./web]", with: "[python3, ./x]"), files: nothing).map(\.path) == [
                "services.web.directory"
            ])
        #expect(
            try gaps(Self.whole.replacing("[./web]", with: "[\"${env.HOME}/web\"]"), files: nothing).map(\.path)
                == ["services.web.directory"])
    }

    @Test(
        "is said of what an edge leaves open",
        arguments: [
            ("listeners: [{address: \"0.0.0.0:80\"}]", "edge.listeners[0].tls"),
            ("listeners: [{address: \"127.0.0.1:1\"}, {address: \"[::]:80\"}]", "edge.listeners[1].tls"),
            ("tls: {certificates: [{hosts: [a], selfSigned: true}]}", "edge.tls.certificates[0].selfSigned"),
            ("admin: off", "edge.admin"), ("trustedProxies: [0.0.0.0/0]", "edge.trustedProxies[0]"),
            ("routes: [{match: {path: /a}, service: web}]", "edge.routes"),
            ("timeouts: {request: 2m}", "services.web.stop.drain"),
        ])
    func edge(text: String, path: String) throws {
        #expect(try gaps(Self.whole + "edge: {\(text)}\n").map(\.path) == [path])
    }

    @Test("is not said of a listener that only redirects")
    func redirects() throws {
        let text = """
            edge:
              listeners: [{address: "0.0.0.0:80", redirect: https}, {address: "0.0.0.0:443", tls: true}]
              tls: {certificates: [{hosts: [a], files: {certificate: c, key: k}}]}

            """
        #expect(try gaps(Self.whole + text) == [])
    }

    @Test(
        "is said of a service that is kept from coming back, or that no request reaches",
        arguments: [
            ("    restart: {policy: never}\n", "services.web.restart.policy"),
            ("    scaling: {minReplicas: 2, minAvailable: 0}\n", "services.web.scaling.minAvailable"),
        ])
    func services(text: String, path: String) throws {
        let whole = text.contains("scaling") ? Self.whole.replacing("    replicas: 2\n", with: "") : Self.whole
        #expect(try gaps(whole + text).map(\.path) == [path])
    }

    @Test("is said of a service without a route, and a readiness probe is not missed there")
    func worker() throws {
        let text = Self.whole + "  job: {command: [./job], replicas: 2}\nedge: {routes: [{service: web}]}\n"
        let gaps = try gaps(text)
        #expect(
            gaps.map(\.path) == ["services.job.probes.liveness", "services.job.resources.limits.memory", "edge.routes"])
        #expect(gaps[2].sentence == "services.job runs, and no route leads to it")
    }

    @Test("is said of an access log that leaves requests out")
    func accessLog() throws {
        #expect(
            try gaps(Self.whole + "logs: {access: off}\n").map(\.sentence) == [
                "no request is written to the access log"
            ])
        #expect(try gaps(Self.whole + "logs: {access: 10%}\n").map(\.path) == ["logs.access"])
    }

    @Test("says what to write, and a remedy that is YAML for a service closes its gap")
    func remedies() throws {
        var text = "version: 1\nservices:\n  web:\n    command: [./web]\n"
        for _ in 0..<10 {
            let plan = try #require(read(text).plan)
            guard let gap = Language.gaps(of: plan, files: everything).first else { break }
            let key = gap.remedy.prefix { $0 != ":" }
            #expect(gap.path.hasPrefix("services.web.\(key)"))
            if key == "probes", text.contains("probes:") {
                text = text.replacing(
                    "probes: {", with: "probes: {" + gap.remedy.dropFirst("probes: {".count).dropLast() + ", ")
            } else {
                text += "    \(gap.remedy)\n"
            }
        }
        #expect(Language.gaps(of: try #require(read(text).plan), files: everything).isEmpty, "\(text)")
    }
}
