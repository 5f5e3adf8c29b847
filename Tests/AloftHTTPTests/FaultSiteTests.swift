import Testing

@testable import AloftHTTP

@Suite("Where a response head is refused")
struct FaultSiteTests {
    private func site(_ text: String, limits: HeadLimits = HeadLimits()) -> FaultSite? {
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        return bytes.withUnsafeBytes { FaultSite(of: $0, answering: .get, limits: limits) }
    }

    @Test(
        "is the field and the byte",
        arguments: [
            ("X-Good: 1\r\nX-Bad: a\u{01}b\r\nX-Last: 2", "X-Bad", 0x01),
            ("X-Bad : 1", "X-Bad", 0x20),
            ("Content-Length: 12a\r\nX-Last: 2", "Content-Length", nil),
            ("Content-Length: 1\r\nX: y\r\nContent-Length: 1", "Content-Length", nil),
            ("Transfer-Encoding: gzip", "Transfer-Encoding", nil),
            ("X-Bad: a\nY: b", "X-Bad", 0x0A),
        ] as [(String, String, UInt8?)])
    func fields(lines: String, field: String, byte: UInt8?) {
        let found = site("HTTP/1.1 200 OK\r\n\(lines)\r\n\r\nbody")
        #expect(
            found?.field?.hasPrefix(field) == true && found?.isInStatusLine == false, "\(String(describing: found))")
        if let byte { #expect(found?.byte == byte) }
    }

    @Test("is the status line")
    func statusLine() {
        let found = site("SSH-2.0-OpenSSH_9.2p1 Debian\r\n")
        #expect(found?.isInStatusLine == true && found?.field == nil)
    }

    @Test("is nowhere in a head that is sound, and found in a large one")
    func bounds() {
        #expect(site("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n") == nil)
        #expect(site("") == nil)
        let long = String(repeating: "x", count: 60_000)
        let text = "HTTP/1.1 200 OK\r\nX-Long: \(long)\r\nX-Bad: \u{7}\r\n\r\n"
        let found = site(text, limits: HeadLimits(headBytes: 1 << 16))
        #expect(found?.field == "X-Bad" && found?.byte == 7)
        let name = String(repeating: "n", count: 100)
        #expect(site("HTTP/1.1 200 OK\r\n\(name): \u{7}\r\n\r\n")?.field?.count == 64)
    }
}
