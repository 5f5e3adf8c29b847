import AloftModel
import Foundation
import NIOSSL
import Testing

@testable import AloftEdge

extension Live {
    @Suite("TLS")
    struct SecurityTests {
        private static var plan: Plan {
            var plan = Plan()
            plan.listeners = [ListenerSpec(address: Address(host: "127.0.0.1", port: 0), tls: true)]
            plan.certificates = [TestCertificates.first, TestCertificates.other, TestCertificates.wild]
            plan.routes = [Plan.respond("/local", "local"), Plan.route()]
            return plan
        }

        private func certificate(_ own: EdgeCertificate) throws -> NIOSSLCertificate {
            try NIOSSLCertificate(bytes: own.certificateChainPEM, format: .pem)
        }

        private let get = "GET /local HTTP/1.1\r\nHost: a\r\n\r\n"

        @Test(
            "the certificate is chosen by the server's name, the first where none fits",
            arguments: [
                ("a.example", 0), ("other.example", 1), ("OTHER.example", 1), ("x.wild.example", 2),
                ("x.y.wild.example", 0),
                ("wild.example", 0), ("nobody.example", 0), (nil, 0),
            ] as [(String?, Int)])
        func names(name: String?, index: Int) async throws {
            try await live(Self.plan) { [get] rig in
                let wire = try SecureWire(port: rig.port, name: name)
                wire.send(get)
                try wire.wait(for: "\r\n\r\nlocal")
                #expect(try wire.certificate == certificate(Self.plan.certificates[index]))
                wire.close()
            }
        }

        @Test("versions below the file's are refused and counted")
        func versions() async throws {
            for (minimum, refused, taken) in [
                (TLSSpec.Version.tls12, TLSVersion.tlsv11, TLSVersion.tlsv12), (.tls13, .tlsv12, .tlsv13),
            ] {
                var plan = Self.plan
                plan.minVersion = minimum
                try await live(plan) { [get] rig in
                    let old = try SecureWire(port: rig.port, name: nil, only: refused)
                    old.send(get)
                    try old.waitForEnd()
                    #expect(old.count == 0 && old.error != nil)
                    let wire = try SecureWire(port: rig.port, name: nil, only: taken)
                    wire.send(get)
                    try wire.wait(for: "local")
                    wire.close()
                    #expect(rig.statistics().tlsHandshakeFailures == 1)
                }
            }
        }

        @Test("requests behind one another, and the replica is told of https")
        func pipelined() async throws {
            try await live(Self.plan) { [get] rig in
                let upstream = try Upstream { head, _ in
                    reply(head.contains("X-Forwarded-Proto: https") ? "secure" : "plain", fields: "X-End: 1\r\n")
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try SecureWire(port: rig.port, name: "a.example")
                wire.send(String(repeating: get + "GET /far HTTP/1.1\r\nHost: a\r\n\r\n", count: 500))
                try eventually("all are answered") { wire.text.components(separatedBy: "\r\n\r\nsecure").count == 501 }
                #expect(wire.text.components(separatedBy: "\r\n\r\nlocal").count == 501)
                wire.close()
            }
        }

        @Test("a handshake that does not go on is cut in time")
        func slowHandshake() async throws {
            var plan = Self.plan
            plan.timeouts.requestHead = .milliseconds(300)
            try await live(plan) { rig in
                let silent = try rig.connect()
                // The beginning of a ClientHello record.
                let begun = try rig.connect()
                try begun.send([0x16, 3, 1, 2, 0, 1, 0])
                let since = Date()
                try silent.waitForEnd()
                try begun.waitForEnd()
                #expect(Date().timeIntervalSince(since) < 4)
            }
        }

        @Test("plain HTTP on a TLS port is closed and counted")
        func plain() async throws {
            try await live(Self.plan) { [get] rig in
                let wire = try rig.connect()
                try wire.send(get)
                try wire.waitForEnd()
                #expect(rig.statistics().tlsHandshakeFailures == 1)
            }
        }

        @Test("an answer before the body reaches a client that goes on sending")
        func early() async throws {
            var plan = Self.plan
            plan.limits.body = .kibibytes(1)
            try await live(plan) { rig in
                let wire = try SecureWire(port: rig.port, name: "a.example")
                wire.send("POST /far HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n")
                let block = String(repeating: "x", count: 100_000)
                for _ in 0..<80 { wire.send(block) }
                try wire.wait(for: "HTTP/1.1 413 ")
                wire.close()
            }
        }

        @Test("a broken answer to HTTP/1.0 does not end with TLS' farewell")
        func broken() async throws {
            try await live(Self.plan) { rig in
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
                    usleep(50_000)
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try SecureWire(port: rig.port, name: "a.example")
                wire.send("GET /far HTTP/1.0\r\n\r\n")
                try wire.waitForEnd()
                #expect(wire.error != nil, "\(wire.text)")
            }
        }

        @Test("with `halfClose: answer` a client that has sent all it will send gets its answers")
        func halfClosed() async throws {
            var plan = Self.plan
            plan.halfClose = .answer
            try await live(plan) { [get] rig in
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    usleep(100_000)
                    try wire.send(reply("far"))
                    try wire.waitForEnd()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try SecureWire(port: rig.port, name: "a.example")
                wire.send(get + "GET /far HTTP/1.1\r\nHost: a\r\n\r\n")
                wire.finishSending()
                try wire.wait(for: "\r\n\r\nfar")
                try wire.waitForEnd()
            }
        }

        @Test("a reload brings a new certificate and leaves connections alone")
        func reload() async throws {
            try await live(Self.plan) { [get] rig in
                let old = try SecureWire(port: rig.port, name: "a.example")
                old.send(get)
                try old.wait(for: "local")
                var plan = Self.plan
                plan.certificates = [TestCertificates.other]
                plan.routes = [Plan.respond("/local", "changed")]
                _ = try rig.apply(plan)
                let fresh = try SecureWire(port: rig.port, name: "a.example")
                fresh.send(get)
                try fresh.wait(for: "changed")
                #expect(try fresh.certificate == certificate(TestCertificates.other))
                old.send(get)
                try old.wait(for: "changed")
                var bad = plan
                bad.certificates[0].privateKeyPEM = TestCertificates.first.privateKeyPEM
                #expect(throws: EdgeError.self) { try rig.apply(bad) }
                bad.certificates = []
                #expect(throws: EdgeError.self) { try rig.apply(bad) }
                old.send("GET /local HTTP/1.1\r\nHost: still\r\n\r\n")
                try eventually("a third answer") { old.text.components(separatedBy: "HTTP/1.1 200").count == 4 }
                old.close()
                fresh.close()
            }
        }
    }
}
