/// Explains a key that its section does not have.
struct UnknownKey {
    private let entry: Node.Entry
    private let section: SectionForm

    init(_ entry: Node.Entry, in section: SectionForm) {
        self.entry = entry
        self.section = section
    }

    func report(to reader: inout Reader) {
        let name = entry.key.shortened
        let place = reader.path.isEmpty ? "" : " in `\(reader.pathText)`"
        if FutureWords.contains(entry.key, in: section.name) {
            reader.problems.error(
                entry.keySpan, "`\(name)` is a word of Aloft's language that this version does not do yet",
                hint: "remove it; a key that did nothing would only look as if it worked")
            return
        }
        reader.problems.error(entry.keySpan, "unknown key `\(name)`\(place)", hint: hint())
    }

    private func hint() -> String {
        let known = section.keys.map(\.name)
        if let other = section.keys.first(where: { $0.synonyms.contains(entry.key) }) {
            return "Aloft calls it `\(other.name)`"
        }
        if let near = Nearest.word(to: entry.key, among: known) { return "did you mean `\(near)`?" }
        let elsewhere = KeyIndex.shared.paths(endingIn: entry.key).prefix(3).map { "`\($0)`" }
        if !elsewhere.isEmpty { return "`\(entry.key.shortened)` belongs to \(elsewhere.joined(separator: ", "))" }
        let names = known.prefix(12).map { "`\($0)`" }.joined(separator: ", ")
        return "known here: \(names)\(known.count > 12 ? " …" : ""); keys of your own begin with `x-`"
    }
}
