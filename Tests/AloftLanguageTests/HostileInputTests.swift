import AloftLanguage
import AloftTestKit
import Testing

/// Files made to hurt: each gets an error in bounded time, and never a crash.
@Suite("Hostile files", .serialized)
struct HostileInputTests {
    /// Generous: an unoptimised build on a busy machine. What it guards against takes minutes.
    private static let patience = Duration.seconds(60)

    struct Case: Sendable, CustomStringConvertible {
        var description: String
        var make: @Sendable () -> String
    }

    private static let mebibyte = Language.maximumFileSize

    private static func filled(_ piece: String, size: Int = mebibyte) -> String {
        String(repeating: piece, count: size / piece.utf8.count)
    }

    private static let repeated: [Case] = [
        "[", "{", "]", "}", "- ", "? ", ": ", "a: ", "&a ", "*a ", "!a ", "!!", "\"", "'", "|", ">", "%", "@", "`", ",",
        " ", "\n", "\r", "\t", "#", "-", "--- ", "...\n", "a\n", "a: b\n", "- a\n", "[a,", "{a: ", "<<: ", "<<: *a\n",
        "\\",
        "x", "é", "漢", "🚀", "${", "$", "\u{85}", "\u{2028}", "? - ", "- - ", "a:\n- ", "&a [", "- &a\n- *a\n", "\"\\",
        "''",
    ].map { piece in
        Case(description: "a mebibyte of \(piece.debugDescription)") { filled(piece) }
    }

    private static let built: [Case] = [
        Case(description: "maps below maps") {
            (0..<1400).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
        },
        Case(description: "lists in lists, closed again") {
            "version: 1\nx-a: " + filled("[", size: 60_000) + filled("]", size: 60_000)
        },
        Case(description: "a thousand million laughs") {
            let first = "version: 1\nx-0: &a0 {k: [l, l, l, l, l, l, l, l, l]}\n"
            return first
                + (1..<30).map { index in
                    let alias = "*a\(index - 1)"
                    return "x-\(index): &a\(index) [\((0..<9).map { _ in alias }.joined(separator: ", "))]\n"
                }.joined()
        },
        Case(description: "laughs through merge keys") {
            "version: 1\nx-0: &a0 {a: 1}\n"
                + (1..<60).map { "x-\($0): &a\($0) {<<: [*a\($0 - 1), *a\($0 - 1)], k\($0): *a\($0 - 1)}\n" }.joined()
        },
        Case(description: "laughs as keys") {
            "x-0: &a0 [l]\n" + (1..<30).map { "x-\($0): &a\($0) {*a\($0 - 1) : *a\($0 - 1)}\n" }.joined()
        },
        Case(description: "fifty thousand anchors and aliases of unknown ones") {
            (0..<25_000).map { "x-\($0): &a\($0) b\n" }.joined() + (0..<10_000).map { "y\($0): *b\($0)\n" }.joined()
        },
        Case(description: "the same key a hundred thousand times") { filled("a: 1\n", size: 500_000) },
        Case(description: "a hundred thousand unknown keys") { (0..<100_000).map { "k\($0): 1\n" }.joined() },
        Case(description: "a key of a mebibyte") { filled("k") + ": 1" },
        Case(description: "a quoted text of a mebibyte") { "app: \"" + filled("\\x41", size: 1_000_000) + "\"" },
        Case(description: "a file with a mebibyte more") { filled("version: 1\n") + filled("#") },
        Case(description: "many routes to services that are not there") {
            let services = (0..<200).map { "  \(filled("n", size: 58))-\($0): {command: [x]}\n" }.joined()
            let routes = (0..<2000).map { "    - {service: \(filled("m", size: 58))-\($0)}\n" }.joined()
            return "version: 1\nservices:\n\(services)edge:\n  routes:\n\(routes)"
        },
        Case(description: "many routes on one path") {
            "version: 1\nedge:\n  routes:\n"
                + (0..<4000).map { "    - {match: {path: /a, headers: {h: \"\($0)\"}}, redirect: /b}\n" }.joined()
        },
        Case(description: "paths of many parts") {
            "version: 1\nedge:\n  routes:\n"
                + (0..<300).map { "    - {match: {path: \(filled("/a", size: 1000))\($0)}, redirect: /b}\n" }.joined()
        },
        Case(description: "twenty environments over many routes") {
            "version: 1\nenvironments:\n" + (0..<20).map { "  e\($0): {logs: {level: debug}}\n" }.joined()
                + "edge:\n  routes:\n"
                + (0..<300).map { "    - {match: {path: /p\($0)}, redirect: /b}\n" }.joined()
        },
        Case(description: "many unknown references") {
            "version: 1\nservices:\n  a:\n    command: [x]\n    env:\n"
                + (0..<300).map { "      V\($0): \"\(filled("${env.HOMEE}", size: 900))\"\n" }.joined()
        },
        Case(description: "an unclosed reference of a mebibyte") {
            "version: 1\nservices: {a: {command: [\"" + filled("${").dropLast(100) + "\"]}}"
        },
    ]

