import AloftTestKit
import Foundation

/// The checkout's files, as the architecture tests read them.
enum SourceTree {
    struct File {
        /// Relative to the checkout.
        let path: String
        let lines: [Substring]

        /// Modules named in `import` lines, with or without attributes and access levels.
        var imports: [String] {
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard let position = words.firstIndex(of: "import"), position + 1 < words.count,
                    words[..<position].allSatisfy({ $0.hasPrefix("@") || Self.accessLevels.contains($0) })
                else { return nil }
                let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias", "var", "let"]
                let name = kinds.contains(words[position + 1]) ? words[position + 2] : words[position + 1]
                return String(name.prefix { $0 != "." && $0 != ";" })
            }
        }

        private static let accessLevels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
    }

    /// Names of the folders in `Sources`.
    static func modules() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Checkout.root + "/Sources").sorted()
    }

    static func swiftFiles(below folder: String) throws -> [File] {
        try textFiles(below: folder).filter { $0.path.hasSuffix(".swift") }
    }

    /// Every readable UTF-8 file below a folder, hidden folders and build products left out.
    static func textFiles(below folder: String) throws -> [File] {
        let root = Checkout.root + "/" + folder
        guard let walker = FileManager.default.enumerator(atPath: root) else {
            throw KitError.missing("no folder \(root)")
        }
        var files: [File] = []
        for case let name as String in walker {
            if (name.split(separator: "/").last ?? "").hasPrefix(".") {
                walker.skipDescendants()
                continue
            }
            guard let data = FileManager.default.contents(atPath: "\(root)/\(name)"),
                let text = String(data: data, encoding: .utf8)
            else { continue }
            let path = folder == "." ? name : "\(folder)/\(name)"
            files.append(File(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
        }
        return files
    }
}
