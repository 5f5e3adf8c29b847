/// A place in a file: line and column from 1, columns counted in Unicode scalars as libyaml and editors do.
package struct Position: Sendable, Hashable, Comparable, Codable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static let start = Position(line: 1, column: 1)

    package static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// The text from `start` up to, not including, `end`.
package struct Span: Sendable, Hashable {
    package var start: Position
    package var end: Position

    package init(_ start: Position, _ end: Position) {
        self.start = start
        self.end = max(start, end)
    }

    /// One character.
    package init(at position: Position) {
        self.init(position, Position(line: position.line, column: position.column + 1))
    }

    package static let fileStart = Span(at: .start)
}
