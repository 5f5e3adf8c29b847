import Foundation
import Testing

@testable import AloftLanguage

@Suite("The JSON Schema")
struct SchemaTests {
    /// Golden files whose errors a schema can see.
    private static let invalid = [
        "file-app-list", "file-future-words", "file-names", "file-null-values", "file-section-scalar",
        "file-service-names", "file-services-list", "file-unknown-keys", "file-version-missing",
        "file-version-two", "service-command-empty", "service-command-items", "service-command-missing",
        "service-command-text", "service-durations", "service-env-list", "service-env-names", "service-integers",
        "service-listen", "service-probe-check", "service-probe-paths", "service-probe-thresholds",
        "service-probe-unknown", "service-replicas-and-scaling", "service-resources-values", "service-restart",
        "edge-admin-word", "edge-admin-false", "edge-certificates", "edge-headers", "edge-limits",
        "edge-listener-addresses", "edge-listener-missing-address", "edge-listener-tls-word", "edge-listeners-empty",
        "edge-networks", "edge-sizes", "environment-list", "environment-many", "environment-problems", "logs-access",
        "logs-access-false", "logs-values", "route-action", "route-balance", "route-hosts", "route-methods",
        "route-paths", "route-redirects", "route-responds", "route-retry",
    ]

    @Test("is a schema, takes valid files and refuses broken ones", .enabled(if: Python.hasJSONSchema, Python.reason))
    func checkedByJSONSchema() throws {
        var valid: [String: Any] = [:]
        for name in Here.golden where Language.read(source(of: name), variables: variables).plan != nil {
            valid[name] = try json(source(of: name))
        }
        for seed in 0..<60 {
            valid["seed \(seed)"] = try json(
                SourceFile(name: "", directory: "/", text: RandomFile.text(seed: UInt64(seed))))
        }
        for entry in KeyIndex.shared.entries where entry.steps.count == 1 && entry.path != "environments" {
            let file = "version: 1\n" + (entry.path == "version" ? "" : Example(entry).text)
            valid["example of \(entry.path)"] = try json(SourceFile(name: "", directory: "/", text: file))
        }
        var invalid: [String: Any] = [:]
        for name in Self.invalid { invalid[name] = try json(source(of: name)) }
        let schema = try JSONSerialization.jsonObject(with: Data(Language.jsonSchema().utf8))
        let input = try JSONSerialization.data(
            withJSONObject: ["schema": schema, "valid": valid, "invalid": invalid])
        let (status, output) = try Python.run(Here.folder.appendingPathComponent("schema.py").path, input: input)
        #expect(status == 0, "\(output)")
        #expect(valid.count > 70)
    }

    @Test("names every key, and every word that may be its value")
    func complete() throws {
        let text = Language.jsonSchema()
        for entry in KeyIndex.shared.entries {
            #expect(text.contains("\"\(entry.declaration.name)\": {"), "\(entry.path)")
            for choice in entry.declaration.form.choices { #expect(text.contains(choice.value), "\(entry.path)") }
        }
        #expect(text.hasSuffix("}\n"))
    }

    private func source(of name: String) -> SourceFile {
        let bytes = (try? Here.bytes("Golden/\(name).yaml")) ?? []
        return SourceFile(name: name, directory: "/app", bytes: bytes)
    }

    /// A file as JSON, its plain scalars resolved as YAML 1.2's core schema does (§10.3.2).
    private func json(_ source: SourceFile) throws -> Any {
        var problems = Problems()
        let node = TreeReader.read(SourceText(source.bytes), problems: &problems)
        return value(try #require(node, "\(source.name)"))
    }

    private func value(_ node: Node) -> Any {
        switch node.content {
        case .list(let items): items.map(value)
        case .map(let entries):
            Dictionary(entries.map { ($0.key, value($0.value)) }, uniquingKeysWith: { first, _ in first })
        case .scalar(let scalar): value(scalar)
        }
    }

    private func value(_ scalar: Node.Scalar) -> Any {
        guard scalar.style == .plain else { return scalar.text }
        switch scalar.text {
        case "", "~", "null", "Null", "NULL": return NSNull()
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default: break
        }
        if let integer = Int(scalar.text) { return integer }
        let isNumber = scalar.text.wholeMatch(of: /[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/) != nil
        if isNumber, let number = Double(scalar.text) { return number }
        return scalar.text
    }
}

/// The system's Python, where it has jsonschema.
enum Python {
    static let reason: Comment = "python3 with the package jsonschema is not installed"

    static let hasJSONSchema: Bool = {
        let empty = Data("{\"schema\": {}, \"valid\": {}, \"invalid\": {}}".utf8)
        let result = try? run(Here.folder.appendingPathComponent("schema.py").path, input: empty)
        return result?.status == 0
    }()

    static func run(_ script: String, input: Data) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script]
        // Files and no pipes: neither side can block on the other.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aloft-schema-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (given, said) = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
        try input.write(to: given)
        try Data().write(to: said)
        process.standardInput = try FileHandle(forReadingFrom: given)
        process.standardOutput = try FileHandle(forWritingTo: said)
        process.standardError = process.standardOutput
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOf: said, encoding: .utf8))
    }
}
