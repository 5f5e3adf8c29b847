/// Values that a hint proposes: only those that the reader then takes.
extension Kind {
    /// Whether `text`, as it would stand behind the key, is read without a word.
    func accepts(_ text: String, _ reader: Reader) -> Bool {
        let source = SourceText(Array(text.utf8))
        var problems = Problems()
        guard let node = TreeReader.read(source, problems: &problems), problems.all.isEmpty else { return false }
        var scratch = Reader(text: source, directory: reader.directory, variables: reader.variables)
        scratch.environment = reader.environment
        scratch.services = reader.services
        scratch.environments = reader.environments
        scratch.channels = reader.channels
        scratch.listen = reader.listen
        scratch.zones = reader.zones
        scratch.requestTimeout = reader.requestTimeout
        scratch.path = reader.path
        return read(node, &scratch) != nil && scratch.problems.all.isEmpty
    }

    /// ``write `KEY: VALUE` `` for the first of the values that is taken; of an item ``write `- VALUE` ``.
    func proposal(_ candidates: [String], _ reader: Reader) -> String? {
        let start = reader.isItem ? "-" : reader.key + ":"
        return candidates.first { accepts($0, reader) }.map { "write `\(start) \($0)`" }
    }
}

/// Lists that were given as one text.
enum ListHint {
    /// Keys whose list is a program and its arguments.
    private static let commands: Set<String> = ["command", "run", "exec"]

    /// As YAML, the likeliest first.
    static func candidates(_ node: Node, _ key: String) -> [String] {
        guard let scalar = node.scalar, !scalar.isNull, scalar.text.utf8.count <= 200 else { return [] }
        if commands.contains(key) { return CommandWords.candidates(scalar.text) }
        let words = scalar.text.split { $0.isWhitespace || $0 == "," }.map(String.init)
        return [words, [scalar.text]].filter { !$0.isEmpty }.map(inline)
    }

    static func inline(_ words: [String]) -> String { Outline.list(words.map(Outline.text)).inline }
}

/// A command line as the items of a list.
enum CommandWords {
    /// As YAML: split where no shell is needed, through a shell where one is.
    static func candidates(_ line: String) -> [String] {
        let shell = [["sh", "-c", line], ["sh", "-c", line.replacing("${", with: "$${")]]
        var found: [[String]] = []
        if let words = ShellWords.split(line) {
            found = [words, words.map { $0.replacing("${PORT}", with: "${SOCKET}") }]
        } else if !line.contains(where: { "&|;<>`()'\"\\*?~#".contains($0) }),
            !line.replacing("${", with: "").contains("$")
        {
            found = [line.split(whereSeparator: \.isWhitespace).map(String.init)]
        }
        return (found + shell).filter { !$0.isEmpty }.map(ListHint.inline)
    }
}

/// Names with values that were given as a list, as compose takes them: `[LEVEL=debug]`.
enum MapHint {
    static func candidates(_ node: Node) -> [String] {
        guard let items = node.items, (1...8).contains(items.count) else { return [] }
        var pairs: [Outline.Member] = []
        for item in items {
            let parts = item.scalar?.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false) ?? []
            guard parts.count == 2, parts[1].utf8.count <= 100 else { return [] }
            pairs.append(.init(name: String(parts[0]), value: .text(String(parts[1]))))
        }
        return [Outline.map(pairs).inline]
    }
}
