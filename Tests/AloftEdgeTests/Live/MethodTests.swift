import AloftModel
import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("methods that gateways answer themselves")
    struct MethodTests {
        private static let allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

        @Test(
            "OPTIONS * goes where /* leads, as it came",
            arguments: ["OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n"])
        func asterisk(request: String) async throws {
            var plan = Plan()
            plan.routes = [Plan.respond("/", "the root"), Plan.route(.prefix("/api/"), service: "none"), Plan.route()]
            plan.services = ["web", "none"]
            try await live(plan) { rig in
                let upstream = try Upstream { head, _ in reply(String(head.prefix { $0 != "\r\n" })) }
                defer { upstream.close() }
                rig.admit(upstream)
                let answer = try rig.ask(request)
                #expect(answer.status == 200 && answer.text == "OPTIONS * HTTP/1.1")
            }
        }

        @Test("OPTIONS * finds no route where none takes every path, and the route of its host where one does")
        func asteriskRoutes() async throws {
            var plan = Plan()
            var hosted = Plan.route()
            hosted.match.host = HostPattern(name: "b.example")
            plan.routes = [Plan.respond("/", "the root"), hosted]
            try await live(plan) { rig in
                let upstream = try Upstream { _, _ in reply("b") }
                defer { upstream.close() }
                rig.admit(upstream)
                #expect(try rig.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status == 404)
                #expect(try rig.ask("OPTIONS * HTTP/1.1\r\nHost: B.example:80\r\n\r\n").text == "b")
            }
        }

        @Test(
            "OPTIONS that may pass no further gateway ends here, and one that may loses a hop",
            arguments: ["*", "/x"])
        func maxForwards(target: String) async throws {
            try await live { rig in
                let upstream = try Upstream { head, _ in reply(values(of: "Max-Forwards", in: head).joined()) }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                for (sent, arrives) in [("0", nil), ("1", "0"), ("70", "69"), ("00", nil)] as [(String, String?)] {
                    try wire.send("OPTIONS \(target) HTTP/1.1\r\nHost: a\r\nMax-Forwards: \(sent)\r\n\r\n")
                    let answer = try wire.answer()
                    #expect(answer.status == (arrives == nil ? 204 : 200) && answer.text == arrives ?? "")
                    #expect(answer["allow"] == (arrives == nil ? Self.allow : nil))
                }
                for wrong in ["x", "-1", "1.0", "", "1\r\nMax-Forwards: 1"] {
                    let answer = try rig.ask("OPTIONS \(target) HTTP/1.1\r\nHost: a\r\nMax-Forwards: \(wrong)\r\n\r\n")
                    #expect(answer.status == 400, "\(wrong)")
                }
            }
        }

        @Test("TRACE is refused unless its route names it, and then may pass one gateway fewer")
        func trace() async throws {
            var plan = Plan()
            var named = Plan.route(.prefix("/debug/"))
            named.match.methods = ["TRACE"]
            plan.routes = [named, Plan.route()]
            try await live(plan) { rig in
                let upstream = try Upstream { head, _ in reply("seen " + values(of: "Max-Forwards", in: head).joined())
                }
                defer { upstream.close() }
                rig.admit(upstream)
                func trace(_ path: String, _ fields: String = "") throws -> Answer {
                    try rig.ask("TRACE \(path) HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\(fields)\r\n")
                }
                for refused in [try trace("/"), try trace("/debug/x", "Max-Forwards: 0\r\n")] {
                    #expect(refused.status == 405 && refused["allow"] == Self.allow)
                    #expect(refused.text.contains("TRACE is not supported.") && !refused.text.contains("secret"))
                }
                #expect(try trace("/debug/x").text == "seen ")
                #expect(try trace("/debug/x", "Max-Forwards: 3\r\n").text == "seen 2")
                #expect(try trace("/debug/x", "Max-Forwards: x\r\n").status == 400)
                #expect(try rig.ask("TRACE /debug/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").status == 400)
            }
        }

        @Test(
            "CONNECT is refused and the connection closed, also where everything is redirected",
            arguments: [false, true])
        func connect(redirects: Bool) async throws {
            var plan = Plan()
            plan.listeners[0].redirectsToHTTPS = redirects
            try await live(plan) { rig in
                let wire = try rig.connect()
                try wire.send("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try wire.answer()
                #expect(answer.status == 405 && answer["allow"] == Self.allow && answer["connection"] == "close")
                #expect(answer.text.contains("CONNECT is not supported."))
                #expect(try wire.readToEnd().bytes.isEmpty)
            }
        }
    }
}
