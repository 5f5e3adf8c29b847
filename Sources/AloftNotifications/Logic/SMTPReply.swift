/// An answer of an SMTP server (RFC 5321, 4.2): a code and its lines.
struct SMTPReply: Sendable, Hashable {
    var code: Int
    var lines: [String]

    var isPositive: Bool { (200..<400).contains(code) }
    var text: String { "\(code) " + lines.joined(separator: " ") }

    /// The keyword and arguments of each line but the first, in upper case: what EHLO offers.
    var offers: [String: [String]] {
        var result: [String: [String]] = [:]
        for line in lines.dropFirst() {
            let words = line.uppercased().split(separator: " ").map(String.init)
            if let first = words.first { result[first] = Array(words.dropFirst()) }
        }
        return result
    }
}

/// Why an answer cannot be understood.
enum SMTPReplyError: Error, Sendable, Hashable {
    case lineTooLong
    case tooManyLines
    case malformed
}

/// Cuts bytes into replies. Lines of at most 2,048 bytes, 100 lines a reply; RFC 5321 asks for 512.
struct SMTPReplyParser: Sendable {
    private var line: [UInt8] = []
    private var code: Int?
    private var lines: [String] = []

    /// True where bytes of an answer that nobody asked for yet have come.
    var hasRemainder: Bool { !line.isEmpty || code != nil }

    /// Takes one byte.
    /// - Returns: A reply, where the byte ends one.
    mutating func take(_ byte: UInt8) throws(SMTPReplyError) -> SMTPReply? {
        guard byte == 0x0A else {
            guard line.count < 2048 else { throw .lineTooLong }
            line.append(byte)
            return nil
        }
        if line.last == 0x0D { line.removeLast() }
        defer { line = [] }
        return try end()
    }

    private mutating func end() throws(SMTPReplyError) -> SMTPReply? {
        guard line.count >= 3, line.prefix(3).allSatisfy({ (0x30...0x39).contains($0) }) else { throw .malformed }
        let number = line.prefix(3).reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard (200..<600).contains(number), code == nil || code == number else { throw .malformed }
        let mark = line.count > 3 ? line[3] : 0x20
        guard mark == 0x20 || mark == 0x2D else { throw .malformed }
        guard lines.count < 100 else { throw .tooManyLines }
        lines.append(String(decoding: line.dropFirst(4), as: UTF8.self))
        guard mark == 0x20 else {
            code = number
            return nil
        }
        defer { (code, lines) = (nil, []) }
        return SMTPReply(code: number, lines: lines)
    }
}
