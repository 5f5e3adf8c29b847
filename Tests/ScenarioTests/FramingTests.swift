import AloftTestKit
import Foundation
import Testing

/// One request whose end nobody can be sure of.
private struct Ambiguity: Sendable {
    let name: String
    let bytes: String

    init(_ name: String, _ bytes: String) {
        self.name = name
        self.bytes = bytes
    }

    /// A POST with these lines between the Host field and the body.
    init(_ name: String, fields: String, body: String = "hello") {
        self.init(name, "POST / HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\r\n\(body)")
    }
}

private let ambiguities = [
    Ambiguity(
        "Content-Length and Transfer-Encoding", fields: "Content-Length: 5\r\nTransfer-Encoding: chunked",
        body: "0\r\n\r\n"),
    Ambiguity(
        "Transfer-Encoding and Content-Length", fields: "Transfer-Encoding: chunked\r\nContent-Length: 5",
        body: "0\r\n\r\n"),
    Ambiguity("two different Content-Lengths", fields: "Content-Length: 5\r\nContent-Length: 6"),
    Ambiguity("a list of different Content-Lengths", fields: "Content-Length: 5, 6"),
    Ambiguity("a signed Content-Length", fields: "Content-Length: +5"),
    Ambiguity("a negative Content-Length", fields: "Content-Length: -5"),
    Ambiguity("a hexadecimal Content-Length", fields: "Content-Length: 0x5"),
    Ambiguity("a Content-Length with a space in it", fields: "Content-Length: 1 5"),
    Ambiguity("an empty Content-Length", fields: "Content-Length:"),
    Ambiguity("a Content-Length past 64 bits", fields: "Content-Length: 18446744073709551621"),
    Ambiguity("xchunked", fields: "Transfer-Encoding: xchunked"),
    Ambiguity("chunked in quotes", fields: "Transfer-Encoding: \"chunked\"", body: "0\r\n\r\n"),
    Ambiguity("chunked not last", fields: "Transfer-Encoding: chunked, identity", body: "0\r\n\r\n"),
    Ambiguity("chunked twice", fields: "Transfer-Encoding: chunked, chunked", body: "0\r\n\r\n"),
    Ambiguity(
        "two Transfer-Encodings", fields: "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        body: "0\r\n\r\n"),
    Ambiguity("Transfer-Encoding with a vertical tab", fields: "Transfer-Encoding: \u{0B}chunked", body: "0\r\n\r\n"),
    Ambiguity(
        "chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Ambiguity(
        "a chunk size past 64 bits", fields: "Transfer-Encoding: chunked", body: "10000000000000005\r\nhello\r\n"),
    Ambiguity("a chunk size with 0x", fields: "Transfer-Encoding: chunked", body: "0x5\r\nhello\r\n0\r\n\r\n"),
    Ambiguity("a signed chunk size", fields: "Transfer-Encoding: chunked", body: "+5\r\nhello\r\n0\r\n\r\n"),
    Ambiguity("a chunk size line that ends in LF", fields: "Transfer-Encoding: chunked", body: "5\nhello\r\n0\r\n\r\n"),
    Ambiguity("a chunk longer than its size", fields: "Transfer-Encoding: chunked", body: "4\r\nhello\r\n0\r\n\r\n"),
    Ambiguity("bare LF in the head", "GET / HTTP/1.1\nHost: localhost\n\n"),
    Ambiguity("bare LF after a field", "GET / HTTP/1.1\r\nHost: localhost\nX-A: b\r\n\r\n"),
    Ambiguity("bare CR in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\rX-C: d\r\n\r\n"),
    Ambiguity("bare CR before the end", "GET / HTTP/1.1\r\nHost: localhost\r\n\rX: y\r\n\r\n"),
    Ambiguity("a folded field", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n c\r\n\r\n"),
    Ambiguity("a field that is folded before the first", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n"),
    Ambiguity("a space before the colon", fields: "Content-Length : 5"),
    Ambiguity("a field without a name", "GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n"),
    Ambiguity("a field without a colon", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A\r\n\r\n"),
    Ambiguity("a character that no name may have", "GET / HTTP/1.1\r\nHost: localhost\r\nX[A]: b\r\n\r\n"),
    Ambiguity("NUL in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\0c\r\n\r\n"),
    Ambiguity("NUL in a name", "GET / HTTP/1.1\r\nHost: localhost\r\nX\0A: b\r\n\r\n"),
    Ambiguity("NUL in the target", "GET /a\0b HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Ambiguity("absolute-form with another host", "GET http://other.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Ambiguity("two Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: other.example\r\n\r\n"),
    Ambiguity("two equal Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
    Ambiguity("no Host", "GET / HTTP/1.1\r\n\r\n"),
    Ambiguity("a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    Ambiguity("two spaces in the request line", "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Ambiguity("a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Ambiguity("a version in lower case", "GET / http/1.1\r\nHost: localhost\r\n\r\n"),
    Ambiguity("no version", "GET /\r\nHost: localhost\r\n\r\n"),
]

extension Scenarios {
    @Suite("Ambiguous framing")
    struct Framing {
        @Test("is answered with 400 and a close, and nothing of it reaches the application")
        func refused() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "recorder")
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                for ambiguity in ambiguities {
                    let received = try await sendAll(ambiguity.bytes, to: file.target)
                    #expect(received.hasPrefix("HTTP/1.1 400 "), "\(ambiguity.name): \(received.prefix(200))")
                    #expect(
                        received.matches(of: #/HTTP\/1\.1 [0-9]{3} /#).count == 1,
                        "\(ambiguity.name): one answer, then a close; got \(received)")
                    #expect(seen(by: aloft) == "", "\(ambiguity.name) reached the application")
                }
                #expect(try await fetch("/whole", at: file.target).status == 200)
                #expect(seen(by: aloft).hasPrefix("GET /whole "), "the recorder records")
            }
        }

        /// Sends the bytes with a second request behind them, in one piece, and reads until the edge closes.
        private func sendAll(_ bytes: String, to target: RawConnection.Target) async throws -> String {
            try await onThread {
                let connection = try RawConnection(to: target, timeout: .seconds(5))
                try connection.send(bytes + "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return String(decoding: try connection.readToEnd(), as: UTF8.self)
            }
        }

        private func seen(by aloft: Aloft) -> String {
            FileManager.default.contents(atPath: aloft.directory + "/seen")
                .map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
    }
}
