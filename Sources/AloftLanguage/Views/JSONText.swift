/// A JSON value whose keys keep their order, so that what is generated never changes by itself.
indirect enum JSONText: Sendable, Hashable {
    case object([Member])
    case array([JSONText])
    case string(String)
    case number(Int)
    case bool(Bool)
    /// A number with a fraction, as its digits.
    case decimal(String)

    struct Member: Sendable, Hashable {
        var name: String
        var value: JSONText
    }

    static func object(_ members: (String, JSONText)...) -> JSONText {
        .object(members.map { Member(name: $0.0, value: $0.1) })
    }

    static func strings(_ texts: [String]) -> JSONText { .array(texts.map(JSONText.string)) }

    /// With two spaces for each level.
    func text(indent: Int = 0) -> String {
        let inner = String(repeating: " ", count: indent + 2)
        let outer = String(repeating: " ", count: indent)
        switch self {
        case .string(let text): return Self.quoted(text)
        case .number(let number): return String(number)
        case .decimal(let digits): return digits
        case .bool(let value): return value ? "true" : "false"
        case .array(let items) where items.allSatisfy(\.isScalar):
            return "[" + items.map { $0.text() }.joined(separator: ", ") + "]"
        case .array(let items):
            return "[\n" + items.map { inner + $0.text(indent: indent + 2) }.joined(separator: ",\n") + "\n\(outer)]"
        case .object(let members) where members.isEmpty: return "{}"
        case .object(let members):
            let lines = members.map { "\(inner)\(Self.quoted($0.name)): \($0.value.text(indent: indent + 2))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
        }
    }

    private var isScalar: Bool {
        switch self {
        case .string, .number, .bool, .decimal: true
        case .array, .object: false
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default:
                if scalar.value < 0x20 {
                    let hex = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
