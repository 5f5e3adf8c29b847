/// One problem of the file, where it is, and what to do about it.
package struct Diagnostic: Sendable, Hashable, Codable {
    package enum Severity: String, Sendable, Hashable, Codable, CaseIterable {
        /// There is no plan.
        case error
        /// The plan stands, and probably is not what was meant.
        case warning
    }

    /// Another place that belongs to the problem, such as the first of two equal keys.
    package struct Note: Sendable, Hashable, Codable {
        package var line: Int
        package var column: Int
        package var message: String

        package init(line: Int, column: Int, message: String) {
            self.line = line
            self.column = column
            self.message = message
        }
    }

    package var severity: Severity
    package var file: String
    /// From 1.
    package var line: Int
    /// From 1, in Unicode scalars.
    package var column: Int
    /// How many scalars of the line the problem covers: at least 1, or 0 where the line may hold a secret and is not shown.
    package var length: Int
    /// The line of the file, without its line break, as it stands there.
    package var sourceLine: String
    package var message: String
    /// What to write instead, where that is known.
    package var hint: String?
    package var notes: [Note]

    package init(
        severity: Severity, file: String, line: Int, column: Int, length: Int = 1, sourceLine: String, message: String,
        hint: String? = nil, notes: [Note] = []
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.length = length
        self.sourceLine = sourceLine
        self.message = message
        self.hint = hint
        self.notes = notes
    }

    package var position: Position { Position(line: line, column: column) }
}

extension Diagnostic: Comparable {
    /// By position, then errors before warnings, then by text, so that the order never depends on how it was found.
    package static func < (left: Diagnostic, right: Diagnostic) -> Bool {
        if left.position != right.position { return left.position < right.position }
        if left.severity != right.severity { return left.severity == .error }
        return left.message < right.message
    }
}
