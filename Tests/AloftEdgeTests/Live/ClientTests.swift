import AloftModel
import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("whom applications and the log are told of")
    struct ClientTests {
        private static let loopback = Network(bytes: [127, 0, 0, 0], prefixLength: 8, description: "127.0.0.0/8")

        @Test("nothing that a client claims of itself reaches an application, but for what a trusted proxy says")
        func claims() async throws {
            let claims = [
                "X-Forwarded-Ssl: on", "X-Forwarded-Port: 443", "X-Forwarded-Prefix: /admin", "X-Real-IP: 6.6.6.6",
                "True-Client-IP: 6.6.6.6", "CF-Connecting-IP: 6.6.6.6", "Front-End-Https: on", "X-Original-URL: /admin",
                "X-Rewrite-URL: /admin", "Proxy: http://evil.example",
            ]
            for isTrusted in [false, true] {
                var plan = Plan()
                if isTrusted { plan.trusted = [Self.loopback] }
                try await live(plan) { rig in
                    let upstream = try Upstream { head, _ in reply(head) }
                    defer { upstream.close() }
                    rig.admit(upstream)
                    let seen = try rig.get("/", fields: claims.map { $0 + "\r\n" }.joined()).text
                    for claim in claims {
                        #expect(seen.contains(claim) == (isTrusted && !claim.hasPrefix("Proxy")), "\(claim)")
                    }
                }
            }
        }

        @Test("the list of what only a proxy may say changes with a reload")
        func reload() async throws {
            try await live { rig in
                let upstream = try Upstream { head, _ in reply(head) }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 6.6.6.6\r\nX-Team: a\r\n\r\n"
                try wire.send(request)
                let before = try wire.answer().text
                #expect(!before.contains("X-Real-IP") && before.contains("X-Team"))
                var plan = Plan()
                plan.forwarding = ForwardingSpec(family: .standard, remove: ["X-Team"], keep: ["X-Real-IP"])
                _ = try rig.apply(plan)
                try wire.send(request)
                let after = try wire.answer().text
                #expect(
                    after.contains("X-Real-IP: 6.6.6.6") && !after.contains("X-Team") && !after.contains("X-Forwarded"))
            }
        }

        @Test(
            "the log names the client that a trusted proxy names, in whichever family",
            arguments: [
                "X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9;proto=https",
                "X-Forwarded-For: 6.6.6.6, 203.0.113.9:80, 127.0.0.2", "Forwarded: for=6.6.6.6, for=\"203.0.113.9:80\"",
            ])
        func log(field: String) async throws {
            var plan = Plan()
            plan.trusted = [Self.loopback]
            plan.accessShare = Percent(100)
            plan.routes = [Plan.respond("/", "ok")]
            try await live(plan) { rig in
                _ = try rig.get("/", fields: field + "\r\n")
                try eventually("it is logged") { rig.log.contains("\"client\":\"203.0.113.9\"") }
            }
        }

        @Test("a request without Host gets its service's name, in HTTP/1.0 alone")
        func madeHost() async throws {
            try await live { rig in
                let upstream = try Upstream { head, _ in reply(head) }
                defer { upstream.close() }
                rig.admit(upstream)
                let seen = try rig.ask("GET /health HTTP/1.0\r\n\r\n").text
                #expect(values(of: "Host", in: seen) == ["web"] && values(of: "X-Forwarded-Host", in: seen).isEmpty)
                #expect(try rig.ask("GET /health HTTP/1.1\r\n\r\n").status == 400)
                #expect(upstream.accepted == 1)
            }
        }
    }
}
