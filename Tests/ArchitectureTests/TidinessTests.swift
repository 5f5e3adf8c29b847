import AloftTestKit
import Foundation
import Testing

@Suite("Tidiness")
struct TidinessTests {
    @Test("no source file is longer than 500 lines")
    func fileSizes() throws {
        let files = try SourceTree.swiftFiles(below: "Sources") + SourceTree.swiftFiles(below: "Tests")
        #expect(files.count >= 10, "the tree was not found")
        for file in files {
            #expect(file.lines.count <= 500, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test("no unfinished work and no vague names in the sources")
    func forbiddenWords() throws {
        let forbidden = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK"]
        for file in try SourceTree.textFiles(below: ".") where file.path != "LICENSE" {
            for (number, line) in file.lines.enumerated() {
                for word in forbidden where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1) has \(word)")
                }
            }
        }
    }

    @Test("no type is a manager, a helper or a utility")
    func names() throws {
        let declaration = #/\b(?:class|struct|enum|actor|protocol)\s+(\w+)/#
        for file in try SourceTree.swiftFiles(below: "Sources") {
            for line in file.lines {
                guard let match = line.firstMatch(of: declaration) else { continue }
                for ending in ["Manager", "Helper", "Helpers", "Util", "Utils", "Impl"] {
                    #expect(!match.1.hasSuffix(ending), "\(file.path) declares \(match.1)")
                }
            }
        }
    }

    @Test("every unchecked Sendable says why it is safe")
    func uncheckedSendable() throws {
        let marker = "@unchecked" + " Sendable"
        for file in try SourceTree.swiftFiles(below: "Sources") {
            for (number, line) in file.lines.enumerated() where line.contains(marker) {
                let before = file.lines[max(0, number - 6)..<number]
                #expect(
                    before.contains { $0.contains("SAFETY:") } || line.contains("SAFETY:"),
                    "\(file.path):\(number + 1) has no SAFETY line")
            }
        }
    }
}
