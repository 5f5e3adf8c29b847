import AloftModel
import Foundation
import Testing

@testable import AloftLanguage

@Suite("YAML, as Aloft reads it")
struct TreeTests {
    private func environment(_ text: String) throws -> [String: String] {
        let body = text.split(separator: "\n", omittingEmptySubsequences: false).map { "      " + $0 }.joined(
            separator: "\n")
        let reading = read("version: 1\nservices:\n  web:\n    command: [./web]\n    env:\n\(body)\n")
        let said = DiagnosticRenderer(color: false).text(reading.diagnostics)
        #expect(reading.plan != nil, "\(said)")
        let variables = reading.plan?.services.first?.environment ?? []
        return Dictionary(uniqueKeysWithValues: variables.map { ($0.name, $0.value.description) })
    }

    @Test("text is what the file spells, whatever YAML might make of it")
    func textAsWritten() throws {
        let values = try environment(
            "A: on\nB: 0644\nC: 1.10\nD: yes\nE: 0x1F\nF: 2026-11-20\nG: 1e3\nH: .inf\nI: +1\nJ: True")
        #expect(
            values == [
                "A": "on", "B": "0644", "C": "1.10", "D": "yes", "E": "0x1F", "F": "2026-11-20", "G": "1e3",
                "H": ".inf", "I": "+1", "J": "True",
            ])
    }

    @Test("texts over several lines, quoted and escaped, are joined as YAML says")
    func styles() throws {
        let values = try environment(
            "A: |\n  x\n  y\nB: >-\n  x\n  y\nC: 'it''s'\nD: \"a\\tb\\u00e9\"\nF: |+\n  x\n\nE: two\n  lines")
        #expect(values == ["A": "x\ny\n", "B": "x y", "C": "it's", "D": "a\tbé", "E": "two lines", "F": "x\n\n"])
    }

    @Test("merged keys stand behind a map's own, and the first map that brings a key wins")
    func merges() throws {
        let text = """
            version: 1
            x-a: &a {A: a, B: a}
            x-b: &b {B: b, C: b}
            x-probe: &probe {httpGet: /health, period: 7s}
            services:
              web:
                command: [./web]
                env: {<<: [*a, *b], C: own}
                probes: {readiness: *probe, liveness: {<<: *probe, tcpSocket: true}}
            """
        let plan = try #require(read(text).plan)
        let values = plan.services[0].environment.map { "\($0.name)=\($0.value)" }.sorted()
        #expect(values == ["A=a", "B=a", "C=own"])
        #expect(plan.services[0].probes.readiness?.check == .httpGet(path: "/health"))
        #expect(plan.services[0].probes.readiness?.period == .seconds(7))
        // Its own `tcpSocket` stands for the merged `httpGet`: the two exclude each other.
        #expect(plan.services[0].probes.liveness?.check == .tcpSocket)
        #expect(plan.services[0].probes.liveness?.period == .seconds(7))
    }

    @Test("a later anchor of the same name takes its place from there on")
    func anchorsAgain() throws {
        let values = try environment("A: &x one\nB: *x\nC: &x two\nD: *x")
        #expect(values == ["A": "one", "B": "one", "C": "two", "D": "two"])
    }

    @Test("keys that begin with x- are the user's at every level but among header names")
    func extensions() throws {
        let text = """
            version: 1
            x-top: {any: [thing]}
            services:
              x-template: &t {replicas: 3, x-note: 1}
              web: {<<: *t, command: [./web], x-note: "hello", probes: {x-y: ~}}
            edge:
              x-z: 1
              headers: {set: {x-frame-options: DENY}}
              routes: [{service: web, x-w: {}}]
            environments: {x-later: nonsense}
            """
        let plan = try #require(read(text).plan)
        #expect(plan.services.map(\.name) == ["web"])
        #expect(plan.services[0].scaling.minReplicas == 3)
        #expect(plan.edge.headers.set == [.init(name: "x-frame-options", value: "DENY")])
    }

    @Test("an environment merges maps key by key and replaces lists and values")
    func overlays() throws {
        let text = """
            version: 1
            services:
              web: {command: [./web, a], env: {A: "1", B: "2"}, replicas: 4, stop: {drain: 1s}}
            environments:
              staging:
                services:
                  web:
                    command: [./web]
                    env: {B: "3", C: "4"}
                    scaling: {minReplicas: 1, maxReplicas: 2}
                    stop: {grace: 2s}
                logs: {access: off}
            """
        let plan = try #require(read(text, environment: "staging").plan)
        let web = plan.services[0]
        #expect(web.command.map(\.description) == ["./web"])
        #expect(web.environment.map { "\($0.name)=\($0.value)" } == ["A=1", "B=3", "C=4"])
        #expect(web.scaling == ScalingSpec(minReplicas: 1, maxReplicas: 2, minAvailable: 0))
        #expect(web.stop == StopSpec(drain: .seconds(1), grace: .seconds(2)))
        #expect(plan.logs.access == Percent(0))
        #expect(try #require(read(text).plan).services[0].scaling.minReplicas == 4)
    }

    @Test("an environment may give what the file leaves out, once it is chosen")
    func incompleteFile() {
        let text =
            "version: 1\nservices: {web: {listen: unix}}\nenvironments: {a: {services: {web: {command: [./a]}}}}\n"
        #expect(read(text, environment: "a").plan?.services[0].command.map(\.description) == ["./a"])
        #expect(messages(read(text)) == ["`services.web` needs one of `command`, `image`, `build`"])
    }

    @Test("references become parts of a template, and `$${` is text")
    func templates() throws {
        let reading = read(
            "version: 1\nservices: {web: {command: [\"a${PORT}b$${c}${env.HOME}$\", \"\"], listen: port}}\n")
        let command = try #require(reading.plan).services[0].command
        #expect(command[0].parts == [.text("a"), .port, .text("b${c}"), .environment("HOME"), .text("$")])
        #expect(command[1].parts == [.text("")])
    }

    @Test("paths are made absolute from the file's folder")
    func paths() throws {
        let text = """
            version: 1
            services: {web: {command: [./web], directory: ../x/./y//z}}
            edge: {tls: {certificates: [{hosts: [A.example], files: {certificate: c.pem, key: /k.pem}}]}}
            """
        let plan = try #require(read(text).plan)
        #expect(plan.services[0].directory == "/x/y/z")
        #expect(
            plan.edge.tls.certificates == [
                CertificateSpec(
                    hosts: [HostPattern(name: "a.example")], source: .files(certificate: "/app/c.pem", key: "/k.pem"))
            ])
        #expect(plan.directory == "/app")
    }

    @Test("the nearest word is one swap, slip or case away, and none where all is different")
    func nearest() {
        let words = ["replicas", "readiness", "command", "env"]
        #expect(Nearest.word(to: "replica", among: words) == "replicas")
        #expect(Nearest.word(to: "raediness", among: words) == "readiness")
        #expect(Nearest.word(to: "COMMAND", among: words) == "command")
        #expect(Nearest.word(to: "evn", among: words) == "env")
        #expect(Nearest.word(to: "xyz", among: words) == nil)
        #expect(Nearest.word(to: "", among: words) == nil)
        #expect(Nearest.distance(Array("abc".unicodeScalars), Array("acb".unicodeScalars)) == 1)
        #expect(Nearest.distance(Array("kitten".unicodeScalars), Array("sitting".unicodeScalars)) == 3)
    }
}

