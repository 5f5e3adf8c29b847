import AloftModel

/// A message as RFC 5322 writes it: ASCII only, lines of at most 78 characters, CRLF, no header that text could add to.
struct MailMessage: Sendable {
    let from: Mailbox
    let to: [Mailbox]
    let origin: Origin
    let message: OutboxMessage

    /// The same for the same message on every try, so that a receiver can tell a repetition.
    var messageID: String { "<\(message.id)@\(safeHostName(origin.machine))>" }

    /// Header, blank line, body; not dot-stuffed.
    var lines: [String] {
        let text = MessageText(message, origin: origin)
        return [
            "From: \(from.text)"
        ] + EncodedWord.folded("To: ", to.map(\.text)) + EncodedWord.header("Subject", text.headline) + [
            "Date: \(MailDate.text(message.posted))",
            "Message-ID: \(messageID)",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "Auto-Submitted: auto-generated",
            "X-Aloft-Delivery: \(message.id)",
            "",
        ] + QuotedPrintable.lines(text.body)
    }

    /// As DATA sends it (RFC 5321, 4.5.2): a dot before each line that begins with one, and the dot that ends it.
    var wire: String {
        lines.map { ($0.hasPrefix(".") ? "." : "") + $0 + "\r\n" }.joined() + ".\r\n"
    }
}

enum MailDate {
    /// `Sat, 21 Nov 2026 02:14:05 +0000`.
    static func text(_ time: Timestamp) -> String {
        let text = time.description
        let parts = text.prefix(10).split(separator: "-")
        let days = time.nanoseconds / 86_400_000_000_000 - (time.nanoseconds < 0 ? 1 : 0)
        let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]  // 1970-01-01 was a Thursday
        let day = names[Int((days % 7 + 7) % 7)]
        let month = months[(Int(parts[1]) ?? 1) - 1]
        return "\(day), \(parts[2]) \(month) \(parts[0]) \(text.dropFirst(11).prefix(8)) +0000"
    }
}

/// Header text that is not plain ASCII (RFC 2047), and folding.
enum EncodedWord {
    /// A header of people's text. Control characters become spaces, so no text can begin another header.
    static func header(_ name: String, _ text: String) -> [String] {
        let clean = oneLine(text)
        let isPlain =
            clean.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7F }
            && !clean.contains("=?")
        if isPlain { return folded("\(name): ", clean.split(separator: " ").map(String.init), separator: "") }
        return folded("\(name): ", words(clean), separator: "")
    }

    /// `=?utf-8?B?…?=`, each of at most 75 characters and of whole scalars.
    private static func words(_ text: String) -> [String] {
        var result: [String] = []
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            let next = Array(String(scalar).utf8)
            if bytes.count + next.count > 42 {
                result.append("=?utf-8?B?\(Base64.text(bytes))?=")
                bytes = []
            }
            bytes += next
        }
        if !bytes.isEmpty { result.append("=?utf-8?B?\(Base64.text(bytes))?=") }
        return result
    }

    /// `first` and the items, on lines of at most 78 characters where the items allow it; longer items are cut at 900.
    static func folded(_ first: String, _ items: [String], separator: String = ",") -> [String] {
        var lines: [String] = []
        var line = first
        var isStart = true
        for (number, item) in items.enumerated() {
            let text = String(item.prefix(900)) + (number + 1 < items.count ? separator : "")
            if !isStart, line.utf8.count + 1 + text.utf8.count > 78 {
                lines.append(line)
                line = " " + text
            } else {
                line += (isStart ? "" : " ") + text
            }
            isStart = false
        }
        return lines + [line]
    }
}

enum QuotedPrintable {
    private static let hex = Array("0123456789ABCDEF".utf8)

    /// Lines of at most 76 characters (RFC 2045, 6.7); `\n` is the line end, other control characters are encoded.
    static func lines(_ text: String) -> [String] {
        text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
            .flatMap { encoded(Array($0.utf8)) }
    }

    private static func encoded(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        var line: [UInt8] = []
        for (place, byte) in bytes.enumerated() {
            let isLast = place + 1 == bytes.count
            let isPlain = (0x21...0x7E).contains(byte) && byte != 0x3D || (byte == 0x20 && !isLast)
            let piece = isPlain ? [byte] : [0x3D, hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            if line.count + piece.count > 75 {
                lines.append(String(decoding: line, as: UTF8.self) + "=")
                line = []
            }
            line += piece
        }
        return lines + [String(decoding: line, as: UTF8.self)]
    }
}

enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// RFC 4648, 4, with padding and without line ends.
    static func text(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var value = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            value <<= UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                result.append(place <= group.count ? alphabet[Int(value >> UInt32(18 - 6 * place) & 63)] : 0x3D)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
