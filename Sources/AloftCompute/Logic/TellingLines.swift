/// Finds, in what a process printed last, the lines that say why it ended.
///
/// The last line seldom does: Node ends with its own version, Java and Go with stack frames.
package enum TellingLines {
    /// At most `most` lines, in order: blank lines, banners and stack frames are left out, and where more are left, those
    /// around the error are taken.
    package static func pick(_ lines: [String], most: Int) -> [String] {
        let telling = lines.filter { !isNoise($0) }
        guard !telling.isEmpty else { return Array(lines.filter { !isBlank($0) }.suffix(most)) }
        guard telling.count > most, let error = headlineIndex(telling) else { return telling }
        // Two lines may explain the error; what led to it comes before.
        let end = min(telling.count, max(most, error + 3))
        return Array(telling[(end - most)..<end])
    }

    /// The one line that says most; nil where nothing was printed.
    package static func headline(_ lines: [String]) -> String? {
        let telling = pick(lines, most: lines.count)
        guard let index = headlineIndex(telling) else { return nil }
        let line = telling[index].trimmed
        // `thread 'main' panicked at src/main.rs:2:5:` says what in the next line.
        guard line.hasSuffix(":"), index + 1 < telling.count else { return line }
        return line + " " + telling[index + 1].trimmed
    }

    private static func headlineIndex(_ lines: [String]) -> Int? {
        lines.lastIndex(where: namesError) ?? lines.lastIndex(where: soundsLikeTrouble)
            ?? lines.indices.last
    }

    /// `TypeError: x is not a function`, `java.io.IOException: gone`, `panic: boom`, `Error [ERR_X]: no such package`.
    private static func namesError(_ line: String) -> Bool {
        let start = line.trimmed
        if ["panic: ", "fatal: ", "fatal error: ", "FATAL", "Caused by: "].contains(where: start.hasPrefix) {
            return true
        }
        if start.contains(" panicked at ") { return true }
        return start.prefixMatch(of: #/([\w.:$]*)(Error|Exception)( \[\w+\])?(: |$)/#) != nil
    }

    private static let words = [
        "error", "exception", "fatal", "panic", "cannot", "can't", "could not", "couldn't", "failed", "failure",
        "denied",
        "not found", "no such", "refused", "already in use", "invalid", "unable to", "not permitted",
    ]

    private static func soundsLikeTrouble(_ line: String) -> Bool {
        let line = line.lowercased()
        return words.contains { line.contains($0) }
    }

    private static func isNoise(_ line: String) -> Bool {
        if isBlank(line) { return true }
        let text = line.trimmed
        if isBanner(text) || isFrame(line, text) { return true }
        // Marks under a line of source.
        return text.allSatisfy { "^~-|".contains($0) }
    }

    private static func isBlank(_ line: String) -> Bool { line.allSatisfy(\.isWhitespace) }

    /// `Node.js v20.1.0`, `Bun v1.1.0 (Linux x64)`, and remarks about traces.
    private static func isBanner(_ text: String) -> Bool {
        if text.wholeMatch(of: #/(Node\.js|Bun|Deno|PHP|ruby|Python) v?\d+\.\d+.*/#) != nil { return true }
        return [
            "Traceback (most recent call last)", "note: run with `RUST_BACKTRACE", "(Use `node --trace-",
            "stack backtrace:", "[signal ",
        ].contains(where: text.hasPrefix)
    }

    /// A line of a stack trace of Node, Java, C#, Python, Ruby, Go or Rust.
    private static func isFrame(_ line: String, _ text: String) -> Bool {
        let isIndented = line.first?.isWhitespace == true
        if isIndented, text.hasPrefix("at ") || text.hasPrefix("from ") || text.hasPrefix("... ") { return true }
        if isIndented, text.hasPrefix("File \""), text.contains("\", line ") { return true }
        if text.wholeMatch(of: #/goroutine \d+ \[.*\]:/#) != nil { return true }
        if isIndented, text.wholeMatch(of: #/\S+\.go:\d+( \+0x[0-9a-f]+)?/#) != nil { return true }
        return isIndented && text.wholeMatch(of: #/\d+: .*::.*/#) != nil
    }
}

extension String {
    fileprivate var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
