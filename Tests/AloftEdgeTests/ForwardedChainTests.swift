import AloftHTTP
import AloftModel
import AloftTestKit
import Foundation
import NIOCore
import Testing

@testable import AloftEdge

@Suite("What a trusted proxy says of its client")
struct ForwardedChainTests {
    /// 10.0.0.0/8, where proxies stand.
    private static let trusted = [Network(bytes: [10, 0, 0, 0], prefixLength: 8, description: "10.0.0.0/8")]

    struct Case: Sendable, CustomStringConvertible {
        let description: String
        /// Field lines that the proxy 10.0.0.1 sends over plain HTTP, with `Host: a`.
        let sent: [String]
        let members: String
        let proto: String
        var host = "a"
        let standard: String

        init(
            _ description: String, _ sent: String..., members: String, proto: String, host: String = "a",
            standard: String
        ) {
            self.description = description
            self.sent = sent
            self.members = members
            self.proto = proto
            self.host = host
            self.standard = standard
        }
    }

    private static let cases: [Case] = [
        Case(
            "nothing", members: "10.0.0.1", proto: "http", standard: "for=10.0.0.1;host=\"a\";proto=http"),
        Case(
            "a balancer's X-Forwarded-*", "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.9",
            members: "203.0.113.9, 10.0.0.1", proto: "https",
            standard: "for=203.0.113.9;host=\"a\";proto=https, for=10.0.0.1"),
        Case(
            "Forwarded alone", "Forwarded: for=203.0.113.9;proto=https;host=shop.example",
            members: "203.0.113.9, 10.0.0.1", proto: "https", host: "shop.example",
            standard: "for=203.0.113.9;host=\"shop.example\";proto=https, for=10.0.0.1"),
        Case(
            "the scheme alone", "X-Forwarded-Proto: https", members: "10.0.0.1", proto: "https",
            standard: "for=10.0.0.1;host=\"a\";proto=https"),
        Case(
            "the host alone", "X-Forwarded-Host: b.example:8443", members: "10.0.0.1", proto: "http",
            host: "b.example:8443", standard: "for=10.0.0.1;host=\"b.example:8443\";proto=http"),
        Case(
            "both, which disagree: X-Forwarded-* counts", "Forwarded: for=6.6.6.6;proto=http;host=evil.example",
            "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", members: "203.0.113.9, 10.0.0.1",
            proto: "https", standard: "for=203.0.113.9;host=\"a\";proto=https, for=10.0.0.1"),
        Case(
            "a Forwarded that the client of an X-Forwarded proxy made up", "Forwarded: host=evil.example;for=6.6.6.6",
            "X-Forwarded-Proto: https", members: "10.0.0.1", proto: "https",
            standard: "for=10.0.0.1;host=\"a\";proto=https"),
        Case(
            "an empty X-Forwarded-For beside Forwarded", "X-Forwarded-For:", "Forwarded: for=203.0.113.9",
            members: "203.0.113.9, 10.0.0.1", proto: "http",
            standard: "for=203.0.113.9;host=\"a\";proto=http, for=10.0.0.1"),
        Case(
            "a chain of proxies, the first hop made up", "X-Forwarded-For: 6.6.6.6, 203.0.113.9",
            "X-Forwarded-For: 10.0.0.2", "X-Forwarded-Proto: https",
            members: "6.6.6.6, 203.0.113.9, 10.0.0.2, 10.0.0.1", proto: "https",
            standard: "for=6.6.6.6, for=203.0.113.9;host=\"a\";proto=https, for=10.0.0.2, for=10.0.0.1"),
        Case(
            "a scheme for each hop: the client's counts", "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.2",
            "X-Forwarded-Proto: http, https, http", members: "6.6.6.6, 203.0.113.9, 10.0.0.2, 10.0.0.1", proto: "https",
            standard: "for=6.6.6.6, for=203.0.113.9;host=\"a\";proto=https, for=10.0.0.2, for=10.0.0.1"),
        Case(
            "schemes that are not as many as hops: the nearest proxy's counts", "X-Forwarded-For: 203.0.113.9",
            "X-Forwarded-Proto: http, https", members: "203.0.113.9, 10.0.0.1", proto: "https",
            standard: "for=203.0.113.9;host=\"a\";proto=https, for=10.0.0.1"),
        Case(
            "a chain in Forwarded: the client's element counts",
            "Forwarded: for=6.6.6.6;proto=http;host=evil.example, for=203.0.113.9;proto=https, FOR=10.0.0.2;Proto=http",
            members: "6.6.6.6, 203.0.113.9, 10.0.0.2, 10.0.0.1", proto: "https",
            standard: "for=6.6.6.6, for=203.0.113.9;host=\"a\";proto=https, for=10.0.0.2, for=10.0.0.1"),
        Case(
            "proxies alone", "X-Forwarded-For: 10.0.0.3, 10.0.0.2", members: "10.0.0.3, 10.0.0.2, 10.0.0.1",
            proto: "http", standard: "for=10.0.0.3;host=\"a\";proto=http, for=10.0.0.2, for=10.0.0.1"),
        Case(
            "IPv6 and ports", "X-Forwarded-For: 2001:db8::7, [2001:db8::8]:4711, 203.0.113.9:80, [2001:db8::9]",
            members: "2001:db8::7, [2001:db8::8]:4711, 203.0.113.9:80, [2001:db8::9], 10.0.0.1", proto: "http",
            standard: "for=\"[2001:db8::7]\", for=\"[2001:db8::8]:4711\", for=\"203.0.113.9:80\", "
                + "for=\"[2001:db8::9]\";host=\"a\";proto=http, for=10.0.0.1"),
        Case(
            "IPv6 and ports in Forwarded", "Forwarded: for=\"[2001:db8::8]:4711\", for=\"203.0.113.9:_p\";by=10.0.0.1",
            members: "2001:db8::8, 203.0.113.9, 10.0.0.1", proto: "http",
            standard: "for=\"[2001:db8::8]:4711\", for=\"203.0.113.9:_p\";host=\"a\";proto=http, for=10.0.0.1"),
        Case(
            "IPv6 in Forwarded without the quotes it needs", "Forwarded: for=[2001:db8::8]:4711;host=b:81",
            members: "2001:db8::8, 10.0.0.1", proto: "http", host: "b:81",
            standard: "for=\"[2001:db8::8]:4711\";host=\"b:81\";proto=http, for=10.0.0.1"),
        Case(
            "a client that is not told", "Forwarded: for=unknown;proto=https, for=_hidden;proto=https;host=b",
            members: "unknown, _hidden, 10.0.0.1", proto: "https", host: "b",
            standard: "for=unknown, for=_hidden, for=10.0.0.1;host=\"b\";proto=https"),
        Case(
            "a client that is not told, behind two proxies", "Forwarded: for=_hidden;proto=https, for=10.0.0.2",
            members: "_hidden, 10.0.0.2, 10.0.0.1", proto: "https",
            standard: "for=_hidden, for=10.0.0.2;host=\"a\";proto=https, for=10.0.0.1"),
        Case(
            "elements without a client", "Forwarded: proto=https, ;, secret=x;for=203.0.113.9",
            members: "unknown, unknown, 203.0.113.9, 10.0.0.1", proto: "http",
            standard: "for=unknown, for=unknown, for=203.0.113.9;host=\"a\";proto=http, for=10.0.0.1"),
        Case(
            "members that are no addresses",
            "X-Forwarded-For: \"evil\", 1.2.3.4.5, 203.0.113.9, 1:2:3:4:5:6:7:8:9, 10.0.0.2",
            members: "\"evil\", 1.2.3.4.5, 203.0.113.9, 1:2:3:4:5:6:7:8:9, 10.0.0.2, 10.0.0.1", proto: "http",
            standard: "for=unknown, for=unknown, for=203.0.113.9, for=unknown, for=10.0.0.2;host=\"a\";proto=http, "
                + "for=10.0.0.1"),
        Case(
            "a scheme that is none", "X-Forwarded-Proto: ht tp\"s", members: "10.0.0.1", proto: "http",
            standard: "for=10.0.0.1;host=\"a\";proto=http"),
        Case(
            "a host that is none", "X-Forwarded-Host: a\"b/c", members: "10.0.0.1", proto: "http",
            standard: "for=10.0.0.1;host=\"a\";proto=http"),
        Case(
            "hosts in a list", "X-Forwarded-Host: evil.example, b.example", members: "10.0.0.1", proto: "http",
            host: "b.example", standard: "for=10.0.0.1;host=\"b.example\";proto=http"),
    ]

