/// A value as the file spells it, before it is laid out as YAML.
indirect enum Outline: Sendable, Hashable {
    /// Text that gets quotes where YAML needs them.
    case text(String)
    /// A number, quantity or word that never needs quotes.
    case bare(String)
    case list([Outline])
    case map([Member])

    struct Member: Sendable, Hashable {
        var name: String
        var value: Outline
    }

    /// On one line, in YAML's flow style.
    var inline: String {
        switch self {
        case .text(let text): YAMLText.inline(text)
        case .bare(let text): text
        case .list(let items): "[" + items.map(\.inline).joined(separator: ", ") + "]"
        case .map(let members):
            "{" + members.map { "\(YAMLText.inline($0.name)): \($0.value.inline)" }.joined(separator: ", ") + "}"
        }
    }

    var isEmpty: Bool {
        switch self {
        case .text, .bare: false
        case .list(let items): items.isEmpty
        case .map(let members): members.isEmpty
        }
    }
}

/// Text as a YAML scalar.
enum YAMLText {
    /// Plain where every YAML reader takes it for the same text, else in double quotes with JSON's escapes.
    static func inline(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                let value = scalar.value
                if value < 0x20 || (0x7F...0xA0).contains(value) || value == 0x2028 || value == 0x2029
                    || value == 0xFEFF
                {
                    result += value <= 0xFF ? "\\x\(hex(value, 2))" : "\\u\(hex(value, 4))"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }

    private static func hex(_ value: UInt32, _ width: Int) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 200 else { return false }
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let startsWell =
            letters.contains(first) || capitals.contains(first) || first == UInt8(ascii: "/")
            || first == UInt8(ascii: "_") || text.hasPrefix("./") || text.hasPrefix("../") || text.hasPrefix("--")
            || first == UInt8(ascii: "-") && text.utf8.dropFirst().first.map { letters.contains($0) } ?? false
        let rest = text.utf8.allSatisfy { byte in
            letters.contains(byte) || capitals.contains(byte) || (0x30...0x39).contains(byte)
                || "_-./=+@*".utf8.contains(byte)
        }
        return startsWell && rest && !surprising.contains(text.lowercased())
    }

    /// Words that some YAML readers take for something other than text.
    private static let surprising: Set<String> = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
}
