/// Columns of text, each as wide as its widest cell.
package struct Table: Sendable {
    package struct Cell: Sendable {
        package var text: String
        package var tone: Palette.Tone?

        package init(_ text: String, _ tone: Palette.Tone? = nil) {
            self.text = text
            self.tone = tone
        }
    }

    private let header: [String]
    /// Columns that may be left out where there is no room, the first to go first.
    private let spare: [String]
    private var rows: [Row] = []

    private enum Row: Sendable {
        case cells([Cell])
        /// A line under the row above, outside the columns.
        case note(Cell)
    }

    package init(_ header: [String], spare: [String] = []) {
        self.header = header
        self.spare = spare
    }

    package mutating func add(_ cells: [Cell]) {
        precondition(cells.count == header.count, "a row has a cell for each column")
        rows.append(.cells(cells))
    }

    package mutating func addNote(_ text: String, _ tone: Palette.Tone? = nil) { rows.append(.note(Cell(text, tone))) }

    /// Ends with a line break; no line ends with blanks.
    ///
    /// - Parameter width: columns of the terminal that rows keep to, as far as leaving out spare ones and cutting the first
    ///   one does it; notes are sentences, and as long as they are.
    package func render(_ palette: Palette, width: Int = .max) -> String {
        var widths = header.map(\.count)
        for case .cells(let cells) in rows {
            for (column, cell) in cells.enumerated() { widths[column] = max(widths[column], cell.text.count) }
        }
        var kept = Array(header.indices)
        func total() -> Int { kept.reduce(-2) { $0 + widths[$1] + 2 } }
        for name in spare where total() > width { kept.removeAll { header[$0] == name } }
        if total() > width, let first = kept.first {
            widths[first] = max(Self.leastWidth, widths[first] - (total() - width))
        }
        func fitted(_ cells: [Cell]) -> [Cell] {
            kept.map { column in
                let cell = cells[column]
                return cell.text.count <= widths[column]
                    ? cell : Cell(cell.text.prefix(widths[column] - 1) + "…", cell.tone)
            }
        }
        let shown = kept.map { widths[$0] }
        var text = line(fitted(header.map { Cell($0, .dim) }), shown, palette)
        for row in rows {
            switch row {
            case .cells(let cells): text += line(fitted(cells), shown, palette)
            case .note(let cell): text += "  " + (cell.tone.map { palette($0, cell.text) } ?? cell.text) + "\n"
            }
        }
        return text
    }

    /// The first column is never cut below this.
    private static let leastWidth = 12

    private func line(_ cells: [Cell], _ widths: [Int], _ palette: Palette) -> String {
        let last = cells.lastIndex { !$0.text.isEmpty } ?? 0
        var text = ""
        for (column, cell) in cells.enumerated() where column <= last {
            text += cell.tone.map { palette($0, cell.text) } ?? cell.text
            if column < last { text += String(repeating: " ", count: widths[column] - cell.text.count + 2) }
        }
        return text + "\n"
    }
}
