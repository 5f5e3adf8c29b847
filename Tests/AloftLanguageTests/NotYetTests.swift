import AloftModel
import AloftTestKit
import Foundation
import Testing

@testable import AloftLanguage

@Suite("Words that are reserved")
struct NotYetTests {
    @Test(
        "each is on the page, is explained, and is refused with the same sentence",
        arguments: FutureWords.all.map(\.path))
    func everywhere(path: String) throws {
        let word = try #require(FutureWords.all.first { $0.path == path })
        let page = Language.notYet()
        #expect(page.contains("| `\(path)` |"))
        #expect(page.contains(word.meanwhile.replacing("|", with: "\\|")))
        for asked in [path, word.name, path.replacing("*", with: "web").replacing("[]", with: "[0]")] {
            let found: [FutureWord] =
                switch Language.explain(asked) {
                case .future(let words): words
                case .key(let explanation): explanation.reserved
                case .unknown: []
                }
            #expect(found.contains { $0.path == path && $0.meanwhile == word.meanwhile }, "\(asked)")
        }
        let reading = read(try sample(word))
        #expect(
            reading.errors.contains {
                $0.message.hasPrefix("`\(word.name)` is a word of") && $0.hint?.hasSuffix(word.meanwhile) == true
            },
            "\(messages(reading))")
    }

    /// A file with the word in its place.
    private func sample(_ word: FutureWords.Word) throws -> String {
        let start = "version: 1\nservices: {web: {command: [./web]"
        let key = "\(word.name): {}"
        return switch word.section {
        case "file": "\(start)}}\n\(key)\n"
        case "service": "\(start), \(key)}}\n"
        case "metric": "\(start), scaling: {minReplicas: 1, maxReplicas: 2, metrics: [{\(key)}]}}}\n"
        case "analysis": "\(start), deploy: {analysis: {\(key)}}}}\n"
        case "edge": "\(start)}}\nedge: {\(key)}\n"
        case "listener": "\(start)}}\nedge: {listeners: [{address: \"127.0.0.1:1\", \(key)}]}\n"
        case "certificate": "\(start)}}\nedge: {tls: {certificates: [{hosts: [a], \(key)}]}}\n"
        case "headers": "\(start)}}\nedge: {headers: {\(key)}}\n"
        case "route": "\(start)}}\nedge: {routes: [{match: {path: /*}, service: web, \(key)}]}\n"
        default: throw KitError.missing("a sample for the section \(word.section)")
        }
    }

    @Test("the sentences are sentences, and YAML in them is what Aloft takes")
    func sentences() throws {
        #expect(FutureWords.all.count > 40)
        for word in FutureWords.all {
            #expect(word.meanwhile.hasSuffix("."), "\(word.path)")
            #expect(!word.promise.hasSuffix("."), "\(word.path)")
            for match in word.meanwhile.matches(of: #/`(env|command|headers|set|limits|respond): [^`]+`/#) {
                let yaml = String(match.output.0.dropFirst().dropLast())
                let file =
                    switch match.output.1 {
                    case "env": "services: {web: {command: [./web], \(yaml)}}"
                    case "command": "services: {web: {\(yaml)}}"
                    case "set": "services: {web: {command: [./web]}}\nedge: {headers: {\(yaml)}}"
                    case "respond":
                        "services: {web: {command: [./web]}}\nedge: {routes: [{match: {path: /*}, \(yaml)}]}"
                    default: "services: {web: {command: [./web]}}\nedge: {\(yaml)}"
                    }
                let source = SourceFile(name: "a", directory: "/app", text: "version: 1\n" + file)
                let names = ["DATABASE_URL", "REDIS_URL", "NAME"]
                let reading = Language.read(
                    source, variables: Dictionary(uniqueKeysWithValues: names.map { ($0, "x") }))
                #expect(reading.errors.isEmpty, "\(word.path): \(yaml): \(messages(reading))")
            }
        }
    }

    @Test("the page in docs is the generated one")
    func page() throws {
        let stored = try String(contentsOfFile: Checkout.root + "/docs/not-yet.md", encoding: .utf8)
        #expect(stored == Language.notYet(), "`make docs` writes it")
    }
}
