import Testing

@testable import AloftHTTP

/// A response whose reading is settled.
struct ResponseCase: Sendable, CustomStringConvertible {
    let rule: String
    let input: String
    let reason: FaultReason?
    var bytes: [UInt8] { input.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
    var description: String { rule }

    init(_ rule: String, _ input: String, _ reason: FaultReason? = nil) {
        self.rule = rule
        self.input = input
        self.reason = reason
    }

    static func fields(_ rule: String, _ fields: String, _ reason: FaultReason? = nil) -> ResponseCase {
        ResponseCase(rule, "HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n", reason)
    }

    static let all: [ResponseCase] = [
        ResponseCase("a bare answer", "HTTP/1.1 200 OK\r\n\r\n"),
        ResponseCase("no reason", "HTTP/1.1 200 \r\n\r\n"),
        ResponseCase("no space before no reason", "HTTP/1.1 200\r\n\r\n"),
        ResponseCase("a reason in Latin-1 with a tab", "HTTP/1.1 404 Pas\ttrouv\u{E9}\r\n\r\n"),
        ResponseCase("HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n"),
        ResponseCase("a status beyond the classes", "HTTP/1.1 999 Denied\r\n\r\n"),
        ResponseCase("HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", .invalidStatusLine),
        ResponseCase("lower case", "http/1.1 200 OK\r\n\r\n", .invalidStatusLine),
        ResponseCase("a status of two digits", "HTTP/1.1 20 OK\r\nServer: x\r\n\r\n", .invalidStatusLine),
        ResponseCase("a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", .invalidStatusLine),
        ResponseCase("a status below 100", "HTTP/1.1 099 OK\r\n\r\n", .invalidStatusLine),
        ResponseCase("a signed status", "HTTP/1.1 +20 OK\r\n\r\n", .invalidStatusLine),
        ResponseCase("two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n", .invalidStatusLine),
        ResponseCase("a NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n", .invalidStatusLine),
        ResponseCase("a bare line feed", "HTTP/1.1 200 OK\nServer: x\r\n\r\n", .bareLineFeed),
        ResponseCase("a bare carriage return", "HTTP/1.1 200 OK\rServer: x\r\n\r\n", .bareCarriageReturn),
        ResponseCase("an empty line before it", "\r\nHTTP/1.1 200 OK\r\n\r\n", .invalidStatusLine),
        .fields("a folded field", "Set-Cookie: a\r\n b", .obsoleteFolding),
        .fields("a space before the colon", "Content-Length : 5", .spaceBeforeColon),
        .fields("length and chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked", .lengthAndTransferEncoding),
        .fields("two lengths", "Content-Length: 5\r\nContent-Length: 5", .duplicateField),
        .fields("a signed length", "Content-Length: +5", .invalidContentLength),
        .fields("an unknown coding", "Transfer-Encoding: gzip", .invalidTransferEncoding),
        .fields("a coding before chunked", "Transfer-Encoding: gzip, chunked", .unsupportedTransferCoding),
        ResponseCase(
            "chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            .transferEncodingInOldVersion),
        .fields("a bell in a value", "X: \u{07}", .invalidFieldValue),
        .fields("a Host field, which means nothing here", "Host: a, b"),
        .fields("two Content-Type", "Content-Type: a/b\r\nContent-Type: c/d"),
        .fields("Connection naming Date", "Connection: date\r\nDate: x"),
        .fields("an underscore", "X_Forwarded_For: x"),
        .fields("101 fields", (0..<101).map { "X\($0): y" }.joined(separator: "\r\n"), .tooManyFields),
        .fields("a head of more than 16 KiB", "X: \(String(repeating: "y", count: 16384))", .headTooLarge),
    ]
}

@Suite("Response heads")
struct ResponseParserTests {
    @Test("are accepted or refused by name, with 502", arguments: ResponseCase.all)
    func settled(_ given: ResponseCase) throws {
        let verdict = parseResponse(given.bytes)
        if let reason = given.reason {
            #expect(verdict == .rejected(Fault(upstream: reason)))
        } else {
            #expect(try #require(verdict.parsed).byteCount == given.bytes.count)
        }
    }

    @Test("mean the same byte by byte and at each split", arguments: ResponseCase.all)
    func splits(_ given: ResponseCase) {
        let bytes = given.bytes
        let whole = parseResponse(bytes)
        #expect(parseResponse(bytes, cuts: 0...bytes.count) == whole)
        let cuts = bytes.count < 600 ? Array(0...bytes.count) : Array(stride(from: 0, to: bytes.count, by: 97))
        for cut in cuts where parseResponse(bytes, cuts: [cut]) != whole {
            Issue.record("differs when cut at \(cut)")
        }
    }

    @Test(
        "are framed by method, status and fields",
        arguments: [
            (Method.get, 200, "Content-Length: 5", Framing.length(5), true),
            (.get, 200, "Content-Length: 0", .none, true),
            (.get, 200, "Transfer-Encoding: chunked", .chunked, true),
            (.get, 200, "X: y", .untilClose, false),
            (.get, 404, "X: y", .untilClose, false),
            (.head, 200, "Content-Length: 5", .none, false),
            (.head, 200, "Transfer-Encoding: chunked", .none, false),
            (.head, 200, "X: y", .none, false),
            (.head, 200, "Content-Length: 0", .none, true),
            (.head, 204, "X: y", .none, true),
            (.head, 304, "Content-Length: 5", .none, false),
            (.get, 304, "X: y", .none, true),
            (.get, 304, "Content-Length: 5", .none, false),
            (.get, 304, "Transfer-Encoding: chunked", .none, false),
            (.get, 204, "X: y", .none, true),
            (.get, 204, "Content-Length: 0", .none, true),
            (.get, 204, "Content-Length: 5", .none, false),
            (.get, 204, "Transfer-Encoding: chunked", .none, false),
            (.post, 100, "X: y", .none, true),
            (.post, 103, "Link: </a.css>", .none, true),
            (.get, 101, "Upgrade: websocket", .none, true),
            (.get, 100, "Content-Length: 5", .none, false),
            (.connect, 200, "X: y", .none, true),
            (.connect, 407, "Content-Length: 5", .length(5), true),
        ])
    func framing(method: Method, status: Int, field: String, framing: Framing, kept: Bool) {
        let text = "HTTP/1.1 \(status) Reason\r\n\(field)\r\n\r\n"
        let head = parseResponse(Array(text.utf8), answering: method).parsed
        #expect(head?.framing == framing && head?.keepAlive == kept)
    }

    @Test(
        "say whether the connection is kept",
        arguments: [
            ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "Connection: Upgrade\r\n", true),
            ("1.0", "", false), ("1.0", "Connection: keep-alive\r\n", true),
            ("1.1", "Connection: keep-alive\r\nConnection: CLOSE\r\n", false),
        ])
    func keepAlive(version: String, fields: String, kept: Bool) {
        let text = "HTTP/\(version) 200 OK\r\nContent-Length: 0\r\n\(fields)\r\n"
        #expect(parseResponse(Array(text.utf8)).parsed?.keepAlive == kept)
    }

    @Test("give their parts, and mark what Connection names but not what the client needs")
    func parts() throws {
        let text = "HTTP/1.1 201 Made it\r\nDate: now\r\nConnection: x-trace, date\r\nX-Trace: 1\r\nServer: s\r\n\r\n"
        let head = try #require(parseResponse(Array(text.utf8)).parsed)
        #expect(head.status == 201 && head.reason == "Made it" && head.minorVersion == 1)
        #expect(head.fields.filter { !$0.isHopByHop }.map(\.name) == ["Date", "Server"])
    }

    @Test("follow interim ones on the same connection")
    func interim() {
        let interim = Array("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".utf8)
        let final = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".utf8)
        var parser = ResponseParser(limits: HeadLimits())
        var head = ResponseHead()
        (interim + final)[...].withExactCopy { bytes in
            #expect(parser.parse(bytes, answering: .get, into: &head) == .complete)
            #expect(head.status == 103 && head.byteCount == interim.count && head.framing == .none)
            let rest = UnsafeRawBufferPointer(rebasing: bytes[head.byteCount...])
            #expect(parser.parse(rest, answering: .get, into: &head) == .complete)
            #expect(head.status == 200 && head.framing == .length(2) && head.fields.count == 1)
        }
    }
}
