/// A command line as words, where it needs no shell.
enum ShellWords {
    /// Nil where a shell would do more than split it: pipes, `&&`, globs, substitutions, variables other than `$PORT`.
    static func split(_ line: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = line[...]
        while let character = rest.popFirst() {
            if let open = quote {
                if character == open {
                    quote = nil
                } else if character == "$", open == "\"" {
                    guard let name = port(&rest) else { return nil }
                    word = (word ?? "") + name
                } else if character == "\\" || character == "`" {
                    return nil
                } else {
                    word = (word ?? "") + String(character)
                }
                continue
            }
            switch character {
            case " ", "\t":
                if let done = word { words.append(done) }
                word = nil
            case "'", "\"":
                quote = character
                word = word ?? ""
            case "$":
                guard let name = port(&rest) else { return nil }
                word = (word ?? "") + name
            case "|", "&", ";", "<", ">", "(", ")", "*", "?", "[", "\\", "`", "~", "#", "\n", "{": return nil
            default: word = (word ?? "") + String(character)
            }
        }
        if let word { words.append(word) }
        guard quote == nil, let first = words.first, !first.contains("="), !first.isEmpty else { return nil }
        return words
    }

    /// The command in Aloft's words, through a shell where it needs one.
    static func command(_ line: String) -> (words: [String], needsShell: Bool) {
        if let words = split(line) { return (words, false) }
        return (["sh", "-c", line], true)
    }

    /// After a `$`: `PORT` or `{PORT}`, as a reference.
    private static func port(_ rest: inout Substring) -> String? {
        for spelling in ["PORT", "{PORT}"] where rest.hasPrefix(spelling) {
            let after = rest.dropFirst(spelling.count)
            guard spelling.hasSuffix("}") || !(after.first.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false)
            else { return nil }
            rest = after
            return "${PORT}"
        }
        return nil
    }
}
