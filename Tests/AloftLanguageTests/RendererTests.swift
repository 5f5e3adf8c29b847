import AloftLanguage
import Foundation
import Testing

@Suite("A diagnostic as text")
struct RendererTests {
    private func diagnostic(_ line: String, column: Int, length: Int, hint: String? = nil) -> Diagnostic {
        Diagnostic(
            severity: .error, file: "aloft.yaml", line: 7, column: column, length: length, sourceLine: line,
            message: "it is so", hint: hint)
    }

    private func lines(_ diagnostic: Diagnostic, color: Bool = false) -> [String] {
        DiagnosticRenderer(color: color).text(diagnostic).split(separator: "\n").map(String.init)
    }

    @Test("has place, line, caret and hint")
    func plain() {
        #expect(
            lines(diagnostic("  replica: 3", column: 3, length: 7, hint: "did you mean `replicas`?")) == [
                "aloft.yaml:7:3: error: it is so", "  7 |   replica: 3", "    |   ^~~~~~~",
                "    = did you mean `replicas`?",
            ])
    }

    @Test("has its caret under the character, past tabs, wide and combining characters")
    func columns() {
        #expect(lines(diagnostic("\tx", column: 2, length: 1)).suffix(2) == ["  7 |     x", "    |     ^"])
        #expect(lines(diagnostic("ab\tx", column: 4, length: 1)).suffix(2) == ["  7 | ab  x", "    |     ^"])
        #expect(lines(diagnostic("漢字: x", column: 5, length: 1)).suffix(2) == ["  7 | 漢字: x", "    |       ^"])
        #expect(lines(diagnostic("漢字: x", column: 1, length: 2)).suffix(1) == ["    | ^~~~"])
        #expect(lines(diagnostic("e\u{301}: x", column: 5, length: 1)).suffix(1) == ["    |    ^"])
        #expect(lines(diagnostic("🚀 x", column: 3, length: 1)).suffix(1) == ["    |    ^"])
    }

    @Test("never sends a control character of the file to the terminal")
    func controls() {
        let text = DiagnosticRenderer(color: false).text(
            Diagnostic(
                severity: .warning, file: "a\u{1B}[2J", line: 1, column: 1, sourceLine: "\u{1B}[31m\u{202E}x\u{9B}",
                message: "bad `\u{7}`", hint: "\u{1B}", notes: [.init(line: 1, column: 1, message: "\u{0}")]))
        let isClean = !text.unicodeScalars.contains {
            $0 != "\n" && ($0.properties.generalCategory == .control || $0.properties.generalCategory == .format)
        }
        #expect(isClean, "\(text.debugDescription)")
    }

    @Test("cuts a long line around the caret", arguments: [1, 60, 500, 1000])
    func longLines(column: Int) {
        let line = String((0..<1000).map { Character(String($0 % 10)) })
        let shown = lines(diagnostic(line, column: column, length: 3))
        let source = shown[1].dropFirst("  7 | ".count)
        let caret = shown[2].dropFirst("    | ".count)
        #expect(source.count <= DiagnosticRenderer.width + 2)
        let place = caret.prefix { $0 == " " }.count
        #expect(Array(source)[place] == Character(String((column - 1) % 10)), "\(source)\n\(caret)")
    }

    @Test("has a caret past the end of a line, and of an empty one")
    func pastTheEnd() {
        #expect(lines(diagnostic("ab", column: 3, length: 1)).suffix(1) == ["    |   ^"])
        #expect(lines(diagnostic("", column: 1, length: 1)).suffix(2) == ["  7 |", "    | ^"])
        #expect(lines(diagnostic("", column: 99, length: 99)).suffix(1) == ["    | ^"])
    }

    @Test("is the same with colours, once they are taken out")
    func colours() {
        let one = diagnostic("  replica: 3", column: 3, length: 7, hint: "x")
        let coloured = DiagnosticRenderer(color: true).text(one)
        #expect(coloured.contains("\u{1B}[1;31merror:\u{1B}[0m"))
        let plain = coloured.replacing(/\u{1B}\[[0-9;]*m/, with: "")
        #expect(plain == DiagnosticRenderer(color: false).text(one))
    }

    @Test("counts at the end")
    func summary() {
        var warning = diagnostic("x", column: 1, length: 1)
        warning.severity = .warning
        let error = diagnostic("x", column: 1, length: 1)
        let renderer = DiagnosticRenderer(color: false)
        #expect(renderer.summary([error, warning, error]) == "2 errors, 1 warning")
        #expect(renderer.summary([warning]) == "1 warning")
        #expect(renderer.text([]) == "")
    }

    @Test("can be written as JSON and read again")
    func json() throws {
        let all = read("version: 2\napp: A B\napp: c\n").diagnostics
        #expect(all.count == 3)
        let data = try JSONEncoder().encode(all)
        #expect(try JSONDecoder().decode([Diagnostic].self, from: data) == all)
    }
}
