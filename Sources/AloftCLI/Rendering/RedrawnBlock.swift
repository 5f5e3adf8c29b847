/// Lines at the bottom of a terminal that are drawn over themselves (ECMA-48: CUU, ED; DEC private mode 7).
package struct RedrawnBlock: Sendable {
    /// Columns of each line that is on the screen.
    private var drawn: [Int] = []

    package init() {}

    /// What to print so that `above` stays for good and `lines` stand under it, in place of what was drawn before.
    ///
    /// Wrapping is off while it is drawn, so that a line with characters of two columns still is one row.
    package mutating func draw(_ lines: [String], above: [String] = [], width: Int) -> String {
        var text = erase(width: width) + "\u{1B}[?7l"
        for line in above + lines { text += line + "\n" }
        drawn = lines.map(Self.columns)
        return text + "\u{1B}[?7h"
    }

    /// A terminal that became narrower has wrapped the lines that were wider.
    private func erase(width: Int) -> String {
        let rows = drawn.reduce(0) { rows, columns in rows + max(1, (columns + width - 1) / max(1, width)) }
        return rows == 0 ? "" : "\u{1B}[\(rows)A\r\u{1B}[J"
    }

    /// Without the colours, which take no column.
    private static func columns(_ line: String) -> Int {
        var count = 0
        var isEscape = false
        for character in line {
            if isEscape {
                isEscape = character != "m"
            } else if character == "\u{1B}" {
                isEscape = true
            } else {
                count += 1
            }
        }
        return count
    }
}
