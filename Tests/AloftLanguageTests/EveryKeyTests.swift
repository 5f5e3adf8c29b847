import AloftModel
import Testing

@testable import AloftLanguage

/// Each declaration held against what the reading really does.
@Suite("Every key")
struct EveryKeyTests {
    /// Keys that say nothing about what runs.
    private static let withoutEffect: Set<String> = ["version"]

    @Test("changes the plan when its value is the example", arguments: KeyIndex.shared.entries.map(\.path))
    func changesThePlan(path: String) throws {
        let entry = try #require(KeyIndex.shared[path])
        guard !Self.withoutEffect.contains(path) else { return }
        var environment: String?
        if path == FileKeys.environments.name { environment = "staging" }
        let without = try plan(Sample(entry, isGiven: false).text, environment: nil)
        let with = try plan(Sample(entry, isGiven: true).text, environment: environment)
        let differs = with != without
        #expect(differs, "`\(path)` parses and changes nothing")
        #expect(with.environment == environment)
        if environment != nil {
            var merged = with
            merged.environment = nil
            merged.environments = []
            let changes = merged != without
            #expect(changes, "an environment changes nothing")
        }
    }

    @Test("is read as its example where `explain` shows it")
    func examples() throws {
        for entry in KeyIndex.shared.entries {
            let example = Example(entry).text
            let text = example.hasPrefix("version:") ? example : "version: 1\n" + example
            let reading = read(text + "\n")
            let own = reading.diagnostics.filter {
                !$0.message.contains(" is missing") && !$0.message.contains("needs one of")
                    && !$0.message.contains("names no service") && !$0.message.contains("nothing to run")
                    && !$0.message.contains("without `service`") && !$0.message.contains("redirects to https")
                    && !$0.message.contains("has no certificate") && !$0.message.contains("changes nothing")
                    && !$0.message.contains("nothing to judge by") && !$0.message.contains("names no environment")
                    && !$0.message.contains("names no channel") && !$0.message.contains("nothing is ever sent")
            }
            #expect(own.isEmpty, "\(entry.path):\n\(text)\n\(own.map(\.message))")
        }
    }

    @Test("has words, and a path of its own")
    func words() {
        var seen: Set<String> = []
        for entry in KeyIndex.shared.entries {
            #expect(seen.insert(entry.path).inserted, "\(entry.path) is declared twice")
            let summary = entry.declaration.summary
            #expect(summary.last == ".", "\(entry.path): the summary is a sentence: \(summary)")
            #expect(summary.count <= 120, "\(entry.path): the summary is one line")
            #expect(!entry.declaration.example.isEmpty)
        }
        #expect(KeyIndex.shared.entries.count > 80)
    }

    @Test("is none of the words that are still to come, and no synonym of its neighbours")
    func futureWords() {
        func check(_ form: SectionForm) {
            let names = Set(form.keys.map(\.name))
            for key in form.keys {
                #expect(!FutureWords.contains(key.name, in: form.name), "\(form.name).\(key.name)")
                #expect(names.isDisjoint(with: key.synonyms), "\(form.name).\(key.name): \(key.synonyms)")
                if let section = key.form.section?.form { check(section) }
            }
        }
        check(FileKeys.section.form)
    }

    @Test("has a default that is read as the default")
    func defaults() throws {
        for entry in KeyIndex.shared.entries {
            guard case .standard(let text) = entry.declaration.presence else { continue }
            let without = try plan(Sample(entry, isGiven: false).text, environment: nil)
            let with = try plan(Sample(entry, isGiven: true, value: text).text, environment: nil)
            let isSame = with == without
            #expect(isSame, "`\(entry.path): \(text)` is not what is assumed without it")
        }
    }

    private func plan(_ text: String, environment: String?) throws -> Plan {
        let reading = read(text, environment: environment)
        let isRead = reading.plan != nil
        try #require(isRead, "\(text)\n\(DiagnosticRenderer(color: false).text(reading.diagnostics))")
        return try #require(reading.plan)
    }
}

/// A file in which one key stands, or is left out, among all that it needs.
private struct Sample {
    let text: String
    private let path: String
    private let value: String?

    init(_ entry: KeyIndex.Entry, isGiven: Bool, value: String? = nil) {
        path = entry.path
        let given = value ?? entry.declaration.example
        self.value =
            switch path {
            case _ where !isGiven: nil
            case "edge.routes": given.replacing("api", with: "web")
            case "services.*.scaling.metrics[].series": "\(given), target: 5"
            case "services.*.deploy.steps[].approve": "\(given)}, {weight: 3%, for: 9m"
            default: given
            }
        var sample = ""
        for (name, value) in Self.members(FileKeys.section.form, entry.steps[...], path, self.value) {
            sample += "\(name): \(value)\n"
        }
        text = sample
    }