    @Test("is told in both families, and both say the same", arguments: cases)
    func bothFamilies(given: Case) {
        let text = "GET / HTTP/1.1\r\nHost: a\r\n" + given.sent.map { $0 + "\r\n" }.joined() + "\r\n"
        let head = forwarded(text, peer: "10.0.0.1", isTrusted: true, trusted: Self.trusted)
        #expect(values(of: "X-Forwarded-For", in: head) == [given.members])
        #expect(values(of: "X-Forwarded-Proto", in: head) == [given.proto])
        #expect(values(of: "X-Forwarded-Host", in: head) == [given.host])
        #expect(values(of: "Forwarded", in: head) == [given.standard])
    }

    @Test(
        "counts for nothing where it is no Forwarded at all",
        arguments: [
            "for=\"203.0.113.9", "for", "for=", "for=1.2.3.4;for=5.6.7.8", "for=a b", "for=\"a\\\"b\"", "=x",
            "for=1.2.3.4 x",
            "for=203.0.113.9, for=\"",
        ])
    func malformed(value: String) {
        let head = forwarded(
            "GET / HTTP/1.1\r\nHost: a\r\nForwarded: \(value)\r\n\r\n", peer: "10.0.0.1", isTrusted: true,
            trusted: Self.trusted)
        #expect(values(of: "X-Forwarded-For", in: head) == ["10.0.0.1"])
        #expect(values(of: "Forwarded", in: head) == ["for=10.0.0.1;host=\"a\";proto=http"])
    }

