import AloftLanguage
import AloftModel
import Foundation

/// Files beside the tests, found from where the source is, so that no bundle is needed.
enum Here {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: folder.appendingPathComponent(path)))
    }

    /// Names of the golden cases, without their extension.
    static let golden: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/Golden")) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }()
}

/// What `${env.NAME}` may name in tests.
let variables = ["HOME": "/home/swift", "LANG": "C.UTF-8", "TOKEN": "secret"]

/// Reads a text as `/app/aloft.yaml`.
func read(_ text: String, environment: String? = nil) -> Reading {
    let source = SourceFile(name: "aloft.yaml", directory: "/app", text: text)
    return Language.read(source, environment: environment, variables: variables)
}

/// The messages of a reading, for tests that care for nothing else.
func messages(_ reading: Reading) -> [String] { reading.diagnostics.map(\.message) }
