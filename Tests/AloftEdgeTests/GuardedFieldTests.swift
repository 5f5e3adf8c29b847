import AloftHTTP
import AloftModel
import Foundation
import Testing

@testable import AloftEdge

@Suite("Fields that only a trusted proxy may send")
struct GuardedFieldTests {
    /// A name for each entry of the list.
    private static let names = ForwardingSpec.guarded.map { $0.replacing("*", with: "Thing") }

    private func head(_ lines: String) -> String { "GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n" }

    /// Whether a line with this name reaches the application.
    private func passes(_ name: String, _ spec: ForwardingSpec = ForwardingSpec(), isTrusted: Bool = false) -> Bool {
        forwarded(head("Before: 1\r\n\(name): claimed\r\nAfter: 2"), spec, isTrusted: isTrusted).contains("claimed")
    }

    @Test("do not pass from anyone else, in whatever letters", arguments: names)
    func removed(name: String) {
        for spelling in [name, name.lowercased(), name.uppercased()] {
            let text = forwarded(head("Before: 1\r\n\(spelling): claimed\r\nAfter: 2"))
            #expect(!text.contains("claimed"), "\(spelling)")
            #expect(text.contains("\r\nHost: a\r\nBefore: 1\r\nAfter: 2\r\nX-Forwarded-For: 192.0.2.7\r\n"))
        }
    }

    @Test("pass from a trusted proxy, but for the one that no proxy sends", arguments: names)
    func trusted(name: String) {
        #expect(passes(name, isTrusted: true) == (name != "Proxy"))
    }

    @Test(
        "do not pass in a spelling that an application takes for them, from nobody",
        arguments: ["X_Real_IP", "X-Real_IP", "x.real.ip", "TRUE_CLIENT_IP", "CF_Connecting-IP", "X~Original!URL"])
    func imitations(name: String) {
        #expect(!passes(name))
        #expect(!passes(name, isTrusted: true))
    }

    @Test("are refused where they imitate what the edge writes itself")
    func refusedImitations() {
        for name in [
            "X_Forwarded_Ssl", "x_forwarded-port", "X.Forwarded.Prefix",
            "X_Forwarded_\(String(repeating: "x", count: 90))",
        ] {
            var parser = RequestParser(limits: HeadLimits())
            var request = RequestHead()
            let outcome = Array(head("\(name): 1").utf8).withUnsafeBytes { parser.parse($0, into: &request) }
            #expect(outcome == .rejected(Fault(.ambiguousFieldName)), "\(name)")
        }
    }

    @Test(
        "are no others",
        arguments: [
            "X-Requested-With", "X-CSRF-Token", "X-HTTP-Method-Override", "X-Realm", "X-Real-IPs", "X-Forward", "X-F",
            "X",
            "CFX", "CF", "Client-IPv9", "Clients", "Proxys", "Prox", "Pragma", "Priority", "Path-Info-More",
            "Accept-Encoding",
            "Front-End", "True-Client-IP-2", "Akamai", "Script-Names", "Traceparent", "X_Token", "X-Amzn-Trace-Id",
            String(repeating: "x", count: 300), "X-Origin", "Sec-Fetch-Site", "Origin", "SSL",
        ])
    func others(name: String) {
        #expect(passes(name))
        #expect(passes(name, isTrusted: true))
    }

    @Test("are more and fewer as the file says")
    func file() {
        let spec = ForwardingSpec(
            remove: ["X-Team-*", "X_User", "Traceparent", "Z"],
            keep: ["X-Real-IP", "CF-*", "X-Forwarded-Prefix", "Proxy"])
        for name in [
            "X-Team-A", "x_team_a", "X-TEAM-", "X_User", "X-User", "traceparent", "z", "X-Client-IP", "X-Forwarded-Ssl",
        ] {
            #expect(!passes(name, spec), "\(name)")
        }
        for name in [
            "X-Team", "X-Users", "X-Real-IP", "x_real_ip", "CF-Ray", "CF-Connecting-IP", "X-Forwarded-Prefix", "Proxy",
        ] {
            #expect(passes(name, spec), "\(name)")
        }
        // The file's own spelling is the proxy's.
        for name in ["X-Team-A", "X_User", "X-User"] { #expect(passes(name, spec, isTrusted: true), "\(name)") }
        #expect(!passes("X_Team_A", spec, isTrusted: true))
    }

    @Test("are named in the file by names that the edge has no other use for")
    func ownFields() {
        // Connection and framing: names of the file are held against those elsewhere.
        let connection: Set<KnownField> = [
            .other, .connection, .contentLength, .transferEncoding, .upgrade, .te, .trailer, .keepAlive,
            .proxyConnection,
        ]
        for known in KnownField.allCases where !connection.contains(known) && known != .traceparent {
            let name = "\(known)".reduce(into: "") { text, letter in
                text += letter.isUppercase ? "-" + letter.lowercased() : String(letter)
            }
            #expect(ForwardingSpec.own.contains(name == "x-request-i-d" ? "x-request-id" : name), "\(name)")
        }
    }

    @Test("cost nothing but their own line, wherever they stand among others")
    func places() {
        for count in 0...6 {
            for place in 0...count {
                var lines = (0..<count).map { "Y\($0): \($0)" }
                lines.insert("X-Real-IP: claimed", at: place)
                let kept = lines.filter { !$0.contains("claimed") }.map { $0 + "\r\n" }.joined()
                let text = forwarded(head(lines.joined(separator: "\r\n")))
                #expect(text.hasPrefix("GET / HTTP/1.1\r\nHost: a\r\n\(kept)X-Forwarded-For: "))
            }
        }
    }
}
