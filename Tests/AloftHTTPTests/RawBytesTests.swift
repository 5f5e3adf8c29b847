import AloftTestKit
import Testing

@testable import AloftHTTP

@Suite("Raw bytes")
struct RawBytesTests {
    private func ask<Answer>(_ text: String, _ question: (UnsafeRawBufferPointer, ByteRange) -> Answer) -> Answer {
        let bytes = Array("<<\(text)>>".utf8)
        return bytes[...].withExactCopy { question($0, ByteRange(2, bytes.count - 2)) }
    }

    @Test(
        "are decimal only if they are digits that fit",
        arguments: [
            ("0", 0), ("42", 42), ("0042", 42), ("9223372036854775807", Int.max), ("9223372036854775808", nil),
            ("", nil),
            ("+1", nil), ("-1", nil), (" 1", nil), ("1 ", nil), ("1_0", nil), ("0x1", nil),
            ("00000000000000000001", nil),
        ] as [(String, Int?)])
    func decimal(text: String, value: Int?) {
        #expect(ask(text) { $0.decimal($1) } == value)
    }

    @Test("compare letters in either case and nothing else loosely")
    func equality() {
        #expect(ask("Keep-Alive") { $0.equalsIgnoringCase($1, "keep-alive") })
        #expect(!ask("Keep-Alive") { $0.equalsIgnoringCase($1, "keep-aliv") })
        #expect(!ask("keep\u{0D}alive") { $0.equalsIgnoringCase($1, "keep-alive") })
        #expect(!ask("[") { $0.equalsIgnoringCase($1, "{") })
        #expect(ask("GET") { $0.equals($1, "GET") })
        #expect(!ask("get") { $0.equals($1, "GET") })
        #expect(!ask("GETS") { $0.equals($1, "GET") })
        #expect(ask("aBAb") { bytes, _ in bytes.equalsIgnoringCase(ByteRange(2, 4), ByteRange(4, 6)) })
        #expect(!ask("abac") { bytes, _ in bytes.equalsIgnoringCase(ByteRange(2, 4), ByteRange(4, 6)) })
    }

    @Test(
        "are a token or not",
        arguments: [
            ("a", true), ("a!#$%&'*+-.^_`|~9", true), ("", false), ("a b", false), ("a,", false), ("\u{E9}", false),
        ])
    func token(text: String, isToken: Bool) {
        #expect(ask(text) { $0.isToken($1) } == isToken)
    }

    @Test("that make a token agree with RFC 9110 over all 256 bytes")
    func tokenBytes() {
        let special = Set("!#$%&'*+-.^_`|~".utf8)
        for byte in UInt8.min...UInt8.max {
            let isAlphanumeric =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            #expect(isTokenByte(byte) == (isAlphanumeric || special.contains(byte)))
        }
    }

    @Test(
        "hold a list member or not",
        arguments: [
            ("close", true), ("CLOSE", true), ("a, close", true), ("a,close\t,b", true), (",,close", true), ("", false),
            ("closed", false), ("a close", false), ("clo,se", false), (",", false), ("xclose", false),
        ])
    func list(text: String, contains: Bool) {
        #expect(ask(text) { $0.listContains($1, "close") } == contains)
    }

    @Test(
        "give the host of an authority",
        arguments: [
            ("a", "a"), ("a:80", "a"), ("a.b.", "a.b"), ("a.b.:8080", "a.b"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]"),
            ("127.0.0.1", "127.0.0.1"), ("127.0.0.1:5", "127.0.0.1"), ("1", "1"),
        ])
    func host(authority: String, host: String) {
        #expect(ask(authority) { $0.text($0.host(ofAuthority: $1)) } == host)
    }

    @Test(
        "give the path that routes are matched on",
        arguments: [
            ("/", "/"), ("//", "/"), ("/a//b///c", "/a/b/c"), ("/%61dmin", "/admin"), ("/a%2Fb", "/a/b"),
            ("/a%2f%2Fb", "/a/b"), ("/a%20b", "/a b"), ("/%2561", "/%61"), ("/a/", "/a/"),
        ])
    func canonical(path: String, expected: String) {
        let text = ask(path) { bytes, range in
            withUnsafeTemporaryAllocation(byteCount: range.count, alignment: 1) { output in
                let count = PathCheck.canonical(bytes, range, into: output)
                return String(decoding: UnsafeRawBufferPointer(rebasing: output[..<count]), as: UTF8.self)
            }
        }
        #expect(text == expected)
    }

    @Test("skip over a set exactly as byte by byte, at every length and offset")
    func skipping() {
        var random = SplitMix(seed: 7)
        for set in [ByteClass.commonName, .commonPath, .commonHost, .query, .text] {
            for _ in 0..<3000 {
                let count = Int(random.next() % 50)
                let bytes = (0..<count).map { _ in
                    random.next() % 12 == 0 ? UInt8(truncatingIfNeeded: random.next()) : UInt8(ascii: "m")
                }
                let start = count == 0 ? 0 : Int(random.next() % UInt64(count))
                let expected = bytes[start...].firstIndex { !set.contains($0) } ?? count
                bytes[...].withExactCopy { copy in
                    guard let base = copy.baseAddress else { return }
                    #expect(ByteView(base, end: count).skip(set, from: start) == expected, "\(set) \(start) \(bytes)")
                }
            }
        }
    }

    @Test("belong to a set alone and sixteen at a time alike, all 256 of them")
    func sets() {
        for set in [ByteClass.commonName, .commonPath, .commonHost, .query, .text] {
            for byte in UInt8.min...UInt8.max {
                let isOutside = set.outside(Block(repeating: byte)).firstLane == 0
                #expect(isOutside == !set.contains(byte), "\(set) \(byte)")
            }
        }
    }
}
