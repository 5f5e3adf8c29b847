/// One line of a `.gitignore`, with git's meaning (gitignore(5)).
package struct IgnorePattern: Sendable, Hashable {
    /// `!…`: what it matches is taken again.
    let isNegated: Bool
    /// `…/`: only folders.
    let isForFolders: Bool
    /// With a slash that is not its last byte: it is about paths from the rule file's folder, not about names anywhere.
    let isPath: Bool
    private let kind: Kind

    private enum Kind: Sendable, Hashable {
        case exactly([UInt8])
        /// `*.log`.
        case ending([UInt8])
        case glob(GlobPattern)
    }

    /// Nil for comments, blank lines, and what can match nothing.
    package init?(_ line: some Sequence<UInt8>) {
        var text = Self.trimmed(Array(line))[...]
        guard let first = text.first, first != UInt8(ascii: "#") else { return nil }
        isNegated = first == UInt8(ascii: "!")
        if isNegated { text.removeFirst() }
        isForFolders = text.last == UInt8(ascii: "/")
        if isForFolders { text.removeLast() }
        isPath = text.contains(UInt8(ascii: "/"))
        if text.first == UInt8(ascii: "/") { text.removeFirst() }
        guard !text.isEmpty else { return nil }
        let special = Array("*?[\\".utf8)
        if !text.contains(where: special.contains) {
            kind = .exactly(Array(text))
        } else if !isPath, text.first == UInt8(ascii: "*"), !text.dropFirst().contains(where: special.contains) {
            kind = .ending(Array(text.dropFirst()))
        } else {
            guard let glob = GlobPattern(text) else { return nil }
            kind = .glob(glob)
        }
    }

    package init?(_ line: String) { self.init(line.utf8) }

    /// The lines of a file; a byte order mark and Windows' line ends are no part of them.
    package static func all(in bytes: [UInt8]) -> [IgnorePattern] {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        return text.split(separator: 0x0A).compactMap { line in
            IgnorePattern(line.last == 0x0D ? line.dropLast() : line)
        }
    }

    /// Whether it is about this entry.
    ///
    /// - Parameters:
    ///   - path: From the folder of the rules, without a slash at either end.
    ///   - name: Its last part.
    func matches(path: ArraySlice<UInt8>, name: ArraySlice<UInt8>, isFolder: Bool) -> Bool {
        if isForFolders, !isFolder { return false }
        let text = isPath ? path : name
        switch kind {
        case .exactly(let bytes): return text.elementsEqual(bytes)
        case .ending(let bytes): return text.count >= bytes.count && text.suffix(bytes.count).elementsEqual(bytes)
        case .glob(let glob): return glob.matches(text)
        }
    }

    /// Spaces at the end mean nothing, unless a backslash stands before them.
    private static func trimmed(_ line: [UInt8]) -> [UInt8] {
        var end = 0
        var index = 0
        while index < line.count {
            if line[index] == UInt8(ascii: "\\") {
                index += 1
                // A lone backslash at the end keeps all before it.
                if index == line.count { return line }
                end = index + 1
            } else if line[index] != UInt8(ascii: " ") {
                end = index + 1
            }
            index += 1
        }
        return Array(line[..<end])
    }
}

/// What of a folder does not count, and why: the first of these that says anything about an entry decides.
///
/// Patterns that were given, then the rule files in the order of their names, of each the one nearest to the entry first,
/// then the patterns that hold for everybody. Within one source the last line decides, as with git; and nothing below a
/// folder that is left out comes back.
package struct IgnoreRules: Sendable, Hashable {
    /// From the top folder; in the order of the user's list.
    package var given: [IgnorePattern]
    /// Files that are read in each folder: `.aloftignore`, `.gitignore`.
    package var files: [String]
    package var standard: [IgnorePattern]

    package init(given: [String] = [], files: [String] = [], standard: [String] = []) {
        self.given = given.compactMap { IgnorePattern($0) }
        self.files = files
        self.standard = standard.compactMap { IgnorePattern($0) }
    }

    /// Nothing is left out.
    package static let none = IgnoreRules()

    /// Nil where none of them says anything.
    static func verdict(
        _ patterns: [IgnorePattern], _ path: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>, isFolder: Bool
    ) -> Bool? {
        patterns.last { $0.matches(path: path, name: name, isFolder: isFolder) }.map { !$0.isNegated }
    }
}
