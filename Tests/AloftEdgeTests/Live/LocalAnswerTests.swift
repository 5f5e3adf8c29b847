import AloftModel
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
                ("OPTIONS * HTTP/1.1\r\nHost: x.example\r\n\r\n", "https://x.example/*"),
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
