import AloftModel
import Testing

@testable import AloftEdge

@Suite("The head of a probe")
struct ProbeHeadTests {
    @Test("fields of the file stand in place of the usual ones of the same name")
    func fields() throws {
        let fields = [HeaderRules.Field(name: "X-Probe", value: "a b"), .init(name: "accept", value: "text/plain")]
        let head = try #require(ProbeHead(path: "/health", host: "shop.example", fields: fields))
        #expect(
            head.text == "GET /health HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Aloft-Probe\r\n"
                + "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Probe: a b\r\naccept: text/plain\r\n\r\n")
    }

    @Test("nothing in it can end a line", arguments: ["a\r\nX: b", "é", "\u{7f}"])
    func refused(text: String) {
        #expect(ProbeHead(path: "/", host: "a", fields: [.init(name: "X", value: text)]) == nil)
        #expect(ProbeHead(path: "/", host: "a", fields: [.init(name: text, value: "x")]) == nil)
        #expect(ProbeHead(path: "/", host: text) == nil)
    }
}
