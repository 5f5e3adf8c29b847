/// Finds where a key of a file stands, for problems that only the machine knows: a program or file that is not there.
package struct FilePlaces: Sendable {
    private let source: SourceFile
    private let text: SourceText
    private let root: Node?

    /// - Parameter environment: the one that was laid over the file when it was read.
    package init(_ source: SourceFile, environment: String?) {
        self.source = source
        text = SourceText(source.bytes.count <= Language.maximumFileSize ? source.bytes : [])
        var problems = Problems()
        let file = TreeReader.read(text, problems: &problems)
        let overlay = environment.flatMap { file?[FileKeys.environments.name]?[$0] }
        if let overlay, overlay.entries != nil { root = file?.overlaid(by: overlay) } else { root = file }
    }

    /// A diagnostic at the value of a key, or of the nearest one above it that the file has.
    ///
    /// - Parameter steps: names of keys, and `[0]` for an item of a list.
    package func diagnostic(
        _ severity: Diagnostic.Severity, at steps: [String], _ message: String, hint: String? = nil
    ) -> Diagnostic {
        Problem(severity: severity, span: span(of: steps), message: message, hint: hint)
            .diagnostic(in: text, of: source.name)
    }

    private func span(of steps: [String]) -> Span {
        guard var node = root else { return .fileStart }
        var span = node.span
        for step in steps {
            if let items = node.items, let index = Int(step.dropFirst().dropLast()), items.indices.contains(index) {
                node = items[index]
                span = node.span
            } else if let entry = node.entries?.first(where: { $0.key == step }) {
                node = entry.value
                // A list or section has no end of its own: its key says more.
                span = node.scalar == nil ? entry.keySpan : node.span
            } else {
                break
            }
        }
        return span
    }
}

extension Problem {
    func diagnostic(in text: SourceText, of file: String) -> Diagnostic {
        let (start, end) = (span.start, span.end)
        let line = text.line(start.line)
        let rest = max(line.unicodeScalars.count - start.column + 1, 1)
        let length = end.line == start.line ? end.column - start.column : rest
        return Diagnostic(
            severity: severity, file: file, line: start.line, column: start.column,
            length: min(max(length, 1), rest), sourceLine: line, message: message, hint: hint,
            notes: notes.map { .init(line: $0.span.start.line, column: $0.span.start.column, message: $0.message) })
    }
}
