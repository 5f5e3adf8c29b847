import AloftModel
import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("a new plan")
    struct ReloadTests {
        private func free() throws -> Int {
            let upstream = try Upstream { _ in }
            defer { upstream.refuse() }
            return upstream.port
        }

        private func listener(_ port: Int, redirects: Bool = false) -> ListenerSpec {
            ListenerSpec(address: Address(host: "127.0.0.1", port: port), redirectsToHTTPS: redirects)
        }

        private func ask(_ port: Int, _ path: String) throws -> Answer {
            let wire = try Wire(to: .port(port))
            try wire.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            return try wire.answer()
        }

        @Test("routes, services and listeners come, change and go; connections stay")
        func changes() async throws {
            let (one, two) = (try free(), try free())
            var plan = Plan()
            plan.listeners = [listener(one)]
            plan.routes = [Plan.respond("/v", "1")]
            plan.services = []
            try await live(plan) { [plan] rig in
                var plan = plan
                let kept = try rig.connect()
                func onKept(_ path: String) throws -> Answer {
                    try kept.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                    return try kept.answer()
                }
                #expect(try onKept("/v").text == "1")
                plan.routes = [Plan.respond("/v", "2"), Plan.route(service: "web")]
                plan.services = ["new", "web"]
                plan.listeners = [self.listener(one), self.listener(two)]
                #expect(try rig.apply(plan).map(\.port) == [one, two])
                let upstream = try Upstream { _, _ in reply("up") }
                defer { upstream.close() }
                rig.admit(upstream)
                #expect(try onKept("/v").text == "2")
                #expect(try onKept("/x").text == "up")
                #expect(try self.ask(two, "/x").text == "up")
                // The second changes its role on the same address.
                plan.listeners = [self.listener(one), self.listener(two, redirects: true)]
                _ = try rig.apply(plan)
                #expect(try self.ask(two, "/x").status == 308)
                #expect(try onKept("/x").text == "up")
                // The first goes; what is connected to it stays.
                plan.listeners = [self.listener(two)]
                _ = try rig.apply(plan)
                #expect(throws: WireError.self) { try self.ask(one, "/v") }
                #expect(try onKept("/v").text == "2")
                #expect(try self.ask(two, "/v").text == "2")
                kept.close()
            }
        }

        @Test("a plan with a taken port or an unknown service changes nothing")
        func refused() async throws {
            let port = try free()
            var plan = Plan()
            plan.listeners = [listener(port)]
            plan.routes = [Plan.respond("/v", "1")]
            try await live(plan) { [plan] rig in
                let stranger = try Upstream { _ in }
                defer { stranger.close() }
                let other = try self.free()
                for wrong in [self.listener(stranger.port), ListenerSpec(address: Address(host: "192.0.2.1", port: 0))]
                {
                    var bad = plan
                    bad.routes = [Plan.respond("/v", "2")]
                    bad.listeners = [self.listener(other), wrong]
                    #expect(throws: EdgeError.self) { try rig.apply(bad) }
                    #expect(try self.ask(port, "/v").text == "1")
                    #expect(throws: WireError.self) { try self.ask(other, "/v") }
                }
                var bad = plan
                bad.routes = [Plan.respond("/v", "2"), Plan.route(service: "nobody")]
                #expect(throws: EdgeError.self) { try rig.apply(bad) }
                #expect(try self.ask(port, "/v").text == "1")
            }
        }

        @Test("two listeners on any free port both stay, and one that goes is closed")
        func twins() async throws {
            var plan = Plan()
            plan.listeners = [listener(0), listener(0)]
            plan.routes = [Plan.respond("/v", "1")]
            try await live(plan) { [plan] rig in
                #expect(rig.ports[0] != rig.ports[1])
                let ports = try rig.apply(plan).map(\.port)
                #expect(ports == rig.ports)
                for port in rig.ports { #expect(try self.ask(port, "/v").text == "1") }
                var fewer = plan
                fewer.listeners = [self.listener(0)]
                #expect(try rig.apply(fewer).map(\.port) == [rig.ports[0]])
                #expect(try self.ask(rig.ports[0], "/v").text == "1")
                #expect(throws: WireError.self) { try self.ask(rig.ports[1], "/v") }
            }
        }

        @Test("limits of the new plan hold for the next request, of old connections too")
        func limits() async throws {
            try await live { rig in
                let upstream = try Upstream { _, body in reply("\(body.count)") }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                func post(_ size: Int) throws -> Int {
                    try wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
                    try wire.send(String(repeating: "x", count: size))
                    return try wire.answer().status
                }
                #expect(try post(5000) == 200)
                var plan = Plan()
                plan.limits.body = .kibibytes(1)
                plan.limits.connectionsPerAddress = 1
                _ = try rig.apply(plan)
                #expect(try post(1024) == 200)
                let refused = try rig.connect()
                #expect(try refused.readToEnd().bytes.isEmpty)
                #expect(try post(1025) == 413)
            }
        }

        @Test("five hundred reloads under load lose no request")
        func underLoad() async throws {
            try await live { rig in
                let upstream = try Upstream { _, body in reply("\(body.count)") }
                defer { upstream.close() }
                rig.admit(upstream)
                let wires = try (0..<8).map { _ in try rig.connect() }
                let requests = Array(
                    String(
                        repeating: "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\n"
                            + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", count: 400
                    ).utf8)
                // Odd pieces, so that heads and chunks are under way at each moment.
                let senders = wires.enumerated().map { Sender($1, requests, pieces: 37 + $0) }
                var plan = Plan()
                for number in 0..<500 {
                    plan.services = number.isMultiple(of: 2) ? ["a", "b", "web"] : ["web"]
                    plan.routes = (0..<(number % 7)).map { Plan.respond("/\($0)", "") } + [Plan.route()]
                    _ = try rig.apply(plan)
                }
                for wire in wires {
                    for _ in 0..<400 {
                        #expect(try wire.answer().text == "0")
                        #expect(try wire.answer().text == "3")
                    }
                }
                for sender in senders { try sender.finish() }
                for wire in wires { wire.close() }
            }
        }
    }
}
