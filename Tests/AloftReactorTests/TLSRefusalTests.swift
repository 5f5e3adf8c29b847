import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftReactor

@Suite("What TLS refuses", .timeLimit(.minutes(5)), .enabled(if: Machine.has(program: "openssl"), "needs openssl"))
struct TLSRefusalTests {
    private func withStation(
        _ settings: TLSSettings = TLSSettings(), _ body: (Station, Int, Certificates) async throws -> Void
    ) async throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        try await certificates.make("site")
        let context = try TLSContext(
            [try certificates.certificate("site", names: ["site.test"])], settings: settings, tickets: try TicketKeys())
        let station = try Station()
        let port = try await station.listenTLS(context).port
        try await body(station, port, certificates)
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }

    @Test("old versions, and 1.2 where 1.3 is the least")
    func versions() async throws {
        try await withStation { _, port, certificates in
            let old = try await TLSClient.openssl(
                port, ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], input: "x\n", in: certificates)
            #expect(old.contains("alert protocol version"), "\(old)")
        }
        try await withStation(TLSSettings(minimum: .tls13)) { _, port, certificates in
            let old = try await TLSClient.run(port, "--version", "1.2", in: certificates)
            #expect(old.first?.error != nil, "\(old)")
            let new = try await TLSClient.run(port, "--version", "1.3", in: certificates)
            #expect(new.first?.same == true, "\(new)")
        }
    }

    @Test("ciphers without forward secrecy or authentication")
    func ciphers() async throws {
        try await withStation { _, port, certificates in
            for cipher in ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256"] {
                let printed = try await TLSClient.openssl(
                    port, ["-tls1_2", "-cipher", "\(cipher):@SECLEVEL=0"], input: "x\n", in: certificates)
                #expect(printed.contains("handshake failure"), "\(cipher): \(printed)")
            }
        }
    }

    @Test("renegotiation, without ending the connection of who asks; and early data")
    func renegotiation() async throws {
        try await withStation { station, port, certificates in
            let printed = try await TLSClient.openssl(port, ["-tls1_2"], input: "hello\nR\n", in: certificates)
            #expect(printed.contains("no renegotiation"), "\(printed)")
            let session = certificates.path("session")
            let first = try await TLSClient.openssl(
                port, ["-tls1_3", "-sess_out", session], input: "x\n", in: certificates)
            #expect(first.contains("Max Early Data: 0"), "\(first)")
            #expect(station.record.events.contains { $0.hasPrefix("TLSv1.3") })
        }
    }

    @Test("what is no TLS, a client that leaves, and one that takes too long")
    func brokenHandshakes() async throws {
        try await withStation(TLSSettings(handshakeTimeout: 300_000_000)) { station, port, _ in
            try await onThread {
                let plain = try RawConnection(to: .port(port))
                try plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                _ = try plain.readToEnd()
                let leaving = try RawConnection(to: .port(port))
                try leaving.send([0x16, 0x03, 0x01, 0x02, 0x00])
                leaving.finishSending()
                _ = try leaving.readToEnd()
                let slow = try RawConnection(to: .port(port))
                try slow.send([0x16])
                #expect(try slow.readToEnd().isEmpty)
            }
            let failures = station.record.events.filter { $0.hasPrefix("closed: handshake") }
            #expect(failures.count == 3)
            #expect(failures[0].contains("http request"), "\(failures)")
            #expect(failures[1].contains("abandoned"), "\(failures)")
            #expect(failures[2].contains("tooSlow"), "\(failures)")
            #expect(!station.record.events.contains("connected"))
        }
    }

    @Test("garbage behind a handshake ends that connection, and no other")
    func garbage() async throws {
        try await withStation { station, port, certificates in
            async let other = TLSClient.run(port, "--send", "2000000", "--pause", in: certificates)
            for seed in 1...20 as ClosedRange<UInt64> {
                try await onThread {
                    var random = SplitMix(seed: seed)
                    let client = try RawConnection(to: .port(port))
                    var bytes: [UInt8] = [0x16, 0x03, 0x01]
                    bytes += (0..<Int.random(in: 1...2000, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }
                    try client.send(bytes)
                    client.finishSending()
                    _ = try client.readToEnd()
                }
            }
            #expect(try await other.first?.same == true)
            #expect(try await station.metrics().handshakeFailures == 20)
        }
    }

    @Test("certificates that can't be used say which and why")
    func badCertificates() async throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        try await certificates.make("one")
        try await certificates.make("two")
        let one = try certificates.certificate("one", names: ["one.test"])
        let two = try certificates.certificate("two", names: ["two.test"])
        let tickets = try TicketKeys()
        func refusal(_ certificates: [TLSCertificate], _ settings: TLSSettings = TLSSettings()) -> String {
            do throws(ReactorError) {
                _ = try TLSContext(certificates, settings: settings, tickets: tickets)
                return ""
            } catch {
                return error.description
            }
        }
        #expect(refusal([one, two]).isEmpty)
        #expect(refusal([]).contains("no certificate"))
        var mixed = one
        mixed.key = two.key
        #expect(refusal([two, mixed]).contains("one.test"))
        #expect(refusal([mixed]).contains("key"))
        mixed.key = Array("nonsense".utf8)
        #expect(refusal([mixed]).contains("private key"))
        mixed = one
        mixed.chain = one.chain + Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        #expect(refusal([mixed]).contains("chain"))
        mixed.chain = []
        #expect(refusal([mixed]).contains("chain"))
        #expect(refusal([one], TLSSettings(protocols: [""])).contains("ALPN"))
        #expect(refusal([one], TLSSettings(clientCertificates: .require(authorities: [1, 2]))).contains("authorities"))
    }
}
