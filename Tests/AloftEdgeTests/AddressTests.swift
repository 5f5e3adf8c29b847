import AloftModel
import Testing

@testable import AloftEdge

@Suite("Peer addresses")
struct AddressTests {
    @Test(
        "addresses are read with and without brackets and port",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("127.0.0.1:80", "127.0.0.1"), ("[::1]:443", "::1"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
        ])
    func spellings(text: String, same: String) {
        #expect(PeerAddress(text: Array(text.utf8)) == PeerAddress(text: Array(same.utf8)))
        #expect(PeerAddress(text: Array(text.utf8)) != nil)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "1.2.3", "1.2.3.256", "01.2.3.4", "unknown", "1:2:3", ":::", "1::2::3", "12345::", "[::1",
            "[::1]x", "[::1]:", "[1.2.3.4]", "1.2.3.4:", "1.2.3.4:123456", "1.2.3.4:x", "fe80::1%eth0",
            "1:2:3:4:5:6:7:8:9",
        ])
    func refused(text: String) {
        #expect(PeerAddress(text: Array(text.utf8)) == nil)
    }

    @Test("a network holds its own addresses and no others")
    func networks() {
        let trusted = TrustedNetworks([
            Network(bytes: [10, 1, 0, 0], prefixLength: 16, description: "10.1.0.0/16"),
            Network(
                bytes: [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 12), prefixLength: 32, description: ""),
        ])
        func holds(_ text: String) -> Bool { PeerAddress(text: Array(text.utf8)).map(trusted.contains) ?? false }
        #expect(holds("10.1.255.3") && holds("2001:db8:1::5"))
        #expect(!holds("10.2.0.1") && !holds("2001:db9::1") && !holds("::1"))
    }
}
