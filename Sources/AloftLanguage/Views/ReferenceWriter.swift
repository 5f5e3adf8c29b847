/// Writes the declarations as the reference page, in Markdown.
struct ReferenceWriter {
    func page() -> String {
        ([introduction] + sections().map(text)).joined(separator: "\n")
    }

    private var introduction: String {
        """
        # The language of aloft.yaml

        This page is generated from the declarations that the parser itself uses (`aloft schema` and `aloft explain KEY`
        come from them too), so it cannot say anything else than what Aloft does.

        - Quantities carry their unit. Durations: \(Self.units(QuantityText.durationUnits)). \
        Sizes: \(Self.units(QuantityText.sizeUnits)) \
        (`KiB` is 1024 bytes, `KB` is 1000). Percentages: `70%`, `0.25%`. Cores: `2`, `1.5`, `250m`.
        - An unknown key is an error. Keys that begin with `x-` are yours, everywhere but among header names; \
        anchors can stand there.
        - YAML 1.2 with anchors, aliases and `<<`. Text is what the file spells: nothing becomes a boolean or a \
        number by itself.
        - `${PORT}`, `${SOCKET}` and `${env.NAME}` stand in commands and in `env`; `$${` is the text `${`. \
        `${uri}` stands in redirects.
        - Limits: \(Language.maximumFileSize >> 20) MiB for the file, \(TreeReader.maximumDepth) levels, \
        \(TreeReader.maximumNodes) values \
        with every alias expanded, \(FileReading.maximumEnvironments) environments.

        In a path, `*` is a name of yours and `[]` an item of a list.

        """
    }

    private static func units(_ units: [QuantityText.Unit]) -> String {
        units.map { "`\($0.name)`" }.joined(separator: " ")
    }

    /// Every section once, at the first path that leads to it.
    private func sections() -> [(path: String, form: SectionForm, others: [String])] {
        var order: [(path: String, form: SectionForm, others: [String])] = [("", FileKeys.section.form, [])]
        for entry in KeyIndex.shared.entries {
            guard let (more, form) = entry.declaration.form.section else { continue }
            let path = KeyIndex.text(entry.steps + more)
            if let known = order.firstIndex(where: { $0.form.name == form.name }) {
                order[known].others.append(path)
            } else {
                order.append((path, form, []))
            }
        }
        return order
    }

    private func text(_ section: (path: String, form: SectionForm, others: [String])) -> String {
        var lines: [String] = []
        let paths = ([section.path] + section.others).map { "`\($0)`" }
        lines.append(section.path.isEmpty ? "## The file" : "## \(paths.joined(separator: ", "))")
        lines.append("")
        lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
        lines += section.form.keys.map(row)
        lines.append("")
        for alternative in section.form.alternatives {
            let names = Words.either(alternative.names)
            let count =
                !alternative.isExclusive ? "At least one" : alternative.isRequired ? "Exactly one" : "At most one"
            lines.append("\(count) of \(names).")
            lines.append("")
        }
        let below = section.path.isEmpty ? "" : section.path + "."
        for key in section.form.keys { lines += details(of: key, path: below + key.name) }
        return lines.joined(separator: "\n")
    }

    private func row(_ key: Declaration) -> String {
        let standard =
            switch key.presence {
            case .required: "required"
            case .optional(let otherwise): otherwise ?? ""
            case .standard(let text): Self.standard(text, key.form)
            }
        let limits = key.form.choices.isEmpty ? key.form.limits.map { ", \($0)" } ?? "" : ""
        let cells = ["`\(key.name)`", key.form.type + limits, standard, key.summary]
        return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }

    /// A section says more of its keys than `{}`.
    private static func standard(_ text: String, _ form: Form) -> String {
        guard text == "{}" || text == "[]" else { return "`\(text)`" }
        switch form {
        case .section, .either: return "its keys' defaults"
        case .scalar, .choice, .list, .map, .overlay: return "none"
        }
    }

    private func details(of key: Declaration, path: String) -> [String] {
        guard let entry = KeyIndex.shared[path] else { return [] }
        var lines = ["**`\(path)`** \(key.detail ?? key.summary)", ""]
        if !key.form.choices.isEmpty {
            lines += key.form.choices.map { "- `\($0.value)`: \($0.meaning)" } + [""]
        }
        lines += [
            "```yaml", Example(entry).text, "```",
            "Changed while the app runs, it \(entry.effect.description(service: nil)).", "",
        ]
        return lines
    }
}
