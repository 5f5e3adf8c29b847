/// Explains a key that its section does not have.
struct UnknownKey {
    private let entry: Node.Entry
    private let section: SectionForm
    private let siblings: [Node.Entry]

    init(_ entry: Node.Entry, in section: SectionForm, beside siblings: [Node.Entry] = []) {
        self.entry = entry
        self.section = section
        self.siblings = siblings
    }

    /// The key that was most likely meant, if it is one of the section.
    func report(to reader: inout Reader) -> String? {
        let name = entry.key.shortened
        let place = reader.path.isEmpty ? "" : " in `\(reader.pathText)`"
        if let word = FutureWords.word(entry.key, in: section.name) {
            reader.problems.error(
                entry.keySpan, "`\(name)` is a word of Aloft's language that this version does not do yet",
                hint: "remove it. Until it is there: \(word.meanwhile)")
            return nil
        }
        if let habit = HabitWords(entry, beside: siblings, in: section.name, reader).hint {
            reader.problems.error(entry.keySpan, "unknown key `\(name)`\(place)", hint: habit)
            return nil
        }
        let meant = reader.problems.takesHints ? meant : nil
        reader.problems.error(
            entry.keySpan, "unknown key `\(name)`\(place)", hint: meant.map(hint(for:)) ?? hintElsewhere())
        return meant
    }

    private var meant: String? {
        section.keys.first { $0.synonyms.contains(entry.key) }?.name
            ?? Nearest.word(to: entry.key, among: section.keys.map(\.name))
    }

    private func hint(for meant: String) -> String {
        let isSynonym = section.keys.contains { $0.name == meant && $0.synonyms.contains(entry.key) }
        return isSynonym ? "Aloft calls it `\(meant)`" : "did you mean `\(meant)`?"
    }

    private func hintElsewhere() -> String {
        let known = section.keys.map(\.name)
        let elsewhere = KeyIndex.shared.paths(endingIn: entry.key).prefix(3).map { "`\($0)`" }
        if !elsewhere.isEmpty { return "`\(entry.key.shortened)` belongs to \(elsewhere.joined(separator: ", "))" }
        let names = known.prefix(12).map { "`\($0)`" }.joined(separator: ", ")
        return "known here: \(names)\(known.count > 12 ? " …" : ""); keys of your own begin with `x-`"
    }
}
