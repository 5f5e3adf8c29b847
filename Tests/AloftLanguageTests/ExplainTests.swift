import AloftLanguage
import Foundation
import Testing

@Suite("aloft explain")
struct ExplainTests {
    private func explanation(_ path: String) throws -> Explanation {
        guard case .key(let explanation) = Language.explain(path) else {
            Issue.record("\(path) is not explained: \(Language.explain(path))")
            throw CancellationError()
        }
        return explanation
    }

    @Test(
        "finds a key with stars, with the user's names, with numbers, and by its end",
        arguments: [
            "services.*.probes.readiness.period", "services.api.probes.readiness.period", "readiness.period",
            "probes.readiness.period",
        ])
    func finds(path: String) throws {
        let explanation = try explanation(path)
        #expect(explanation.path == "services.*.probes.readiness.period")
        #expect(explanation.type == "duration")
        #expect(explanation.standard == "10s")
        #expect(explanation.limits == "100ms to 1h")
        #expect(explanation.example == "services:\n  web:\n    probes:\n      readiness:\n        period: 5s")
    }

    @Test(
        "takes items of lists with a number, with brackets or without",
        arguments: ["edge.routes[].match.path", "edge.routes[0].match.path", "edge.routes.match.path", "match.path"])
    func items(path: String) throws { #expect(try explanation(path).path == "edge.routes[].match.path") }

    @Test("shows sections with their keys, and words with their meanings")
    func sections() throws {
        #expect(try explanation("services.web").path == "services")
        #expect(
            try explanation("edge.limits").keys.map(\.name) == ["head", "body", "connections", "connectionsPerAddress"])
        #expect(try explanation("balance").choices.map(\.value) == ["roundRobin", "leastRequests", "ewma", "hash"])
        #expect(try explanation("version").isRequired)
        #expect(
            try explanation("services.*.command").effect
                == "is a new release of the service, rolled out by its `deploy`")
    }

    @Test(
        "suggests the nearest key for one that is not there",
        arguments: [
            ("services.api.replica", "services.*.replicas"), ("edge.route", "edge.routes"),
            ("services.web.probes.readines.period", "services.*.probes.readiness.period"),
            ("environment", "services.*.env"), ("timeouts.reqest", "edge.timeouts.request"), ("zzz", nil), ("", nil),
            ("a.b.c.d.e.f", nil), ("[[[", nil), ("...", nil),
        ] as [(String, String?)])
    func suggests(path: String, nearest: String?) {
        guard case .unknown(let message, let suggestions) = Language.explain(path) else {
            Issue.record("\(path) is explained")
            return
        }
        #expect(!message.isEmpty)
        #expect(suggestions.count <= 8)
        if let nearest { #expect(suggestions.contains(nearest), "\(suggestions)") }
    }

    @Test("lists all keys that end as asked, where there are several")
    func several() {
        #expect(
            Language.explain("period")
                == .unknown(
                    message: "several keys end in `period`",
                    suggestions: ["startup", "readiness", "liveness"].map { "services.*.probes.\($0).period" }))
    }

    @Test("can be written as JSON")
    func json() throws {
        let data = try JSONEncoder().encode(explanation("edge.limits.body"))
        #expect(try JSONDecoder().decode(Explanation.self, from: data) == explanation("edge.limits.body"))
    }
}

@Suite("The reference page")
struct ReferenceTests {
    private static let page = Here.folder.appendingPathComponent("../../docs/reference/language.md").standardized

    @Test("in docs is what the declarations say (ALOFT_RECORD=1 writes it)")
    func isCurrent() throws {
        if ProcessInfo.processInfo.environment["ALOFT_RECORD"] == "1" {
            try FileManager.default.createDirectory(
                at: Self.page.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Language.reference().write(to: Self.page, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: Self.page, encoding: .utf8)
        let isCurrent = written == Language.reference()
        #expect(isCurrent, "docs/reference/language.md is not what the declarations say")
    }

    @Test("has a row for every key, and tables that are whole")
    func rows() {
        let lines = Language.reference().split(separator: "\n", omittingEmptySubsequences: false)
        for line in lines where line.hasPrefix("| ") {
            let cells = line.replacing("\\|", with: "").split(separator: "|")
            #expect(cells.count == 4, "\(line)")
        }
        for name in ["version", "successThreshold", "connectionsPerAddress", "contentType", "selfSigned", "budget"] {
            #expect(lines.contains { $0.hasPrefix("| `\(name)` |") }, "\(name)")
        }
    }
}
