import AloftLanguage
import AloftModel
import Testing

@Suite("The difference of two plans")
struct DifferenceTests {
    private static let base = """
        version: 1
        app: shop
        services:
          web: {command: [./web], replicas: 2, env: {A: "1", B: "2"}}
          api: {command: [./api]}
        edge:
          routes:
            - {match: {path: /api/*}, service: api}
            - {match: {path: /old}, redirect: /new}
            - {match: {path: /*}, service: web}
        """

    private func changes(_ edit: (String) -> String) throws -> [PlanChange] {
        let old = try #require(read(Self.base).plan)
        let new = try #require(read(edit(Self.base)).plan)
        return Language.difference(from: old, to: new)
    }

    @Test("of a plan and itself is empty")
    func nothing() throws { #expect(try changes { $0 } == []) }

    @Test("says that a command is a new release of its own service")
    func command() throws {
        let changes = try changes { $0.replacing("[./api]", with: "[./api, -v]") }
        #expect(
            changes == [
                PlanChange(
                    path: "services.api.command", kind: .changed, old: "[./api]", new: "[./api, -v]",
                    effect: "is a new release of api, rolled out by its `deploy`", restarts: "api")
            ])
    }

    @Test("names single variables, and only those that differ")
    func variables() throws {
        let changes = try changes { $0.replacing("A: \"1\", B: \"2\"", with: "B: \"3\", C: \"4\"") }
        #expect(changes.map(\.path) == ["services.web.env.A", "services.web.env.B", "services.web.env.C"])
        #expect(changes.map(\.kind) == [.removed, .changed, .added])
        #expect(changes.allSatisfy { $0.restarts == "web" })
    }

    @Test("says that replicas are started or stopped, and nothing restarted")
    func replicas() throws {
        let changes = try changes { $0.replacing("replicas: 2", with: "replicas: 3") }
        #expect(changes.map(\.path) == ["services.web.scaling.minReplicas", "services.web.scaling.maxReplicas"])
        #expect(changes.allSatisfy { $0.effect == "starts or stops replicas of web" && $0.restarts == nil })
    }

    @Test("is one change for a service that comes or goes")
    func services() throws {
        let added = try changes { $0.replacing("  api: {", with: "  job: {command: [./job]}\n  api: {") }
        #expect(added.map(\.path) == ["services.job"])
        #expect(added.first?.effect == "starts the replicas of job")
        #expect(added.first?.old == nil)
        let removed = try changes {
            $0.replacing("  api: {command: [./api]}\n", with: "").replacing("service: api", with: "service: web")
        }
        #expect(removed.map(\.path) == ["services.api", "edge.routes[/api/*].service"])
        #expect(removed.first?.effect == "stops the replicas of api")
        #expect(removed.first?.new == nil)
    }

    @Test("finds a route by what it matches, wherever it stands")
    func routes() throws {
        let inserted = try changes {
            $0.replacing("  routes:\n", with: "  routes:\n    - {match: {path: /first}, service: web}\n")
        }
        #expect(inserted.map(\.path) == ["edge.routes[/first]"])
        #expect(inserted.first?.effect == "takes effect for the next request")
        let changed = try changes { $0.replacing("redirect: /new", with: "redirect: /newer") }
        #expect(changed.map(\.path) == ["edge.routes[/old].redirect.to"])
        let swapped = try changes {
            $0.replacing("    - {match: {path: /old}, redirect: /new}\n", with: "")
                .replacing("  routes:\n", with: "  routes:\n    - {match: {path: /old}, redirect: /new}\n")
        }
        #expect(swapped.map(\.path) == ["edge.routes"])
        #expect(swapped.first?.new == "order /old, /api/*, /*")
    }

    @Test("says what becomes of listeners, certificates and the admin listener")
    func edge() throws {
        let changes = try changes {
            $0.replacing(
                "edge:\n",
                with: "edge:\n  admin: off\n  listeners: [{address: \"127.0.0.1:1\"}]\n  limits: {body: 1MiB}\n")
        }
        #expect(
            changes.map(\.path) == [
                "edge.listeners[127.0.0.1:8080]", "edge.listeners[127.0.0.1:1]", "edge.admin", "edge.limits.body",
            ])
        #expect(changes[2].old == "{address: \"127.0.0.1:9900\"}" && changes[2].new == "off")
        #expect(changes.prefix(3).allSatisfy { $0.effect.contains("open connections stay") })
    }

    @Test("names the environment, where that is another")
    func environment() throws {
        let text = Self.base + "\nenvironments: {staging: {logs: {level: debug}}}\n"
        let old = try #require(read(text).plan)
        let new = try #require(read(text, environment: "staging").plan)
        let changes = Language.difference(from: old, to: new)
        #expect(changes.map(\.path) == ["logs.level", "environments"])
        #expect(changes.map(\.old) == ["info", "none"] && changes.map(\.new) == ["debug", "staging"])
    }

    @Test("of a probe that is new is the probe, and restarts nothing")
    func probes() throws {
        let changes = try changes {
            $0.replacing("{command: [./api]}", with: "{command: [./api], probes: {readiness: {httpGet: /}}}")
        }
        #expect(changes.map(\.path) == ["services.api.probes.readiness"])
        #expect(changes.first?.effect == "takes effect at once")
        #expect(changes.first?.restarts == nil)
    }

    @Test("is empty exactly where plans are equal, for random ones")
    func random() throws {
        for seed in 0..<60 {
            let left = try #require(read(RandomFile.text(seed: UInt64(seed))).plan)
            let right = try #require(read(RandomFile.text(seed: UInt64(seed + 1))).plan)
            #expect(Language.difference(from: left, to: left).isEmpty)
            let isSame = left == right
            #expect(Language.difference(from: left, to: right).isEmpty == isSame, "seed \(seed)")
        }
    }
}