    @Test("is told in the family that the file wants", arguments: [false, true])
    func families(isTrusted: Bool) {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nForwarded: for=6.6.6.6\r\n\r\n"
        let xForwarded = forwarded(text, ForwardingSpec(family: .xForwarded), isTrusted: isTrusted)
        #expect(
            values(of: "Forwarded", in: xForwarded).isEmpty && values(of: "X-Forwarded-For", in: xForwarded).count == 1)
        let standard = forwarded(text, ForwardingSpec(family: .standard), isTrusted: isTrusted)
        #expect(!standard.contains("X-Forwarded") && values(of: "Forwarded", in: standard).count == 1)
    }

    @Test(
        "names the client as the last that no trusted proxy stands for",
        arguments: [
            ("203.0.113.9", "203.0.113.9"), ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
            ("6.6.6.6, 203.0.113.9, 10.0.0.3, 10.0.0.2", "203.0.113.9"), ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("junk, 203.0.113.9", "203.0.113.9"), ("203.0.113.9, junk", nil),
            ("203.0.113.9, junk, 10.0.0.2", "10.0.0.2"),
            ("", nil), ("[2001:db8::1]:80", "2001:db8::1"),
        ] as [(String, String?)])
    func client(chain: String, client: String?) {
        let standard = chain.split(separator: ",").map { member in
            let member = member.trimmingCharacters(in: .whitespaces)
            return member.isEmpty ? "" : "for=\"\(member)\""
        }
        for field in ["X-Forwarded-For: \(chain)", "Forwarded: \(standard.joined(separator: ","))"] {
            let text = "GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n"
            Array(text.utf8).withUnsafeBytes { bytes in
                var head = RequestHead()
                var parser = RequestParser(limits: HeadLimits())
                #expect(parser.parse(bytes, into: &head) == .complete)
                let found = ForwardedChain(head, in: bytes, trusted: TrustedNetworks(Self.trusted))
                #expect(found.client == client.flatMap { PeerAddress(text: Array($0.utf8)) }, "\(field)")
                #expect(found.client == nil || bytes.text(found.clientText) == client, "\(field)")
            }
        }
    }

    @Test("breaks nothing, whatever it is", arguments: 1...4 as ClosedRange<UInt64>)
    func random(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let pieces = [
            "203.0.113.9", "10.0.0.2", "[2001:db8::1]", "2001:db8::1", ":80", "unknown", "_x", "for=", "For=", "proto=",
            "host=",
            "https", "http", "a.example", "\"", "\\", ",", ", ", ";", " ", "=", "[", "]", ":", "\t", "x", "\u{e9}",
            "..", "a,,b",
        ]
        for _ in 0..<500 {
            var lines = ""
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let name =
                    ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Forwarded-Port"]
                    .randomElement(using: &random) ?? ""
                let value = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                    pieces.randomElement(using: &random) ?? ""
                }
                lines += "\(name): \(value.joined())\r\n"
            }
            let host = Bool.random(using: &random) ? "1.1\r\nHost: \(String(repeating: "h", count: 200))" : "1.0"
            let text = forwarded(
                "GET / HTTP/\(host)\r\n\(lines)\r\n", peer: "10.0.0.1", isTLS: true, isTrusted: true,
                trusted: Self.trusted)
            var head = RequestHead()
            var parser = RequestParser(limits: HeadLimits())
            let outcome = Array(text.utf8).withUnsafeBytes { parser.parse($0, into: &head) }
            #expect(outcome == .complete && head.byteCount == text.utf8.count, "seed \(seed): \(lines)")
            for name in ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"] {
                #expect(values(of: name, in: text).count == 1, "seed \(seed): \(lines)")
            }
            let members = values(of: "X-Forwarded-For", in: text)[0].split(separator: ",").filter { member in
                !member.allSatisfy { $0 == " " || $0 == "\t" }
            }
            let standard = values(of: "Forwarded", in: text)[0]
            let elements = standard.components(separatedBy: "for=").count - 1
            #expect(members.count == elements, "seed \(seed): \(lines)\n\(text)")
            #expect(standard.components(separatedBy: ";proto=").count == 2, "seed \(seed): \(lines)\n\(text)")
        }
    }
}
