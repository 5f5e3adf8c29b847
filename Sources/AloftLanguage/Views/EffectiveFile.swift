import AloftModel

extension Plan {
    /// The file with every default written out, so that nothing is left to know.
    ///
    /// Reading it again, with `environment` where the plan has one, gives an equal plan. Paths are absolute.
    package func effectiveFile() -> String {
        YAMLLayout.text(outline)
    }

    /// The plan as the declarations spell it.
    var outline: Outline { FileKeys.section.kind.spell(self) }
}

/// Lays an outline out as YAML: sections as blocks, small leaves on one line.
enum YAMLLayout {
    private static let width = 96
    /// Levels of lists and maps that a line may hold.
    private static let height = 2

    static func text(_ outline: Outline) -> String {
        guard case .map(let members) = outline else { return outline.inline + "\n" }
        return lines(members, level: 0, indent: 0).joined(separator: "\n") + "\n"
    }

    private static func lines(_ members: [Outline.Member], level: Int, indent: Int) -> [String] {
        members.flatMap { member -> [String] in
            let head = String(repeating: " ", count: indent) + YAMLText.inline(member.name) + ":"
            let inline = head + " " + member.value.inline
            if fits(member.value, inline, level: level) { return [inline] }
            switch member.value {
            case .text, .bare: return [inline]
            case .map(let members): return [head] + lines(members, level: level + 1, indent: indent + 2)
            case .list(let items): return [head] + items.flatMap { self.item($0, level: level + 1, indent: indent + 2) }
            }
        }
    }

    private static func item(_ item: Outline, level: Int, indent: Int) -> [String] {
        let dash = String(repeating: " ", count: indent) + "- "
        let inline = dash + item.inline
        guard case .map(let members) = item, !members.isEmpty, inline.count > width || item.height > 1 else {
            return [inline]
        }
        var lines = lines(members, level: level + 1, indent: indent + 2)
        lines[0] = dash + lines[0].dropFirst(indent + 2)
        return lines
    }

    private static func fits(_ value: Outline, _ inline: String, level: Int) -> Bool {
        if value.isEmpty { return true }
        if case .map = value, level == 0 { return false }
        return inline.count <= width && value.height <= height
    }
}

extension Outline {
    /// Levels of lists and maps below this value that are not empty.
    fileprivate var height: Int {
        switch self {
        case .text, .bare: 0
        case .list(let items): items.map { $0.isEmpty ? 0 : $0.height + 1 }.max() ?? 0
        case .map(let members): members.map { $0.value.isEmpty ? 0 : $0.value.height + 1 }.max() ?? 0
        }
    }
}
