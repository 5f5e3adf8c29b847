import AloftLanguage

/// `aloft explain` for people.
struct ExplanationText {
    private let palette: Palette

    init(palette: Palette) { self.palette = palette }

    func render(_ explanation: Explanation) -> String {
        var text = palette(.bold, explanation.path) + "\n\n" + explanation.summary + "\n"
        if let detail = explanation.detail { text += "\n" + detail + "\n" }
        text += "\n" + facts(explanation)
        if !explanation.choices.isEmpty {
            text += "\nOne of:\n" + list(explanation.choices.map { ($0.value, $0.meaning) })
        }
        if !explanation.keys.isEmpty {
            text += "\nKeys:\n" + list(explanation.keys.map { ($0.name, $0.summary) })
        }
        let example = explanation.example.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
        text += "\nExample:\n" + palette(.cyan, trimmed(example)) + "\n"
        if !explanation.reserved.isEmpty { text += "\n" + render(explanation.reserved) }
        return text
    }

    func render(_ words: [FutureWord]) -> String {
        words.map { word in
            "\(palette(.bold, word.path))\n\nReserved for \(word.promise); this version does not do it yet.\n"
                + "Until it is there: \(word.meanwhile)\n"
        }.joined(separator: "\n")
    }

    private func facts(_ explanation: Explanation) -> String {
        var facts = [("type", explanation.type)]
        facts.append(("default", explanation.standard ?? (explanation.isRequired ? "none, it is required" : "none")))
        if let limits = explanation.limits { facts.append(("limits", limits)) }
        if !explanation.effect.isEmpty { facts.append(("change", explanation.effect)) }
        return list(facts)
    }

    private func list(_ entries: [(String, String)]) -> String {
        let width = entries.map(\.0.count).max() ?? 0
        return entries.map { name, meaning in
            "  \(palette(.bold, name))\(String(repeating: " ", count: width - name.count))  \(meaning)\n"
        }.joined()
    }

    private func trimmed(_ lines: [String]) -> String {
        var lines = lines
        while let last = lines.last, last.allSatisfy(\.isWhitespace) { lines.removeLast() }
        return lines.joined(separator: "\n")
    }
}
