import AloftModel

/// One record of the application log, as the daemon keeps it: who printed a line, when, and the line.
struct PrintedLine: Sendable, Hashable {
    enum Content: Sendable, Hashable {
        case line(String)
        /// A line that was a JSON object, as it was printed.
        case object(ArraySlice<UInt8>)
    }

    var time: Timestamp
    var service: String?
    /// Who printed it; `aloft` where the daemon itself has something to say.
    var replica: String
    var isError: Bool
    var content: Content

    /// Nil for a line that is no record.
    init?(_ line: [UInt8]) {
        guard let members = JSONMembers(line[...]), case .text(let time)? = members["time"],
            let time = Timestamp(rfc3339: time)
        else { return nil }
        self.time = time
        if case .text(let name)? = members["service"] { service = name }
        if case .text(let name)? = members["replica"] { replica = name } else { replica = "aloft" }
        isError = members["stream"] == .text("stderr")
        if case .nested(let bytes)? = members["json"], bytes.first == UInt8(ascii: "{") {
            content = .object(bytes)
        } else if case .text(let text)? = members["line"] ?? members["message"] {
            content = .line(text)
        } else {
            return nil
        }
    }

    /// The line as the app printed it.
    var raw: [UInt8] {
        switch content {
        case .line(let text): Array(text.utf8)
        case .object(let bytes): Array(bytes)
        }
    }
}