    @Test("end in time, in a plan or an error", arguments: repeated + built)
    func endInTime(hostile: Case) {
        let text = hostile.make()
        let clock = ContinuousClock()
        var reading = Reading(plan: nil, diagnostics: [])
        let taken = clock.measure { reading = read(text) }
        let isEither = (reading.plan == nil) == !reading.errors.isEmpty
        #expect(isEither, "neither a plan nor an error")
        #expect(taken < Self.patience, "took \(taken)")
        #expect(reading.diagnostics.count <= 1000)
        let rendered = DiagnosticRenderer(color: true).text(reading.diagnostics)
        #expect(rendered.utf8.count < 2_000_000, "\(rendered.utf8.count) bytes of diagnostics")
    }

    @Test(
        "with more of something than there may be are refused",
        arguments: [
            (
                "services", 201, "services:\n", "  s%: {command: [x]}\n",
                "`services` has 201 entries; it takes at most 200"
            ),
            (
                "routes", 10_001, "edge:\n  routes:\n", "    - {redirect: /%}\n",
                "`routes` has 10001 items; it takes at most 10000"
            ),
            (
                "variables", 1001, "services:\n  a:\n    command: [x]\n    env:\n", "      V%: x\n",
                "`env` has 1001 entries; it takes at most 1000"
            ),
            (
                "arguments", 257, "services:\n  a:\n    command:\n", "      - a%\n",
                "`command` has 257 items; it takes at most 256"
            ),
        ])
    func tooMany(what: String, count: Int, head: String, line: String, message: String) {
        let text = "version: 1\n" + head + (0..<count).map { line.replacing("%", with: "\($0)") }.joined()
        #expect(messages(read(text)).contains(message))
        let fewer = "version: 1\n" + head + (0..<count - 1).map { line.replacing("%", with: "\($0)") }.joined()
        #expect(!messages(read(fewer)).contains { $0.contains("it takes at most") })
    }

    @Test("with more warnings than are kept still have their error")
    func warningsHideNoError() {
        let route = "    - {match: {path: /a}, redirect: /b}\n"
        let routes = "version: 1\nedge:\n  routes:\n" + String(repeating: route, count: 700)
        #expect(read(routes).plan != nil)
        #expect(read(routes).warnings.count == 500)
        #expect(read(routes + "logs: {level: loud}\n").errors.count == 1)
    }

    @Test("larger than a mebibyte are refused unread")
    func tooLarge() {
        let reading = read(Self.filled("a") + "aaaaaaaaaaaaa")
        #expect(messages(reading) == ["the file is larger than 1 MiB"])
    }

    @Test("of random bytes never crash")
    func randomBytes() {
        var random = SplitMix(seed: 7)
        for _ in 0..<2000 {
            let length = Int.random(in: 0...200, using: &random)
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let source = SourceFile(name: "random", directory: "/", bytes: bytes)
            let reading = Language.read(source)
            #expect(reading.plan == nil)
            #expect(!reading.errors.isEmpty, "\(bytes)")
            _ = DiagnosticRenderer(color: false).text(reading.diagnostics)
        }
    }
}