@Suite("Opening a file")
struct SourceFileTests {
    @Test("gives its bytes and its folder, through links too")
    func opens() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aloft-source-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("aloft.yaml")
        try Data([0xEF, 0xBB, 0xBF] + Array("version: 1\n".utf8)).write(to: file)
        let link = folder.appendingPathComponent("link.yaml")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
        for place in [file, link] {
            let source = try SourceFile.open(place.path)
            #expect(source.bytes == Array("version: 1\n".utf8))
            #expect(source.directory == folder.path)
        }
        try Data(count: 3 << 20).write(to: file)
        #expect(try SourceFile.open(file.path).bytes.count < 2 << 20)
        #expect(messages(Language.read(try SourceFile.open(file.path))) == ["the file is larger than 1 MiB"])
    }

    @Test("says why it cannot")
    func cannot() {
        let missing = SourceError(path: "/nowhere/aloft.yaml", reason: .missing)
        #expect(throws: missing) { try SourceFile.open("/nowhere/aloft.yaml") }
        #expect(throws: SourceError(path: "/", reason: .notAFile)) { try SourceFile.open("/") }
        #expect(throws: SourceError(path: "/dev/zero", reason: .notAFile)) { try SourceFile.open("/dev/zero") }
        #expect(missing.description.contains("aloft init"))
    }
}
