import AloftLanguage
import AloftModel
import Foundation
import Testing

/// `Golden/NAME.yaml` is a file, `Golden/NAME.txt` all that Aloft says about it.
///
/// A first line `# environment: NAME` chooses an environment. With `ALOFT_RECORD=1` the answers are written instead of
/// compared; read the difference before it is committed.
@Suite("What Aloft says about a file")
struct GoldenTests {
    @Test("says exactly this", arguments: Here.golden)
    func saysExactlyThis(name: String) throws {
        let said = try answer(to: name)
        if ProcessInfo.processInfo.environment["ALOFT_RECORD"] == "1" {
            let place = Here.folder.appendingPathComponent("Golden/\(name).txt")
            try said.write(to: place, atomically: true, encoding: .utf8)
        }
        #expect(try said == Here.text("Golden/\(name).txt"))
    }

    @Test("has enough cases, and each good one is a plan without a word")
    func goodOnesAreSilent() throws {
        #expect(Here.golden.count >= 120)
        for name in Here.golden where name.hasPrefix("good-") {
            #expect(try reading(of: name).diagnostics.isEmpty, "\(name)")
            #expect(try reading(of: name).plan != nil, "\(name)")
        }
        for name in Here.golden where !name.hasPrefix("good-") {
            #expect(try !reading(of: name).diagnostics.isEmpty, "\(name)")
        }
    }

    @Test("gives a plan exactly where there is no error, sorted by position")
    func planOrError() throws {
        for name in Here.golden {
            let reading = try reading(of: name)
            #expect((reading.plan == nil) == !reading.errors.isEmpty, "\(name)")
            #expect(reading.diagnostics == reading.diagnostics.sorted(), "\(name)")
        }
    }

    @Test("points at text that is there")
    func carets() throws {
        for name in Here.golden {
            for diagnostic in try reading(of: name).diagnostics {
                let scalars = diagnostic.sourceLine.unicodeScalars.count
                #expect(diagnostic.column >= 1 && diagnostic.column <= scalars + 1, "\(name): \(diagnostic.message)")
                #expect(diagnostic.length >= 1, "\(name): \(diagnostic.message)")
                #expect(diagnostic.column + diagnostic.length <= scalars + 2, "\(name): \(diagnostic.message)")
            }
        }
    }

    private func reading(of name: String) throws -> Reading {
        let bytes = try Here.bytes("Golden/\(name).yaml")
        let first = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        let mark = "# environment: "
        let environment = first.hasPrefix(mark) ? String(first.dropFirst(mark.count)) : nil
        let source = SourceFile(name: "\(name).yaml", directory: "/app", bytes: bytes)
        return Language.read(source, environment: environment, variables: variables)
    }

    private func answer(to name: String) throws -> String {
        let reading = try reading(of: name)
        let text = DiagnosticRenderer(color: false).text(reading.diagnostics)
        return text + (reading.plan == nil ? "" : "a plan\n")
    }
}
