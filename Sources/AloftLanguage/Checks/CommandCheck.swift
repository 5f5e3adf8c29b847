import AloftModel

/// What people write in a command out of habit from a shell.
struct CommandCheck {
    private let words: [Template]
    private let node: Node?
    private let kind: Kind<[Template]?>

    /// - Parameter kind: how the command is read, for what is proposed in its place.
    init(_ words: [Template], _ node: Node?, _ kind: Kind<[Template]?>) {
        self.words = words
        self.node = node
        self.kind = kind
    }

    func report(to reader: inout Reader) {
        guard let nodes = node?.items, nodes.count == words.count, let program = nodes.first?.scalar?.text else {
            return
        }
        if program.isEmpty { reader.error(nodes[0], "the program's name is empty") }
        if nodes.count == 1, program.contains(" "), !program.hasPrefix("/"), !program.hasPrefix("./") {
            let hint = reader.within("command") { reader in
                kind.proposal(CommandWords.candidates(program), reader)
            }
            reader.error(
                nodes[0], "no program's name holds spaces; each argument is an item of the list", hint: hint)
        }
        let shells: Set<String> = ["sh", "bash", "dash", "zsh", "ksh"]
        guard !shells.contains(FilePaths.lastComponent(of: program)) else { return }
        guard let own = reader.listen?.reference else { return }
        for (word, node) in zip(words, nodes) where nodes.count > 1 && mentions(own, word) {
            reader.warning(
                node, "no shell reads the command, so `$\(own)` stays as it is", hint: "write `${\(own)}`")
        }
    }

    private func mentions(_ name: String, _ word: Template) -> Bool {
        word.parts.contains { part in
            if case .text(let text) = part { text.contains("$\(name)") } else { false }
        }
    }
}
