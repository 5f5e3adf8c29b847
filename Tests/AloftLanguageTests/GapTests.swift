import AloftLanguage
import AloftModel
import Testing

@Suite("What a plan does not guarantee")
struct GapTests {
    private let everything = FileFacts { _ in true }
    private let nothing = FileFacts { _ in false }

    private func gaps(_ text: String, files: FileFacts? = nil) throws -> [Gap] {
        Language.gaps(of: try #require(read("version: 1\n" + text).plan), files: files ?? everything)
            .filter { !$0.isUsual }
    }

    @Test("is said of code that runs in place, and of an artifact that is not there; not of containers")
    func code() throws {
        func found(_ text: String, _ files: FileFacts) throws -> [Gap] {
            Language.gaps(of: try #require(read("version: 1\n" + text).plan), files: files)
                .filter { $0.path == "services.web.deploy.artifact" }
        }
        let inPlace = try found(Self.whole, everything)
        #expect(inPlace.count == 1 && inPlace.allSatisfy(\.isInPlace), "\(inPlace)")
        let copied = Self.whole + "    deploy: {artifact: dist}\n"
        #expect(try found(copied, everything) == [])
        #expect(try found(copied, nothing).map(\.sentence.isEmpty) == [false])
        #expect(try found(Self.whole.replacing("command: [./web]", with: "image: web"), everything) == [])
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

    @Test("is said of a service whose answers nobody judges, and of no worker")
    func unjudged() throws {
        func found(_ text: String) throws -> [Gap] {
            try Language.gaps(of: #require(read(text).plan), files: everything).filter(\.isUnjudged)
        }
        let judged = "    deploy: {watch: 1m, analysis: {maxErrorRate: 5%}}\n"
        #expect(try found("version: 1\n" + Self.whole).map(\.path) == ["services.web.deploy.analysis"])
        #expect(try found("version: 1\n" + Self.whole + judged) == [])
        #expect(try found("version: 1\nservices: {job: {command: [./job], listen: none}}\n") == [])
    }

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
        #expect(Language.gaps(of: plan).filter { !$0.isUsual } == [])
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
            ("headers: {untrusted: {keep: [X-Real-IP]}}", "edge.headers.untrusted.keep[0]"),
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

    @Test(
        "is said of what a deploy or a start from nothing leaves open",
        arguments: [
            ("deploy: {strategy: recreate}", "deploy.strategy", "nobody answers meanwhile"),
            (
                "deploy: {strategy: canary, steps: [{weight: 5%, for: 1m}]}", "deploy.analysis",
                "a release that answers with errors is promoted"
            ),
            (
                "deploy: {gates: {before: [{name: t, run: [x], required: false}]}}", "deploy.gates.before",
                "none stops a release"
            ),
            ("deploy: {onFailure: freeze}", "deploy.onFailure", "until somebody decides"),
            ("release: {command: [./m], reversible: false}", "release.reversible", "is not rolled back"),
        ])
    func deploys(text: String, path: String, sentence: String) throws {
        let found = try gaps(Self.whole + "    \(text)\n")
        #expect(found.map(\.path) == ["services.web.\(path)"])
        #expect(found[0].sentence.hasPrefix("services.web ") && found[0].sentence.contains(sentence))
    }

    @Test(
        "is not said of a deploy that stops, judges, and goes back by itself",
        arguments: [
            "deploy: {strategy: blueGreen}", "deploy: {rolling: {maxSurge: 0, maxUnavailable: 1}}",
            "deploy: {strategy: canary, steps: [{weight: 5%, for: 1m}], analysis: {maxErrorRate: 1%}}",
            "deploy: {gates: {before: [{name: t, run: [x]}, {name: u, run: [x], required: false}]}}",
            "release: {command: [./m]}",
        ])
    func wholeDeploys(text: String) throws { #expect(try gaps(Self.whole + "    \(text)\n") == []) }

    @Test("is said of one replica: beside a canary, and where a rolling deploy may take it out")
    func oneReplica() throws {
        let one = Self.whole.replacing("replicas: 2", with: "replicas: 1")
        let canary = "{strategy: canary, steps: [{weight: 5%, for: 1m}], analysis: {maxErrorRate: 1%}}"
        #expect(
            try gaps(one + "    deploy: \(canary)\n").map(\.path)
                == ["services.web.replicas", "services.web.deploy.steps"])
        #expect(
            try gaps(one + "    deploy: {rolling: {maxSurge: 0, maxUnavailable: 1}}\n").map(\.path)
                == ["services.web.replicas", "services.web.deploy.rolling.maxUnavailable"])
        #expect(
            try gaps(one + "    deploy: {rolling: {maxSurge: 1}}\n").map(\.path) == ["services.web.replicas"])
    }

    @Test("is said of a service that stops when it is idle, and not of one that keeps a replica")
    func idle() throws {
        let text = Self.whole.replacing("    replicas: 2\n", with: "")
        let scaling = "    scaling: {minReplicas: 2, minAvailable: 1, idle: {after: 15m, to: 0}}\n"
        let found = try gaps(text + scaling)
        #expect(found.map(\.path) == ["services.web.scaling.idle"])
        #expect(
            found.first?.sentence
                == "services.web has no replica after 15m without a request: the next one waits for a start, at most 30s"
        )
        #expect(try gaps(text + scaling.replacing("to: 0", with: "to: 1")) == [])
    }

    @Test("is said of a folder to build from, and a container's program is not looked for on this machine")
    func containers() throws {
        let built = Self.whole.replacing("command: [./web]", with: "build: ./web")
        #expect(
            try gaps(built, files: nothing).map(\.path) == ["services.web.directory", "services.web.build"])
        let image = Self.whole.replacing("command: [./web]", with: "image: web\n    command: [/bin/web]")
        #expect(try gaps(image, files: nothing).map(\.path) == ["services.web.directory"])
    }

