import AloftModel
import AloftTestKit
import Testing

@testable import AloftLanguage

@Suite("Dotenv files")
struct DotEnvTests {
    private static let host = ["HOST": "h", "EMPTY": ""]

    private func parse(_ text: String) -> DotEnv { DotEnv(Array(text.utf8)) { Self.host[$0] } }

    private static let values: [(text: String, expected: [String: String])] = [
        ("A=1", ["A": "1"]),
        ("A = 1 ", ["A": "1"]),
        ("  export A=1\n\texport\tB=2", ["A": "1", "B": "2"]),
        ("exportA=1", ["exportA": "1"]),
        ("A: 1", ["A": "1"]),
        ("A=1:2", ["A": "1:2"]),
        ("A=\nB=", ["A": "", "B": ""]),
        ("# no\n\n  # nor this\nA=1", ["A": "1"]),
        ("A=1 # comment", ["A": "1"]),
        ("A=1# no comment", ["A": "1# no comment"]),
        ("A=#1", ["A": "#1"]),
        ("A= # comment", ["A": ""]),
        ("A=b=c", ["A": "b=c"]),
        ("A=two words", ["A": "two words"]),
        ("A=it's", ["A": "it's"]),
        (#"A=x\ny"#, ["A": #"x\ny"#]),
        ("A='$B # x'", ["A": "$B # x"]),
        (#"A='it\'s'"#, ["A": "it's"]),
        (#"A='x\ny'"#, ["A": #"x\ny"#]),
        ("A='one\ntwo'\nB=2", ["A": "one\ntwo", "B": "2"]),
        (#"A="x y" # comment"#, ["A": "x y"]),
        (#"A="say \"hi\"""#, ["A": #"say "hi""#]),
        (#"A="a\nb\tc\\d\qe""#, ["A": "a\nb\tc\\d\\qe"]),
        (#"A="\$HOST""#, ["A": "$HOST"]),
        ("A=\"one\ntwo\"\nB=2", ["A": "one\ntwo", "B": "2"]),
        ("A=$HOST", ["A": "h"]),
        ("A=${HOST}x", ["A": "hx"]),
        ("A=\"<${HOST}>\"", ["A": "<h>"]),
        ("HOST=own\nA=$HOST", ["HOST": "own", "A": "own"]),
        ("A=$$x", ["A": "$x"]),
        ("A=${NONE:-d}", ["A": "d"]),
        ("A=${NONE-d}", ["A": "d"]),
        ("A=${EMPTY:-d}", ["A": "d"]),
        ("A=${EMPTY-d}", ["A": ""]),
        ("A=${HOST:-d}", ["A": "h"]),
        ("A=${NONE:-${HOST}}", ["A": "h"]),
        ("A=${HOST:-$NONE}", ["A": "h"]),
        ("A=${HOST:+yes}", ["A": "yes"]),
        ("A=${NONE:+yes}", ["A": ""]),
        ("A=${EMPTY:+yes}", ["A": ""]),
        ("A=${EMPTY+yes}", ["A": "yes"]),
        ("A=${HOST:?must}", ["A": "h"]),
        ("A=1\r\nB=\"x\r\ny\"\r\n", ["A": "1", "B": "x\ny"]),
        ("\u{FEFF}A=1", ["A": "1"]),
        ("A=1\nA=2", ["A": "2"]),
        ("a.b-c_D1=1", ["a.b-c_D1": "1"]),
        ("A=grün", ["A": "grün"]),
    ]

    @Test("are read as docker compose reads them", arguments: values.indices)
    func reads(index: Int) {
        let (text, expected) = Self.values[index]
        let read = parse(text)
        #expect(read.faults.isEmpty, "\(text): \(read.faults)")
        let found = Dictionary(read.entries.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
        #expect(found == expected, "\(text)")
    }

    private static let wrong: [(text: String, line: Int, column: Int, words: String)] = [
        ("A", 1, 1, "sets nothing"),
        ("A=1\nTOKENabc\n", 2, 1, "sets nothing"),
        ("=1", 1, 1, "begins here"),
        ("1A=x", 1, 1, "begins here"),
        ("A B=1", 1, 3, "`=` follows"),
        ("A$=1", 1, 2, "`=` follows"),
        ("A=1\nB='open\nC=2", 2, 3, "never closed"),
        ("A=\"open\\\"", 1, 3, "never closed"),
        ("A=\"x\"y", 1, 6, "closing quote"),
        ("A='x' y", 1, 7, "closing quote"),
        ("A=x$SECRETPART", 1, 4, "not set"),
        ("A=\"one\n  $NONE\"", 2, 3, "not set"),
        ("A=a$1b", 1, 4, "names no variable"),
        ("A=100$", 1, 6, "names no variable"),
        ("A=${HOST", 1, 3, "not closed"),
        ("A=${}", 1, 3, "not closed"),
        ("A=${HOST!x}", 1, 3, "not closed"),
        ("A=${NONE:?why}", 1, 3, "requires"),
        ("A=${NONE:-$ALSONONE}", 1, 11, "not set"),
        ("A=x\0y", 1, 4, "NUL"),
    ]

    @Test("are refused at the place of the mistake, without a word of a value", arguments: wrong.indices)
    func refuses(index: Int) {
        let (text, line, column, words) = Self.wrong[index]
        let fault = parse(text).faults.first
        #expect(fault?.position == Position(line: line, column: column), "\(text): \(fault.debugDescription)")
        #expect(fault?.message.contains(words) == true, "\(text): \(fault.debugDescription)")
        let said = (fault?.message ?? "") + (fault?.hint ?? "")
        for secret in ["TOKENabc", "SECRETPART", "ALSONONE", "100"] { #expect(!said.contains(secret), "\(said)") }
    }

    @Test("one mistake does not hide the next, nor the lines between")
    func severalMistakes() {
        let read = parse("A=1\nnothing\nB=2\nC=$NONE\nD=4")
        #expect(read.faults.map(\.position.line) == [2, 4])
        #expect(read.entries.map(\.name) == ["A", "B", "D"])
    }

    @Test("have limits: size, number, length of a value, number of problems")
    func limits() {
        #expect(parse(String(repeating: "#", count: DotEnv.longestFile + 1)).faults.count == 1)
        let many = (0...DotEnv.mostVariables).map { "A\($0)=x" }.joined(separator: "\n")
        #expect(parse(many).faults.first?.message.contains("more than 1000") == true)
        #expect(parse("A=" + String(repeating: "x", count: DotEnv.longestValue + 1)).faults.count == 1)
        #expect(parse(String(repeating: "x\n", count: 5000)).faults.count == DotEnv.mostProblems)
        let deep = "A=" + String(repeating: "${N:-", count: 1000) + String(repeating: "}", count: 1000)
        #expect(!parse(deep).faults.isEmpty)
    }

    @Test("that are not UTF-8 are refused with the line")
    func notText() {
        let read = DotEnv(Array("A=1\nB=gr".utf8) + [0xFC, 0x6E, 0x0A]) { _ in nil }
        #expect(read.faults.map(\.position) == [Position(line: 2, column: 1)])
        #expect(DotEnv([0xFF]) { _ in nil }.faults.count == 1)
    }

    @Test("of any bytes end in entries or faults, never in a crash", arguments: 0..<20)
    func anyBytes(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let pieces = [
            "A", "=", "'", "\"", "\\", "$", "{", "}", ":-", "?", "#", " ", "\n", "\r\n", "export ", "é", "\0",
        ]
        for _ in 0..<300 {
            let text = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            let read = parse(text)
            for entry in read.entries { #expect(!entry.name.isEmpty && !entry.value.contains("\0"), "seed \(seed)") }
        }
    }
}

@Suite("envFiles")
struct EnvFilesTests {
    private static let files: [String: String] = [
        "/app/.env": "A=1\nB=1\nPORT=80\n", "/app/.env.local": "B=2\nTOKEN=hush-7\n",
        "/app/bad.env": "A=1\nB=$hush\n", "/app/other.env": "A=3\n",
    ]

    private func read(_ envFiles: String, _ changed: [String: String] = [:], environment: String? = nil) -> Reading {
        let text = """
            version: 1
            services:
              web:
                command: [./web]
                envFiles: \(envFiles)
            environments: {staging: {services: {web: {envFiles: [other.env]}}}, prod: {services: {web: {envFiles: [none]}}}}
            """
        let files = Self.files.merging(changed) { _, new in new }
        return Language.read(
            SourceFile(name: "aloft.yaml", directory: "/app", text: text), environment: environment,
            envFiles: { path in
                files[path].map { .text(Array($0.utf8), isReadableByAll: path.hasSuffix("local")) } ?? .missing
            })
    }

    private func variables(_ reading: Reading) -> [String: String] {
        let found = reading.plan?.services[0].fileVariables.variables ?? []
        return Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.value.revealed) })
    }

    @Test("later files win, an optional one may be missing, `PORT` is left out with a warning at its line")
    func order() {
        let reading = read("[.env, {path: .env.local, optional: true}, {path: no.env, optional: true}]")
        #expect(variables(reading) == ["A": "1", "B": "2", "TOKEN": "hush-7"])
        #expect(reading.diagnostics.map(\.severity) == [.warning])
        let warning = reading.diagnostics.first
        #expect(warning?.file == ".env" && warning?.line == 3 && warning?.message.contains("PORT") == true)
    }

    @Test("a file that is missing is an error at the item that names it")
    func missing() throws {
        let reading = read("[.env, no.env]")
        #expect(reading.plan == nil)
        let error = try #require(reading.errors.first)
        #expect((error.file, error.line, error.column) == ("aloft.yaml", 5, 22))
        #expect(error.message.contains("no.env") && error.hint?.contains("optional: true") == true)
    }

    @Test("a mistake in a file is an error in that file, of which no line is shown")
    func mistake() throws {
        let reading = read("[bad.env]")
        #expect(reading.plan == nil)
        let error = try #require(reading.errors.first)
        #expect((error.file, error.line, error.column) == ("bad.env", 2, 3))
        let text = DiagnosticRenderer(color: false).text(reading.diagnostics)
        #expect(text.contains("bad.env:2:3: error:") && !text.contains("hush"), "\(text)")
    }

    @Test("only the files of the chosen environment are read")
    func environments() {
        #expect(variables(read("[.env]", environment: "staging")) == ["A": "3"])
        #expect(read("[.env]", environment: "prod").plan == nil)
        #expect(read("[.env]").plan != nil)
    }

    @Test("a plan prints no value, and says which file changed")
    func difference() throws {
        let before = try #require(read("[.env, .env.local]").plan)
        let after = try #require(read("[.env, .env.local]", ["/app/.env.local": "B=2\nTOKEN=hush-8\n"]).plan)
        let changes = Language.difference(from: before, to: after)
        #expect(changes.map(\.path) == ["services.web.envFiles"] && changes[0].new == ".env.local changed")
        #expect(changes[0].restarts == "web")
        for text in ["\(before)", before.effectiveFile(), "\(changes)", "\(before.services[0].fileVariables)"] {
            #expect(!text.contains("hush"))
        }
        var dumped = ""
        dump(before, to: &dumped)
        #expect(!dumped.contains("hush"))
        #expect(Language.difference(from: before, to: before).isEmpty)
    }

    @Test("a file that everybody can read is a gap")
    func gap() throws {
        let plan = try #require(read("[.env.local]").plan)
        let gap = Language.gaps(of: plan, files: FileFacts { _ in true }).first { $0.path.hasSuffix("envFiles") }
        #expect(gap?.remedy == "chmod 600 /app/.env.local")
    }

    @Test("a service gets half a MiB of variables at most")
    func tooMuch() {
        let line = { (name: String) in "\(name)=" + String(repeating: "x", count: 99_000) + "\n" }
        let large = ["/app/a": line("A") + line("B"), "/app/b": line("C") + line("D"), "/app/c": line("E") + line("F")]
        #expect(read("[a, b]", large).plan != nil)
        #expect(read("[a, b, c]", large).errors.first?.message.contains("KiB") == true)
    }
}
