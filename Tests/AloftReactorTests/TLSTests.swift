import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftReactor

@Suite("TLS", .timeLimit(.minutes(5)), .enabled(if: Machine.has(program: "openssl"), "needs openssl"))
struct TLSTests {
    private func withCertificates(_ body: (Certificates) async throws -> Void) async throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        try await body(certificates)
    }

    private func context(
        _ certificates: Certificates, _ settings: TLSSettings = TLSSettings(), tickets: TicketKeys? = nil
    ) throws -> TLSContext {
        try TLSContext(
            [try certificates.certificate("site", names: ["site.test"])], settings: settings,
            tickets: try tickets ?? TicketKeys())
    }

    @Test(
        "bytes come back whole with both versions, in large and in tiny pieces, to slow readers too",
        arguments: ["1.2", "1.3"])
    func echo(version: String) async throws {
        try await withCertificates { certificates in
            try await certificates.make("site")
            let station = try Station()
            let port = try await station.listenTLS(try context(certificates)).port
            for arguments in [
                ["--send", "3000000", "--pause"], ["--send", "3000", "--pieces", "1"],
                ["--send", "100000", "--pieces", "16384"],
            ] {
                let seen = try await TLSClient.run(port, ["--version", version] + arguments, in: certificates)
                #expect(seen.count == 1 && seen[0].same == true, "\(seen)")
                #expect(seen.first?.version == "TLSv\(version)")
            }
            try await station.expectOnlyListeners()
            let metrics = try await station.metrics()
            #expect(metrics.handshakes == 3 && metrics.handshakeFailures == 0)
            await station.handle.stop()
        }
    }

    @Test("the certificate fits the server name: exact, by wildcard, else the first")
    func serverNames() async throws {
        try await withCertificates { certificates in
            for name in ["site", "shop", "wild"] { try await certificates.make(name) }
            let tls = try TLSContext(
                [
                    try certificates.certificate("site", names: ["site.test"]),
                    try certificates.certificate("wild", names: ["*.shop.test"]),
                    try certificates.certificate("shop", names: ["Www.Shop.Test", "shop.test"]),
                ], settings: TLSSettings(), tickets: try TicketKeys())
            let station = try Station()
            let port = try await station.listenTLS(tls).port
            let cases = [
                ("site.test", "site"), ("www.shop.test", "shop"), ("shop.test", "shop"), ("api.shop.test", "wild"),
                ("a.b.shop.test", "site"), ("other.test", "site"),
            ]
            for (name, expected) in cases {
                let seen = try await TLSClient.run(port, "--name", name, in: certificates)
                #expect(try await seen.first?.certificate == certificates.digest(expected), "\(name): \(seen)")
            }
            let nameless = try await TLSClient.run(port, in: certificates)
            #expect(try await nameless.first?.certificate == certificates.digest("site"))
            await station.handle.stop()
        }
    }

    @Test("names are found as RFC 6125 says")
    func table() {
        var names = ServerNames<Int>()
        for (index, name) in ["a.test", "*.a.test", "*.b.test", "A.TEST"].enumerated() { names.add(name, index) }
        #expect(names.find("A.test.") == 0)
        #expect(names.find("x.a.test") == 1)
        #expect(names.find("X.B.Test") == 2)
        for nobody in ["", ".", "b.test", "x.y.a.test", ".a.test", "test", "*"] {
            #expect(names.find(nobody) == nil, "\(nobody)")
        }
    }

    @Test("ALPN takes the server's first choice; without overlap the client is told so; without ALPN it is served")
    func alpn() async throws {
        try await withCertificates { certificates in
            try await certificates.make("site")
            let station = try Station()
            let port = try await station.listenTLS(
                try context(certificates, TLSSettings(protocols: ["h2", "http/1.1"]))
            ).port
            #expect(try await TLSClient.run(port, "--alpn", "http/1.1,h2", in: certificates).first?.alpn == "h2")
            #expect(try await TLSClient.run(port, "--alpn", "http/1.1", in: certificates).first?.alpn == "http/1.1")
            #expect(try await TLSClient.run(port, in: certificates).first?.alpn == "")
            let refused = try await TLSClient.run(port, "--alpn", "imap", in: certificates)
            #expect(refused.first?.error?.lowercased().contains("no application protocol") == true, "\(refused)")
            try await station.record.wait(
                for: "closed: handshake(AloftReactor.HandshakeFailure.refused(\"no application protocol\"))")
            #expect(try await station.metrics().handshakeFailures == 1)
            await station.handle.stop()
        }
    }

    @Test(
        "a session resumes by its ticket, on another loop and after a reload, until its key has been replaced twice",
        arguments: ["1.2", "1.3"])
    func tickets(version: String) async throws {
        try await withCertificates { certificates in
            try await certificates.make("site")
            let tickets = try TicketKeys()
            let stations = try [Station(), Station()]
            let first = try await stations[0].listenTLS(try context(certificates, tickets: tickets)).port
            let second = try await stations[1].listenTLS(try context(certificates, tickets: tickets)).port
            let session = certificates.path("session")
            let flag = version == "1.2" ? "-tls1_2" : "-tls1_3"
            func connect(_ port: Int, _ arguments: [String]) async throws -> String {
                try await TLSClient.openssl(port, [flag] + arguments, input: "hello\n", in: certificates)
            }
            #expect(try await connect(first, ["-sess_out", session]).contains("New, TLSv"))
            #expect(try await connect(second, ["-sess_in", session]).contains("Reused, TLSv"))
            try tickets.rotate()
            #expect(try await connect(first, ["-sess_in", session]).contains("Reused, TLSv"))
            try tickets.rotate()
            #expect(try await connect(first, ["-sess_in", session]).contains("New, TLSv"))
            for station in stations { await station.handle.stop() }
        }
    }

    @Test("client certificates: asked for or demanded, checked whenever shown, and their subject is known")
    func clientCertificates() async throws {
        try await withCertificates { certificates in
            try await certificates.make("site")
            try await certificates.make("authority")
            try await certificates.make("stranger")
            try await certificates.make("ann", subject: "/O=Shop/CN=Ann", signedBy: "authority")
            let authorities = try certificates.bytes("authority.pem")
            func see(_ wanted: TLSSettings.ClientCertificates, _ name: String?) async throws -> (Bool, [String]) {
                let station = try Station()
                let port = try await station.listenTLS(
                    try context(certificates, TLSSettings(clientCertificates: wanted))
                ).port
                var seen: [Seen]
                if let name {
                    seen = try await TLSClient.run(
                        port, "--certificate", certificates.path("\(name).pem"), "--key",
                        certificates.path("\(name).key"),
                        in: certificates)
                } else {
                    seen = try await TLSClient.run(port, in: certificates)
                }
                await station.handle.stop()
                return (seen.first?.same == true, station.record.events)
            }
            #expect(try await see(.request(authorities: authorities), nil).0)
            let ann = try await see(.request(authorities: authorities), "ann")
            #expect(ann.0 && ann.1.contains { $0.contains(" CN=Ann,O=Shop ") }, "\(ann)")
            #expect(try await !see(.request(authorities: authorities), "stranger").0)
            #expect(try await !see(.require(authorities: authorities), nil).0)
            #expect(try await see(.require(authorities: authorities), "ann").0)
            #expect(try await !see(.require(authorities: authorities), "stranger").0)
            // Nobody asks: what the client has stays with it.
            let unasked = try await see(.none, "ann")
            #expect(unasked.0 && !unasked.1.contains { $0.contains("Ann") })
        }
    }

    @Test("certificates are swapped while connections go on with theirs")
    func reload() async throws {
        try await withCertificates { certificates in
            try await certificates.make("site")
            try await certificates.make("fresh")
            let station = try Station()
            let (port, listener) = try await station.listenTLS(try context(certificates))
            // Connected before the reload, served after it.
            async let before = TLSClient.openssl(port, ["-quiet"], input: "hello\n", in: certificates)
            try await eventually("a handshake") { station.record.events.contains("connected") }
            let fresh = try TLSContext(
                [try certificates.certificate("fresh", names: ["site.test"])], settings: TLSSettings(),
                tickets: try TicketKeys())
            try await station.handle.run { _ in listener.value.tls = fresh }
            #expect(try await TLSClient.run(port, in: certificates).first?.certificate == certificates.digest("fresh"))
            // Ten bytes for the second client, six for the first one.
            try await eventually("both to have their echo") { try await station.metrics().bytesOut >= 16 }
            await station.handle.stop()
            #expect(try await before.contains("hello"))
        }
    }
}
