/// Turns diagnostics into text for a terminal or a log.
///
/// ```
/// aloft.yaml:12:7: error: unknown key `replica` in `services.api`
///   12 |       replica: 3
///      |       ^~~~~~~
///      = did you mean `replicas`?
/// ```
package struct DiagnosticRenderer: Sendable {
    /// Columns of the source line that are shown at most; a longer line is cut around the caret.
    package static let width = 110

    private let paint: Paint

    package init(color: Bool) { paint = Paint(color: color) }

    /// All of them, an empty line between two, and a closing count: `2 errors, 1 warning`.
    package func text(_ diagnostics: [Diagnostic]) -> String {
        guard !diagnostics.isEmpty else { return "" }
        return diagnostics.map(text).joined(separator: "\n") + "\n" + summary(diagnostics) + "\n"
    }

    package func summary(_ diagnostics: [Diagnostic]) -> String {
        let errors = diagnostics.count { $0.severity == .error }
        let counts = [(errors, "error"), (diagnostics.count - errors, "warning")]
        return counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }.joined(separator: ", ")
    }

    /// One of them, each line ended by a line feed.
    package func text(_ diagnostic: Diagnostic) -> String {
        let number = String(diagnostic.line)
        let margin = String(repeating: " ", count: number.count)
        let place = "\(DisplayLine.printable(diagnostic.file)):\(diagnostic.line):\(diagnostic.column):"
        let severity = diagnostic.severity == .error ? paint.red("error:") : paint.yellow("warning:")
        var lines = ["\(paint.bold(place)) \(severity) \(paint.bold(DisplayLine.printable(diagnostic.message)))"]
        if diagnostic.length > 0 {
            let line = DisplayLine(
                diagnostic.sourceLine, column: diagnostic.column, length: diagnostic.length, width: Self.width)
            lines.append("  \(paint.blue("\(number) |")) \(line.text)".trimmingTrailingSpaces)
            lines.append("  \(paint.blue("\(margin) |")) \(line.indent)\(paint.red(line.caret))")
        }
        if let hint = diagnostic.hint {
            lines.append("  \(paint.blue("\(margin) =")) \(paint.green(DisplayLine.printable(hint)))")
        }
        for note in diagnostic.notes {
            let place = "\(DisplayLine.printable(diagnostic.file)):\(note.line):\(note.column)"
            lines.append("  \(paint.blue("\(margin) =")) \(place): \(DisplayLine.printable(note.message))")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

/// Terminal colours, or none.
private struct Paint: Sendable {
    let color: Bool

    func red(_ text: String) -> String { wrap(text, "1;31") }
    func yellow(_ text: String) -> String { wrap(text, "1;33") }
    func green(_ text: String) -> String { wrap(text, "32") }
    func blue(_ text: String) -> String { wrap(text, "34") }
    func bold(_ text: String) -> String { wrap(text, "1") }

    private func wrap(_ text: String, _ code: String) -> String {
        color && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        var copy = self[...]
        while copy.last == " " { copy.removeLast() }
        return String(copy)
    }
}
