/// A section that was given as one value: which of its keys has that value.
enum SectionHint {
    /// What other tools call a word that a key may have.
    private static let synonyms = [
        "unless-stopped": "always", "on-failure": "onFailure", "on_failure": "onFailure", "no": "never",
        "blue-green": "blueGreen", "blue_green": "blueGreen",
    ]

    /// As YAML, in the order of the keys.
    static func candidates(_ node: Node, _ form: SectionForm) -> [String] {
        guard let scalar = node.scalar, !scalar.isNull, scalar.text.utf8.count <= 200 else { return [] }
        switch form.name {
        case "volume": return volume(scalar.text)
        case "listener": return ["{address: \(YAMLText.inline(scalar.text))}"]
        case "match": return ["{path: \(YAMLText.inline(scalar.text))}"]
        default: break
        }
        let word = synonyms[scalar.text.lowercased()] ?? scalar.text
        let values = [word, YAMLText.inline(scalar.text)]
        return form.keys.flatMap { key in
            let choices = key.form.choices.map(\.value)
            let takesWord = choices.contains(word)
            let takesText = !takesWord && key.name == "httpGet" && scalar.text.hasPrefix("/")
            return takesWord ? ["{\(key.name): \(values[0])}"] : takesText ? ["{\(key.name): \(values[1])}"] : []
        }
    }
    /// `./data:/data:ro`, as compose and the engines take it.
    private static func volume(_ text: String) -> [String] {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count) else { return [] }
        let options = parts.count == 3 ? parts[2].split(separator: ",") : []
        let end = options.contains("ro") ? ", readOnly: true" : ""
        return ["{path: \(YAMLText.inline(parts[1])), from: \(YAMLText.inline(parts[0]))\(end)}"]
    }
}