    @Test(
        "is said of notifications that reach nobody",
        arguments: [
            ("warning: {to: [ops]}", ["notifications.critical"]), ("critical: {to: [ops]}", ["notifications.fallback"]),
            ("critical: {to: [ops]}, fallback: mail", []), ("critical: {to: [ops, mail]}", []),
        ])
    func notifications(text: String, paths: [String]) throws {
        let channels = "{ops: {webhook: \"https://x.example\"}, mail: {webhook: \"https://y.example\"}}"
        #expect(try gaps(Self.whole + "notifications: {channels: \(channels), \(text)}\n").map(\.path) == paths)
    }

    @Test("is said of keys that stand in the file, and not of those that a variable holds")
    func keys() throws {
        let image = Self.whole.replacing(
            "command: [./web]", with: "image: web\n    registry: {username: u, password: VALUE}")
        let channels = "{page: {pagerduty: VALUE}, hook: {webhook: {url: \"https://y.example\", secret: VALUE}}}"
        let text = image + "notifications: {channels: \(channels), critical: {to: [page, hook]}}\n"
        #expect(
            try gaps(text.replacing("VALUE", with: "plain")).map(\.path) == [
                "services.web.registry.password", "notifications.channels.page.pagerduty",
                "notifications.channels.hook.webhook.secret",
            ])
        #expect(try gaps(text.replacing("VALUE", with: "\"${env.TOKEN}\"")) == [])
    }

    @Test(
        "is said of addresses that let whoever reads the file write there",
        arguments: [
            ("{slack: \"https://hooks.example/T0/B1\"}", ["slack"]), ("{slack: \"${env.TOKEN}\"}", []),
            ("{email: {to: [a@b.example], smtp: \"smtps://me:pw@mail.example:465\"}}", ["email.smtp"]),
            ("{email: {to: [a@b.example], smtp: \"smtps://me:${env.TOKEN}@mail.example:465\"}}", []),
            ("{email: {to: [a@b.example], smtp: \"smtp://mail.example:25\"}}", []),
        ])
    func addresses(channel: String, keys: [String]) throws {
        let more = "other: {webhook: \"https://y.example\"}"
        let text = Self.whole + "notifications: {channels: {ops: \(channel), \(more)}, critical: {to: [ops, other]}}\n"
        #expect(try gaps(text).map(\.path) == keys.map { "notifications.channels.ops.\($0)" })
    }

    @Test("is said of an environment that takes releases without being asked")
    func promotion() throws {
        let text = Self.whole + "environments: {staging: {promotesTo: production}, production: {}}\n"
        let found = try gaps(text)
        #expect(found.map(\.path) == ["environments.production.requires"])
        #expect(found.first?.sentence == "production takes releases of staging without anybody's approval")
        #expect(
            try gaps(text.replacing("production: {}", with: "production: {requires: {approvals: [ops]}}")) == [])
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
            let start = "\(key): {"
            if text.contains(start) {
                text = text.replacing(start, with: start + gap.remedy.dropFirst(start.count).dropLast() + ", ")
            } else {
                text += "    \(gap.remedy)\n"
            }
        }
        #expect(Language.gaps(of: try #require(read(text).plan), files: everything).isEmpty, "\(text)")
    }
}

extension Gap {
    /// Most services run their code in place, and are judged by their probes; what else is said of them is told apart here.
    fileprivate var isUsual: Bool { isInPlace || isUnjudged }

    fileprivate var isInPlace: Bool { path.hasSuffix(".deploy.artifact") && sentence.contains("in place") }
    fileprivate var isUnjudged: Bool { path.hasSuffix(".deploy.analysis") && sentence.contains("its probes alone") }
}
