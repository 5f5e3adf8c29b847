/// Says in a person's words what libyaml did not like.
struct SyntaxProblem {
    private let error: EventStream.SyntaxError
    private let text: SourceText

    init(_ error: EventStream.SyntaxError, text: SourceText) {
        self.error = error
        self.text = text
    }

    func add(to problems: inout Problems) {
        let tabs = tabIndentedLines()
        guard tabs.isEmpty else {
            for line in tabs {
                problems.error(
                    Span(at: line), "a tab cannot indent in YAML", hint: "indent with spaces, two for each level")
            }
            return
        }
        let (message, hint) = words()
        var problem = Problem(span: Span(at: error.position), message: message, hint: hint)
        let isOpenQuote = error.problem == "found unexpected end of stream"
        if let context = error.context, isOpenQuote {
            problem.span = Span(at: context.position)
        } else if let context = error.context, context.position.line != error.position.line {
            problem.notes = [
                .init(span: Span(at: context.position), message: "the part that was being read starts here")
            ]
        }
        problems.add(problem)
    }

    /// Where libyaml stumbled over a line that begins with a tab: all lines that do so.
    private func tabIndentedLines() -> [Position] {
        guard isAtTab || isAboutTabs else { return [] }
        let lines = (1...text.lineCount).prefix(TreeReader.maximumNodes).compactMap { number in
            Self.firstTab(text.line(number)).map { Position(line: number, column: $0) }
        }
        return lines.isEmpty ? [error.position] : lines
    }

    private var isAtTab: Bool {
        text.line(error.position.line).unicodeScalars.dropFirst(error.position.column - 1).first == "\t"
    }

    private var isAboutTabs: Bool { error.problem.contains("found a tab character") }

    /// Column of a tab among the white space that begins a line which has more than white space.
    private static func firstTab(_ line: String) -> Int? {
        var column = 1
        var tab: Int?
        for scalar in line.unicodeScalars {
            if scalar == "\t" { tab = tab ?? column } else if scalar != " " { return scalar == "#" ? nil : tab }
            column += 1
        }
        return nil
    }

    private func words() -> (message: String, hint: String?) {
        switch error.problem {
        case "mapping values are not allowed in this context":
            ("a `:` cannot stand here", "a value that holds `: ` needs quotes; a key stands on a line of its own")
        case "did not find expected key":
            ("a key was expected here", "is the indentation of this line the same as that of the keys around it?")
        case "could not find expected ':'":
            ("a `:` is missing after this key", "write `key: value`")
        case "found character that cannot start any token":
            ("no value can begin with this character", "put the value in quotes")
        case "did not find expected ',' or ']'":
            ("a `,` or the closing `]` is missing", "a text with `{`, `[` or `,` in it needs quotes here")
        case "did not find expected ',' or '}'":
            ("a `,` or the closing `}` is missing", "a text with `{`, `[` or `,` in it needs quotes here")
        case "did not find expected '-' indicator":
            ("an item of the list was expected here", "begin it with `- `, indented like the others")
        case "found unexpected end of stream": ("this quoted text does not end", "add the closing quote")
        case "found unknown escape character":
            ("YAML does not know this escape", "in double quotes write `\\\\` for a backslash, or use single quotes")
        case "did not find expected node content": ("a value was expected here", nil)
        case "block sequence entries are not allowed in this context":
            ("a list cannot begin here", "put `- ` on a line of its own below the key")
        case "found incompatible YAML document": ("only YAML 1.1 and 1.2 can be read", nil)
        case let problem where problem.hasPrefix("Maximum nesting level"):
            ("nested more than \(TreeReader.maximumDepth) levels deep", nil)
        case "did not find expected alphabetic or numeric character":
            ("a name must follow `&` and `*`", "a text that begins with `&` or `*` needs quotes")
        default: ("the file is not YAML: \(error.problem)", nil)
        }
    }
}
