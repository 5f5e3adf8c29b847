import AloftModel

/// A record of the application log for people: time, replica, level, message, and the rest as `key=value`.
struct RecordText {
    /// Fields, characters of a value, and characters of a message that are shown; `--raw` shows all.
    static let fieldLimit = 40
    static let valueLimit = 1000
    static let messageLimit = 8000

    private let palette: Palette

    init(palette: Palette) { self.palette = palette }

    /// One line, without its end.
    func render(_ record: PrintedLine) -> String {
        switch record.content {
        case .line(let text): return head(record.time, record) + body(Palette.printable(text), record.isError)
        case .object(let bytes):
            guard let members = JSONMembers(bytes), let app = AppRecord(members) else {
                return head(record.time, record) + body(Palette.printable(Self.compact(bytes)), record.isError)
            }
            let (time, shown) = app.timed(near: record.time)
            return head(time, record) + text(of: shown, isError: record.isError)
        }
    }

    /// A line as it is said in passing: of JSON the level and the message.
    static func said(_ line: String) -> String {
        guard line.hasPrefix("{"), let members = JSONMembers(Array(line.utf8)[...]), let app = AppRecord(members) else {
            return Palette.printable(line)
        }
        return RecordText(palette: .plain).text(of: app, isError: false)
    }

    private func head(_ time: Timestamp, _ record: PrintedLine) -> String {
        let clock = String(time.description.dropFirst(11).dropLast())
        return "\(palette(.dim, clock))  \(palette(.cyan, Palette.printable(record.replica)))  "
    }

    /// What came from stderr is marked by colour only.
    private func body(_ text: String, _ isError: Bool) -> String {
        isError ? palette(.yellow, text) : text
    }

    private func text(of app: AppRecord, isError: Bool) -> String {
        var parts: [String] = []
        if let level = app.level {
            let name = Palette.printable(level.name)
            let padding = String(repeating: " ", count: max(0, 5 - name.count))
            parts.append((level.tone.map { palette($0, name) } ?? name) + padding)
        }
        if let message = app.message {
            let text = Self.escaped(Self.cut(message, Self.messageLimit))
            parts.append(app.level == nil ? body(text, isError) : text)
        }
        let rest = fields(of: app.rest)
        if !rest.isEmpty { parts.append(rest) }
        return parts.joined(separator: "  ")
    }

    private func fields(of members: JSONMembers) -> String {
        var words = members.all.prefix(Self.fieldLimit).map { member in
            let name = Self.escaped(Self.cut(member.name, 200))
            return palette(.dim, "\(name)=") + palette(.dim, Self.value(member.value))
        }
        let more = members.all.count - min(members.all.count, Self.fieldLimit) + members.leftOut
        if more > 0 { words.append(palette(.dim, "and \(more) more fields")) }
        return words.joined(separator: " ")
    }

    /// As it is where that is one plain word, else in quotes.
    static func value(_ value: JSONMembers.Value) -> String {
        switch value {
        case .word(let text): return escaped(cut(text, valueLimit))
        case .nested(let bytes): return Palette.printable(cut(compact(bytes), valueLimit))
        case .text(let text):
            let shown = escaped(cut(text, valueLimit))
            let isPlain = !shown.isEmpty && shown == text && !text.contains { " =\"\t".contains($0) }
            return isPlain ? shown : "\"" + shown.replacing("\"", with: "\\\"") + "\""
        }
    }

    /// Line breaks and tabs as people write them; other control characters by their code.
    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
            return text
        }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return Palette.printable(result)
    }

    /// Without the space between its parts.
    static func compact(_ bytes: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(min(bytes.count, valueLimit * 4))
        var isQuoted = false
        var isEscaped = false
        for byte in bytes where isQuoted || !" \t\r\n".utf8.contains(byte) {
            result.append(byte)
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = isQuoted
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func cut(_ text: String, _ limit: Int) -> String {
        text.utf8.count > limit && text.count > limit ? text.prefix(limit) + "…" : text
    }
}
