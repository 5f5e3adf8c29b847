/// Colours for a terminal, or none.
package struct Palette: Sendable, Hashable {
    package enum Tone: Int, Sendable {
        case bold = 1
        case dim = 2
        case red = 31
        case green = 32
        case yellow = 33
        case cyan = 36
    }

    package let isColoured: Bool

    package init(isColoured: Bool) { self.isColoured = isColoured }

    package static let plain = Palette(isColoured: false)

    /// Colour only where `output` is a terminal, `NO_COLOR` (no-color.org) is unset or empty, and TERM is not `dumb`.
    package static func suited(isTerminal: Bool, environment: [String: String]) -> Palette {
        Palette(isColoured: isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb")
    }

    package func callAsFunction(_ tone: Tone, _ text: String) -> String {
        isColoured && !text.isEmpty ? "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Text of the application's own, safe to print: control characters other than tab would move the cursor or
    /// recolour the terminal, so they are spelled out.
    ///
    /// - Parameter keepingLineBreaks: line feeds stay, for text of more than one line.
    package static func printable(_ text: String, keepingLineBreaks: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar), !(keepingLineBreaks && scalar == "\n") {
                let digits = String(scalar.value, radix: 16, uppercase: false)
                result += "\\x" + (digits.count < 2 ? "0" : "") + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        (scalar.value < 0x20 && scalar != "\t") || (0x7F...0x9F).contains(scalar.value)
    }
}
