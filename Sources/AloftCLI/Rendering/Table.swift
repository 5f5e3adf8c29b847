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
    private var rows: [Row] = []

    private enum Row: Sendable {
        case cells([Cell])
        /// A line under the row above, outside the columns.
        case note(Cell)
    }

    package init(_ header: [String]) { self.header = header }

    package mutating func add(_ cells: [Cell]) {
        precondition(cells.count == header.count, "a row has a cell for each column")
        rows.append(.cells(cells))
    }

    package mutating func addNote(_ text: String, _ tone: Palette.Tone? = nil) { rows.append(.note(Cell(text, tone))) }

    /// Ends with a line break; no line ends with blanks.
    package func render(_ palette: Palette) -> String {
        var widths = header.map(\.count)
        for case .cells(let cells) in rows {
            for (column, cell) in cells.enumerated() { widths[column] = max(widths[column], cell.text.count) }
        }
        var text = line(header.map { Cell($0, .dim) }, widths, palette)
        for row in rows {
            switch row {
            case .cells(let cells): text += line(cells, widths, palette)
            case .note(let cell): text += "  " + (cell.tone.map { palette($0, cell.text) } ?? cell.text) + "\n"
            }
        }
        return text
    }

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
