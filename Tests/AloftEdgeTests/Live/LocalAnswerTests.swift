import AloftModel
import AloftTestKit
import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("answers of the edge's own")
    struct LocalAnswerTests {
        @Test("redirects keep path and query")
        func redirects() async throws {
            var plan = Plan()
            plan.routes = [
                RouteSpec(
                    match: RouteMatch(path: .prefix("/old/")),
                    action: .redirect(RedirectSpec(to: "https://new.example${uri}", status: 301)))
            ]
            try await live(plan) { rig in
                let answer = try rig.get("/old/a%20b?c=d")
                #expect(answer.status == 301 && answer["location"] == "https://new.example/old/a%20b?c=d")
                #expect(answer["content-length"] == "0")
                let absolute = try rig.ask("GET http://a/old/?x HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(absolute["location"] == "https://new.example/old/?x")
            }
        }

        @Test(
            "a listener that redirects sends everything to https, and refuses what names no host",
            arguments: [
                ("GET /a?b HTTP/1.1\r\nHost: x.example:80\r\n\r\n", "https://x.example/a?b"),
                ("OPTIONS * HTTP/1.1\r\nHost: x.example\r\n\r\n", "https://x.example/"),
                ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "https://x/a"),
                ("GET /a HTTP/1.0\r\n\r\n", nil),
            ] as [(String, String?)])
        func toHTTPS(request: String, location: String?) async throws {
            var plan = Plan()
            plan.listeners[0].redirectsToHTTPS = true
            try await live(plan) { rig in
                let answer = try rig.ask(request)
                #expect(answer.status == (location == nil ? 400 : 308) && answer["location"] == location)
            }
        }

        @Test(
            "redirects to https name the port that clients know",
            arguments: [(nil, ":19292"), (443, ""), (8443, ":8443")] as [(Int?, String)])
        func publicPort(publicPort: Int?, written: String) async throws {
            // Of two listeners with TLS the first is meant; it is not opened here, since its port may be taken.
            var plan = Plan()
            plan.listeners[0].redirectsToHTTPS = true
            let secure = ListenerSpec(
                address: Address(host: "127.0.0.1", port: 19292), tls: true, publicPort: publicPort)
            let snapshot = try EdgeSnapshot(
                spec: EdgeSpec(
                    listeners: plan.listeners + [
                        secure, ListenerSpec(address: secure.address, tls: true, publicPort: 1),
                    ],
                    admin: nil, tls: TLSSpec(minVersion: .tls12, certificates: []), trustedProxies: [],
                    timeouts: plan.timeouts, limits: plan.limits, headers: plan.headers, routes: plan.routes),
                services: plan.edgeServices, certificates: [TestCertificates.first], accessShare: Percent(0))
            #expect((snapshot.securePort == 443 ? "" : ":\(snapshot.securePort)") == written)
        }

        @Test("a redirect to https works, and its public port changes without a new listener")
        func toOpenPort() async throws {
            var plan = Plan()
            plan.certificates = [TestCertificates.first]
            plan.routes = [Plan.respond("/a", "secure")]
            plan.listeners = [
                ListenerSpec(address: Address(host: "127.0.0.1", port: 0), redirectsToHTTPS: true),
                ListenerSpec(address: Address(host: "127.0.0.1", port: try Machine.freePort()), tls: true),
            ]
            // Both runs, with one loop and with two, open the same port one after the other.
            let port = plan.listeners[1].address.port
            try await live(plan) { [plan] rig in
                let location = try rig.ask("GET /a HTTP/1.1\r\nHost: a.example:80\r\n\r\n")["location"]
                #expect(location == "https://a.example:\(port)/a")
                let wire = try SecureWire(port: port, name: "a.example")
                wire.send("GET /a HTTP/1.1\r\nHost: a.example:\(port)\r\n\r\n")
                try wire.wait(for: "secure")
                var published = plan
                published.listeners[1].publicPort = 443
                _ = try rig.apply(published)
                #expect(
                    try rig.ask("GET /a HTTP/1.1\r\nHost: a.example:80\r\n\r\n")["location"] == "https://a.example/a")
                wire.send("GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n")
                try eventually("a second answer") { wire.text.components(separatedBy: "HTTP/1.1 200").count == 3 }
                wire.close()
            }
        }

        @Test("a redirect can name the request's host, and needs one then")
        func toHost() async throws {
            var plan = Plan()
            plan.routes = [
                RouteSpec(
                    match: RouteMatch(),
                    action: .redirect(RedirectSpec(to: "https://${host}:8443/x${uri}", status: 308)))
            ]
            try await live(plan) { rig in
                for (host, named) in [
                    ("shop.example:8080", "shop.example"), ("[2001:db8::1]:80", "[2001:db8::1]"), ("a.", "a"),
                ] {
                    let answer = try rig.ask("GET /a?b HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                    #expect(answer.status == 308 && answer["location"] == "https://\(named):8443/x/a?b")
                }
                let asterisk = try rig.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(asterisk["location"] == "https://a:8443/x/")
                let nameless = try rig.ask("GET /a HTTP/1.0\r\n\r\n")
                #expect(nameless.status == 400 && nameless.text.contains("The request names no host."))
            }
        }

        @Test("a redirect that begins with the request's path leads to no other host")
        func toOwnHost() async throws {
            var plan = Plan()
            plan.routes = [
                RouteSpec(match: RouteMatch(), action: .redirect(RedirectSpec(to: "${uri}?x", status: 307)))
            ]
            try await live(plan) { rig in
                for (path, location) in [
                    ("//evil.example/a", "/evil.example/a?x"), ("///evil.example", "/evil.example?x"),
                    ("/a//b", "/a//b?x"),
                ] {
                    let answer = try rig.get(path)
                    #expect(answer["location"] == location)
                }
            }
        }

        @Test("HEAD, HTTP/1.0 and CONNECT get what is theirs")
        func kinds() async throws {
            var plan = Plan()
            plan.routes = [Plan.respond("/", "hello"), Plan.respond("/none", "", status: 204)]
            try await live(plan) { rig in
                let wire = try rig.connect()
                try wire.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try wire.answer(head: true)["content-length"] == "5")
                let none = try wire.answer()
                #expect(none.status == 204 && none["content-length"] == nil)
                try wire.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n")
                #expect(try wire.answer()["connection"] == "keep-alive")
                #expect(try wire.answer()["connection"] == "close")
                #expect(try wire.readToEnd() == ([], .orderly))
                #expect(try rig.ask("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n").status == 405)
                #expect(try rig.get("/missing", fields: "Accept: application/json\r\n").text.hasPrefix("{\"error\":"))
                #expect(
                    try rig.get("/missing", fields: "Accept: text/html, application/json\r\n").text.hasPrefix(
                        "<!doctype"))
            }
        }

        @Test("a chunked request refused before it reached a replica is counted and logged as its route's")
        func heldRefusal() async throws {
            var plan = Plan()
            plan.accessShare = Percent(100)
            try await live(plan) { rig in
                let answer = try rig.ask("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
                #expect(answer.status == 400)
                try eventually("it is logged") {
                    rig.log.contains("\"method\":\"PUT\"") && rig.log.contains("\"status\":400")
                }
                let series = rig.statistics().series
                #expect(series.map(\.route) == ["/*"] && series.map(\.method) == ["PUT"])
            }
        }
    }
}
