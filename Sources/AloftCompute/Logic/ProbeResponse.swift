import AloftModel

/// What a replica answers to a probe: the little of HTTP/1.1 (RFC 9112) that a probe has to understand.
///
/// Lenient on purpose: it judges a replica's health, not its grammar; the edge is where strictness counts.
struct ProbeResponse: Sendable, Hashable {
    /// Bytes after which no more is read.
    static let limit = 64 << 10

    var status: Int
    /// The beginning, without the framing of chunks.
    var body: [UInt8]

    enum Progress: Sendable, Hashable {
        case incomplete
        /// All of it, or as much as is worth reading.
        case complete(ProbeResponse)
        /// Not HTTP.
        case malformed
    }

    /// The request, whose path is made safe: nothing in it can end the line. The file's fields stand in place of those
    /// of the same name.
    static func request(_ asked: HTTPProbe) -> [UInt8] {
        var target = ""
        for byte in asked.path.utf8 {
            if byte > 0x20 && byte < 0x7f {
                target.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                target += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        let own = Set(asked.headers.map { $0.name.lowercased() })
        let usual = [("User-Agent", "aloft-probe"), ("Accept", "*/*")].filter { !own.contains($0.0.lowercased()) }
        let fields = usual.map { "\($0.0): \($0.1)" } + asked.headers.map { "\($0.name): \($0.value)" }
        let head = ["GET \(target) HTTP/1.1", "Host: \(asked.host ?? "localhost")"] + fields + ["Connection: close"]
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// Judges what was received until now.
    ///
    /// - Parameter ended: True where nothing more will come.
    static func parse(_ bytes: [UInt8], ended: Bool) -> Progress {
        let start = Array("HTTP/1.".utf8)
        guard bytes.starts(with: start.prefix(bytes.count)) else { return .malformed }
        guard let bodyStart = endOfHead(bytes) else {
            return ended || bytes.count >= limit ? .malformed : .incomplete
        }
        guard let head = Head(bytes[..<bodyStart]) else { return .malformed }
        let raw = bytes[bodyStart...]
        let isWhole = ended || bytes.count >= limit || head.hasNoBody
        if head.isChunked {
            let chunks = unchunked(raw)
            if !isWhole && !chunks.ended { return .incomplete }
            return .complete(ProbeResponse(status: head.status, body: chunks.body))
        }
        if let length = head.length {
            if !isWhole && raw.count < length { return .incomplete }
            return .complete(ProbeResponse(status: head.status, body: Array(raw.prefix(length))))
        }
        return isWhole ? .complete(ProbeResponse(status: head.status, body: Array(raw))) : .incomplete
    }

    /// The status where at least the head has arrived: an answer that came in time though its body did not.
    static func head(of bytes: [UInt8]) -> ProbeResponse? {
        guard case .complete(let response) = parse(bytes, ended: true) else { return nil }
        return response
    }

    private struct Head {
        var status: Int
        var length: Int?
        var isChunked = false

        var hasNoBody: Bool { status == 204 || status == 304 }

        init?(_ bytes: ArraySlice<UInt8>) {
            let lines = bytes.split(separator: UInt8(ascii: "\n")).map { line in
                String(decoding: line, as: UTF8.self).trimmingLine
            }
            guard let first = lines.first else { return nil }
            let fields = first.split(separator: " ")
            guard fields.count >= 2, fields[1].utf8.count == 3, let status = Int(fields[1]), status >= 100 else {
                return nil
            }
            self.status = status
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let value = line[line.index(after: colon)...].trimmingLine
                switch line[..<colon].lowercased() {
                case "content-length": length = Int(value).flatMap { $0 >= 0 ? $0 : nil }
                case "transfer-encoding": isChunked = value.lowercased().hasSuffix("chunked")
                default: continue
                }
            }
        }
    }

    /// Where the body begins: after the first empty line.
    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        var lineIsEmpty = false
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") {
                if lineIsEmpty { return index + 1 }
                lineIsEmpty = true
            } else if byte != UInt8(ascii: "\r") {
                lineIsEmpty = false
            }
        }
        return nil
    }

    /// The contents of chunks, as far as they go, and whether the last one was among them.
    private static func unchunked(_ bytes: ArraySlice<UInt8>) -> (body: [UInt8], ended: Bool) {
        var body: [UInt8] = []
        var rest = bytes
        while let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: rest[..<lineEnd], as: UTF8.self)
            guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16) else { return (body, true) }
            if size == 0 { return (body, true) }
            rest = rest[rest.index(after: lineEnd)...]
            body += rest.prefix(size)
            // The line end after the chunk.
            rest = rest.dropFirst(size).drop { $0 == UInt8(ascii: "\r") }.dropFirst()
        }
        return (body, false)
    }
}

extension StringProtocol {
    /// Without spaces, tabs and line ends at either end.
    fileprivate var trimmingLine: String {
        var text = Substring(self)
        while let first = text.unicodeScalars.first, first.properties.isWhitespace { text.unicodeScalars.removeFirst() }
        while let last = text.unicodeScalars.last, last.properties.isWhitespace { text.unicodeScalars.removeLast() }
        return String(text)
    }
}