    /// What a section needs to be read, the key at `steps` left out of it.
    private static func companions(_ form: SectionForm, without name: String, _ path: String) -> [(String, String)] {
        switch form.name {
        case "service" where path.hasPrefix("services.*.scaling."):
            [("command", "[./web]"), ("resources", "{requests: {cpu: 1, memory: 64MiB}}")]
        case "service": DeploySamples.service(path)
        case "scaling": scaling(without: name)
        case "metric" where name == "path" || name == "target": [("series", "s"), ("target", "5")]
        case "metric": name == "cpu" ? [("memory", "9%")] : [("cpu", "9%")]
        case "idle": [("after", "1m")]
        case "schedule":
            [("cron", "\"0 2 * * *\""), name == "minReplicas" ? ("maxReplicas", "9") : ("minReplicas", "3")]
        case "probe": [name == "tcpSocket" ? ("exec", "[./other]") : ("tcpSocket", "true")]
        case "edge" where path.hasPrefix("edge.listeners[]"):
            [("tls", "{certificates: [{hosts: [b.example], selfSigned: true}]}")]
        case "listener": [("address", "\"127.0.0.1:1\"")] + (name == "publicPort" ? [("tls", "true")] : [])
        case "certificate":
            [
                ("hosts", "[a.example]"),
                name == "selfSigned" ? ("files", "{certificate: ./a, key: ./b}") : ("selfSigned", "true"),
            ]
        case "certificateFiles": [("certificate", "./a"), ("key", "./b")]
        case "route": [name == "service" ? ("respond", "{}") : ("service", "web")]
        case "redirect": [("to", "/elsewhere")]
        case "file" where path == "services": [("version", "1"), ("edge", "{routes: [{redirect: /elsewhere}]}")]
        case "file" where path == "jobs.*.onFailure":
            [
                ("version", "1"), ("services", "{web: {command: [./web]}}"),
                ("notifications", "{channels: {ops: {slack: \"https://x.example\"}}, critical: {to: [ops]}}"),
            ]
        case "file" where path == "jobs.*.service":
            [
                ("version", "1"), ("services", "{web: {command: [./web]}, api: {command: [./api]}}"),
                ("edge", "{routes: [{service: web}]}"),
            ]
        case "file" where path.hasPrefix("edge.routes[]"):
            [("version", "1"), ("services", "{web: {command: [./web]}, api: {command: [./api]}}")]
        case "file" where path == "services.*.dependsOn":
            [("version", "1"), ("edge", "{routes: [{service: web}]}")]
        case "file": [("version", "1"), ("services", "{web: {command: [./web]}}")]
        default: DeploySamples.companions(form.name, without: name, path)
        }
    }

    /// Metrics need room to move in, and `behavior` something to follow.
    private static func scaling(without name: String) -> [(String, String)] {
        name == "maxReplicas"
            ? [("minReplicas", "2")]
            : [("minReplicas", "2"), ("maxReplicas", "9"), ("metrics", "[{cpu: 50%}]")].filter { $0.0 != name }
    }

    private static func members(
        _ form: SectionForm, _ steps: ArraySlice<String>, _ path: String, _ value: String?
    ) -> [(String, String)] {
        guard let name = steps.first, let key = form.keys.first(where: { $0.name == name }) else { return [] }
        var members = companions(form, without: name, path)
        if steps.count == 1, value == nil { return members }
        let excluded = form.alternatives.filter { $0.names.contains(name) }.flatMap(\.names)
        members.removeAll { $0.0 == name || excluded.contains($0.0) }
        guard steps.count > 1 else { return members + [(name, value ?? "")] }
        guard let (more, inner) = key.form.section else { return members }
        let section = self.members(inner, steps.dropFirst(1 + more.count), path, value)
        var text = "{" + section.map { "\($0.0): \($0.1)" }.joined(separator: ", ") + "}"
        for step in more.reversed() {
            text = step == "[]" ? "[\(text)]" : "{\(path.hasPrefix("jobs.") ? "digest" : "web"): \(text)}"
        }
        if path.hasPrefix("edge.listeners[]"), name == "listeners" {
            text = text.dropLast() + ", {address: \"127.0.0.1:2\", tls: true}]"
        }
        if path == "services.*.dependsOn", name == "services" {
            text = text.dropLast() + ", api: {command: [./api]}}"
        }
        if path == "environments.*.promotesTo", name == "environments" {
            text = text.dropLast() + ", production: {}}"
        }
        return members + [(name, text)]
    }
}
