/// One line of the file as a terminal can show it, with the caret's place in terminal cells.
///
/// Tabs become spaces up to the next multiple of four, control characters become `?` (a file must not be able to
/// send escape sequences to the terminal), wide characters count two cells and combining ones none.
struct DisplayLine {
    let text: String
    /// Spaces before the caret.
    let indent: String
    /// `^`, then `~` under the rest of the place.
    let caret: String

    init(_ line: String, column: Int, length: Int, width: Int) {
        var cells: [(text: String, width: Int)] = []
        var position = 0
        for scalar in line.unicodeScalars {
            let cell = Self.cell(of: scalar, at: position)
            cells.append(cell)
            position += cell.width
        }
        let first = min(max(column - 1, 0), cells.count)
        let last = min(first + max(length, 1), max(cells.count, first + 1))
        let window = Self.window(cells.map(\.width), around: first, width: width)
        let shown = cells[window].map(\.text).joined()
        text = (window.lowerBound > 0 ? "…" : "") + shown + (window.upperBound < cells.count ? "…" : "")
        let before = cells[window.lowerBound..<first].reduce(window.lowerBound > 0 ? 1 : 0) { $0 + $1.width }
        indent = String(repeating: " ", count: before)
        let covered = cells[min(first, cells.count)..<min(last, window.upperBound, cells.count).clamped(from: first)]
        caret = "^" + String(repeating: "~", count: max(covered.reduce(0) { $0 + $1.width } - 1, 0))
    }

    /// Control characters and line breaks replaced, for messages that quote the file.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.map { isControl($0) ? "?" : String($0) }.joined()
    }

    private static func cell(of scalar: Unicode.Scalar, at position: Int) -> (text: String, width: Int) {
        if scalar == "\t" {
            let width = 4 - position % 4
            return (String(repeating: " ", count: width), width)
        }
        if isControl(scalar) { return ("?", 1) }
        return (String(scalar), cellWidth(scalar))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: true
        case .format: scalar.value != 0x200D
        default: false
        }
    }

    /// East Asian wide and fullwidth blocks and emoji take two cells (Unicode Standard Annex 11, by block).
    private static func cellWidth(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    /// The cells to show: all of a short line, else a piece that has `index` in its first half.
    private static func window(_ widths: [Int], around index: Int, width: Int) -> Range<Int> {
        guard widths.reduce(0, +) > width else { return 0..<widths.count }
        var start = index
        var taken = 0
        while start > 0, taken + widths[start - 1] <= width / 2 {
            start -= 1
            taken += widths[start]
        }
        var end = index
        while end < widths.count, taken + widths[end] <= width {
            taken += widths[end]
            end += 1
        }
        return start..<end
    }
}

extension Int {
    fileprivate func clamped(from low: Int) -> Int { Swift.max(self, low) }
}
