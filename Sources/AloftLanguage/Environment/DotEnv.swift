/// Reads a dotenv file by the rules of docker compose, without a shell.
///
/// `NAME=value` a line, with `export ` in front or not. Single quotes keep everything but `\'`; double quotes know the
/// usual escapes; both may span lines. `$NAME`, `${NAME}`, `${NAME:-default}` and their like are replaced outside single
/// quotes; `$$` is a dollar sign. Stricter than compose where that hides a mistake: docs/environment.md lists it.
///
/// No message holds any part of a value.
struct DotEnv {
    static let longestFile = 256 << 10
    static let mostVariables = 1000
    /// Linux refuses a program one of whose variables is longer than 128 KiB.
    static let longestValue = 100 << 10
    /// Problems of one file that are reported.
    static let mostProblems = 50
    /// Levels of `${A:-${B:-…}}`.
    static let deepest = 20

    struct Entry: Equatable {
        var name: String
        var value: String
        var position: Position
    }

    struct Fault: Equatable {
        var position: Position
        var message: String
        var hint: String?
    }

    private(set) var entries: [Entry] = []
    var faults: [Fault] = []

    let text: [Unicode.Scalar]
    let lookup: (String) -> String?
    var values: [String: String] = [:]
    var at = 0
    /// Where the value that is being read ends, if that is known.
    private var limit: Int?
    private var line = 1
    private var lineStart = 0

    /// - Parameter lookup: Variables of files before this one and of the environment.
    init(_ bytes: [UInt8], lookup: @escaping (String) -> String?) {
        self.lookup = lookup
        guard bytes.count <= Self.longestFile else {
            text = []
            faults = [
                Fault(
                    position: .start, message: "the file is larger than \(Self.longestFile >> 10) KiB",
                    hint: "a file of variables is smaller; give the app the path of a large file instead")
            ]
            return
        }
        guard let decoded = Self.decode(bytes) else {
            text = []
            let line = bytes[..<Self.firstBadByte(bytes)].count { $0 == 0x0A } + 1
            faults = [
                Fault(
                    position: Position(line: line, column: 1), message: "this line is not UTF-8 text",
                    hint: "save the file as UTF-8, and a binary value in base64")
            ]
            return
        }
        text = decoded
        readAll()
    }

    /// Without a byte order mark; line ends of Windows become those of Unix.
    private static func decode(_ bytes: [UInt8]) -> [Unicode.Scalar]? {
        guard let string = String(validating: bytes, as: UTF8.self) else { return nil }
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(bytes.count)
        for scalar in string.unicodeScalars {
            if scalars.isEmpty, scalar == "\u{FEFF}" { continue }
            if scalar == "\n", scalars.last == "\r" { scalars.removeLast() }
            scalars.append(scalar)
        }
        return scalars
    }

    private static func firstBadByte(_ bytes: [UInt8]) -> Int {
        var (low, high) = (0, bytes.count)
        while low < high {
            let middle = (low + high + 1) / 2
            // A prefix that ends within a character of several bytes is shortened to the character before.
            var end = middle
            while end > 0, end < bytes.count, bytes[end] & 0xC0 == 0x80 { end -= 1 }
            if String(validating: bytes[..<end], as: UTF8.self) != nil { low = middle } else { high = middle - 1 }
        }
        return low
    }

    // MARK: Lines

    private mutating func readAll() {
        while true {
            skip { Self.isBlank($0) || $0 == "\n" }
            guard at < text.count, faults.count < Self.mostProblems else { return }
            if text[at] == "#" {
                skipLine()
                continue
            }
            guard entries.count < Self.mostVariables else {
                return fail(
                    position, "the file sets more than \(Self.mostVariables) variables",
                    "keep settings of that number in a file that the app reads")
            }
            if !statement() { skipLine() }
        }
    }

    /// False where the rest of the line is to be left out.
    private mutating func statement() -> Bool {
        if text[at...].starts(with: "export".unicodeScalars), at + 6 < text.count, Self.isBlank(text[at + 6]) {
            advance(6)
            skip(Self.isBlank)
        }
        let start = position
        guard let name = name() else { return false }
        skip(Self.isBlank)
        guard let sign = current, sign == "=" || sign == ":" && isSpace(after: at) else {
            if current == nil || current == "\n" || current == "#" {
                fail(
                    start, "this line sets nothing: no `=` follows the name",
                    "write `NAME=` for an empty value; a value of several lines stands in quotes")
            } else {
                fail(position, "a name is letters, digits, `_`, `.` and `-`, and `=` follows it", nil)
            }
            return false
        }
        advance(1)
        let spaces = at
        skip(Self.isBlank)
        guard let value = value(afterSpace: at > spaces) else { return false }
        guard value.utf8.count <= Self.longestValue else {
            fail(start, "the value is longer than \(Self.longestValue >> 10) KiB", "give the app the path of a file")
            return true
        }
        values[name] = value
        entries.append(Entry(name: name, value: value, position: start))
        return true
    }

