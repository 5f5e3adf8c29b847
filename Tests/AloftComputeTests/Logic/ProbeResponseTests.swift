import AloftModel
import AloftTestKit
import Testing

@testable import AloftCompute

@Suite("Answers to HTTP probes")
struct ProbeResponseTests {
    private func parse(_ text: String, ended: Bool = false) -> ProbeResponse.Progress {
        ProbeResponse.parse(Array(text.replacing("\n", with: "\r\n").utf8), ended: ended)
    }

    private func response(_ status: Int, _ body: String) -> ProbeResponse.Progress {
        .complete(ProbeResponse(status: status, body: Array(body.utf8)))
    }

    @Test("ends with its length, its last chunk, its end of stream, or its status")
    func complete() {
        #expect(parse("HTTP/1.1 200 OK\nContent-Length: 2\n\nok") == response(200, "ok"))
        #expect(
            parse("HTTP/1.1 503 No\nTransfer-Encoding: chunked\n\n3;x=1\nabc\n2\nde\n0\n\n") == response(503, "abcde"))
        #expect(parse("HTTP/1.0 500 Oh\n\ntext", ended: true) == response(500, "text"))
        #expect(parse("HTTP/1.1 204 Nothing\n\n") == response(204, ""))
        #expect(parse("HTTP/1.1 200\ncontent-length:0\n\n") == response(200, ""))
    }

    @Test("every beginning of an answer is incomplete, none is an error")
    func incomplete() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        let bytes = Array(text.utf8)
        let enough = text.utf8.count - 2
        for count in 0..<bytes.count {
            let progress = ProbeResponse.parse(Array(bytes[..<count]), ended: false)
            #expect(progress == (count < enough ? .incomplete : response(200, "hello")), "\(count)")
        }
        #expect(parse("HTTP/1.1 200 OK\nContent-Length: 5\n\nhell") == .incomplete)
        #expect(parse("HTTP/1.1 200 OK\nContent-Length: 5\n\nhell", ended: true) == response(200, "hell"))
    }

    @Test(
        "what is not HTTP is said to be so",
        arguments: [
            "SSH-2.0-OpenSSH\n", "HTTP/2 200\n\n", "HTTP/1.1 abc\n\n", "HTTP/1.1\n\n", "\u{15}\u{3}",
            "HTTP/1.1 20 x\n\n",
        ])
    func malformed(text: String) {
        #expect(parse(text) == .malformed)
    }

    @Test("an end before the head is no answer")
    func cut() {
        #expect(parse("HTTP/1.1 200 OK\n", ended: true) == .malformed)
        #expect(parse("", ended: true) == .malformed)
        #expect(ProbeResponse.head(of: Array("HTTP/1.1 503 x\r\n\r\nhalf".utf8))?.status == 503)
        #expect(ProbeResponse.head(of: Array("HTTP/1.1 503 x\r\n".utf8)) == nil)
    }

    @Test("a body without end is read to the limit")
    func endless() {
        let bytes = Array("HTTP/1.1 500 x\r\n\r\n".utf8) + [UInt8](repeating: 0x61, count: ProbeResponse.limit)
        guard case .complete(let response) = ProbeResponse.parse(bytes, ended: false) else {
            Issue.record("goes on reading")
            return
        }
        #expect(response.status == 500)
        let head = [UInt8](repeating: 0x61, count: ProbeResponse.limit)
        #expect(ProbeResponse.parse(Array("HTTP/1.1 200 x\r\nA: ".utf8) + head, ended: false) == .malformed)
    }

    @Test("random bytes and random cuts neither crash nor hang")
    func random() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(seed: seed)
        let parts = [
            "HTTP/1.1 200 OK\r\n", "Content-Length: ", "99", "-1", "\r\n\r\n", "Transfer-Encoding: chunked\r\n", "\n",
            "fffffffff\r\n", "0\r\n", ":", "\u{0}",
        ]
        for _ in 0..<5_000 {
            var bytes: [UInt8] = Array("HTTP/1.1 200 OK\r\n".utf8)
            for _ in 0..<Int.random(in: 0..<8, using: &random) {
                bytes += Array((parts.randomElement(using: &random) ?? "").utf8)
            }
            for ended in [true, false] {
                if case .complete(let response) = ProbeResponse.parse(bytes, ended: ended) {
                    #expect(response.status >= 100, "seed \(seed)")
                }
            }
        }
    }

    @Test("nothing in a path can end the request line")
    func request() {
        let text = String(decoding: ProbeResponse.request(HTTPProbe(path: "/a b\r\nX: y/é?q=1")), as: UTF8.self)
        #expect(text.hasPrefix("GET /a%20b%0D%0AX:%20y/%C3%A9?q=1 HTTP/1.1\r\nHost: localhost\r\n"))
        #expect(text.hasSuffix("Connection: close\r\n\r\n"))
    }
}
