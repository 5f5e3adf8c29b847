import Foundation

/// One answer, read by rules of the tests' own (RFC 9112 §6), so that the codec can't agree with itself.
struct Answer: Sendable {
    var version = ""
    var status = 0
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Statuses of the interim answers before it.
    var interim: [Int] = []

    var text: String { String(decoding: body, as: UTF8.self) }

    /// First value of a field; `name` in lower case.
    subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

extension Wire {
    /// Reads one whole answer; throws `ended` or a system error when it is broken.
    func answer(head isHead: Bool = false) throws -> Answer {
        var interim: [Int] = []
        while true {
            guard let text = try read(through: "\r\n\r\n") else { throw WireError.ended("before an answer") }
            var answer = try Self.parse(text)
            if (100..<200).contains(answer.status), answer.status != 101 {
                interim.append(answer.status)
                continue
            }
            answer.interim = interim
            if !isHead, answer.status != 204, answer.status != 304, answer.status != 101 { try readBody(&answer) }
            return answer
        }
    }

    private static func parse(_ text: String) throws -> Answer {
        var lines = text.components(separatedBy: "\r\n")
        let first = lines.removeFirst().split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard first.count >= 2, first[0] == "HTTP/1.1", let status = Int(first[1]), (100...999).contains(status) else {
            throw WireError.malformed(String(text.prefix(200)))
        }
        var answer = Answer(version: String(first[0]), status: status)
        for line in lines where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { throw WireError.malformed(line) }
            answer.fields.append(
                (
                    line[..<colon].lowercased(),
                    line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                ))
        }
        return answer
    }

    private func readBody(_ answer: inout Answer) throws {
        if answer["transfer-encoding"] == "chunked" {
            guard answer["content-length"] == nil else { throw WireError.malformed("two framings") }
            return try readChunks(&answer)
        }
        if let length = answer["content-length"] {
            guard let count = Int(length) else { throw WireError.malformed("length \(length)") }
            answer.body = try read(count)
            return
        }
        let rest = try readToEnd()
        guard rest.end == .orderly else { throw WireError.ended("with a reset") }
        answer.body = rest.bytes
    }

    private func readChunks(_ answer: inout Answer) throws {
        while true {
            guard let line = try read(through: "\r\n") else { throw WireError.ended("between chunks") }
            let digits = line.prefix { $0.isHexDigit }
            guard let count = Int(digits, radix: 16) else { throw WireError.malformed("chunk size \(line)") }
            guard count > 0 else { break }
            answer.body += try read(count)
            guard try read(2) == [13, 10] else { throw WireError.malformed("chunk end") }
        }
        while let line = try read(through: "\r\n"), line != "\r\n" {
            guard let colon = line.firstIndex(of: ":") else { throw WireError.malformed(line) }
            answer.fields.append(
                (
                    line[..<colon].lowercased(),
                    line[line.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
                ))
        }
    }
}