    private mutating func name() -> String? {
        let start = at
        while let scalar = current,
            Self.isLetter(scalar) || Self.isDigit(scalar) || "_.-".unicodeScalars.contains(scalar)
        {
            advance(1)
        }
        guard at > start, let first = text[start..<at].first, Self.isLetter(first) || first == "_" else {
            at = start
            fail(
                position, "a variable's name begins here, with a letter or `_`",
                "write `NAME=value`, or `#` for a comment")
            return nil
        }
        return string(text[start..<at])
    }

    // MARK: Values

    private mutating func value(afterSpace isSpaced: Bool) -> String? {
        switch current {
        case "'": return quoted("'")
        case "\"": return quoted("\"")
        default: return plain(isSpaced)
        }
    }

    /// To the end of the line, or to a `#` after a space; without blanks at its end.
    private mutating func plain(_ isSpaced: Bool) -> String? {
        var end = at
        while end < text.count, text[end] != "\n" {
            if text[end] == "#", end == at ? isSpaced : Self.isBlank(text[end - 1]) { break }
            end += 1
        }
        while end > at, Self.isBlank(text[end - 1]) { end -= 1 }
        limit = end
        defer { limit = nil }
        var pieces = DotEnvValue()
        var isSound = true
        while let scalar = current {
            if scalar == "\0" { isSound = refuseNull() }
            if scalar == "$" {
                if !reference(into: &pieces, depth: 0) { isSound = false }
            } else {
                pieces.append(scalar)
                advance(1)
            }
        }
        limit = nil
        skipLine()
        return isSound ? pieces.text : nil
    }

    private mutating func quoted(_ quote: Unicode.Scalar) -> String? {
        let opening = position
        advance(1)
        var pieces = DotEnvValue()
        var isSound = true
        while let scalar = current, scalar != quote {
            if scalar == "\0" { isSound = refuseNull() }
            if scalar == "\\", let next = peek(1), next == quote || quote == "\"" {
                escape(next, quote, &pieces)
            } else if scalar == "$", quote == "\"" {
                if !reference(into: &pieces, depth: 0) { isSound = false }
            } else {
                pieces.append(scalar)
                advance(1)
            }
        }
        guard current == quote else {
            fail(
                opening, "the quote that opens here is never closed",
                "close it; a quote within the value is `\\\(quote)`")
            return nil
        }
        advance(1)
        skip(Self.isBlank)
        guard current == nil || current == "\n" || current == "#" else {
            fail(
                position, "text follows the closing quote",
                "a quote within the value is `\\\(quote)`; a comment begins with `#`")
            return nil
        }
        skipLine()
        return isSound ? pieces.text : nil
    }

    private mutating func escape(_ next: Unicode.Scalar, _ quote: Unicode.Scalar, _ pieces: inout DotEnvValue) {
        let plain: [Unicode.Scalar: Unicode.Scalar] = [
            "n": "\n", "r": "\r", "t": "\t", "a": "\u{07}", "b": "\u{08}", "f": "\u{0C}", "v": "\u{0B}", "\\": "\\",
            "$": "$", "\"": "\"",
        ]
        if next == quote {
            pieces.append(quote)
        } else if let scalar = plain[next] {
            pieces.append(scalar)
        } else {
            pieces.append("\\")
            pieces.append(next)
        }
        advance(2)
    }

    private mutating func refuseNull() -> Bool {
        fail(position, "no variable can hold a NUL character", "save a binary value in base64")
        return false
    }

    // MARK: Characters

    var current: Unicode.Scalar? { peek(0) }

    var position: Position { Position(line: line, column: at - lineStart + 1) }

    func peek(_ distance: Int) -> Unicode.Scalar? {
        at + distance < (limit ?? text.count) ? text[at + distance] : nil
    }

    private func isSpace(after place: Int) -> Bool {
        guard place + 1 < text.count else { return true }
        return Self.isBlank(text[place + 1]) || text[place + 1] == "\n"
    }

    mutating func advance(_ count: Int) {
        for _ in 0..<count where at < text.count {
            if text[at] == "\n" {
                line += 1
                lineStart = at + 1
            }
            at += 1
        }
    }

    private mutating func skip(_ isSkipped: (Unicode.Scalar) -> Bool) {
        while let scalar = current, isSkipped(scalar) { advance(1) }
    }

    /// To the line break, which stays.
    private mutating func skipLine() { skip { $0 != "\n" } }

    mutating func fail(_ position: Position, _ message: String, _ hint: String?) {
        guard faults.count < Self.mostProblems else { return }
        faults.append(Fault(position: position, message: message, hint: hint))
    }

    func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\t", "\r", "\u{0B}", "\u{0C}", "\u{85}", "\u{A0}": true
        default: false
        }
    }

    static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
}
