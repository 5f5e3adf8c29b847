import Foundation

/// One block of a PEM file (RFC 7468).
struct PEMBlock: Sendable, Hashable {
    /// `CERTIFICATE`, `PRIVATE KEY`.
    let label: String
    /// From the BEGIN line to the END line, each ended by one newline.
    let text: String

    /// The bytes between the lines; nil where they are not base64, as in old encrypted keys.
    var der: Data? {
        let body = text.split(separator: "\n").dropFirst().dropLast().joined()
        return Data(base64Encoded: body)
    }

    /// The blocks of a file, in order; what stands between them (as `openssl x509 -text` writes) is passed over.
    ///
    /// Nil for a block that has no end or another one's end.
    static func blocks(of text: String) -> [PEMBlock]? {
        var blocks: [PEMBlock] = []
        var open: (label: String, lines: [Substring])?
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.drop(while: \.isWhitespace)
            if let label = boundary(line, "BEGIN") {
                guard open == nil else { return nil }
                open = (label, [line])
            } else if let label = boundary(line, "END") {
                guard let block = open, block.label == label else { return nil }
                let lines = block.lines + ["-----END \(label)-----"]
                blocks.append(PEMBlock(label: label, text: lines.map { $0 + "\n" }.joined()))
                open = nil
            } else {
                open?.lines.append(line)
            }
        }
        return open == nil ? blocks : nil
    }

    private static func boundary(_ line: Substring, _ word: String) -> String? {
        let line = line.prefix { $0 != "\r" }
        let (head, tail) = ("-----\(word) ", "-----")
        guard line.hasPrefix(head), line.hasSuffix(tail), line.count >= head.count + tail.count else { return nil }
        return String(line.dropFirst(head.count).dropLast(tail.count))
    }
}
