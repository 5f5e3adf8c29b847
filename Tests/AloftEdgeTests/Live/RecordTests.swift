import AloftModel
import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("what is told of requests")
    struct RecordTests {
        private func logged(_ rig: Rig) throws -> [[String: Any]] {
            try rig.log.split(separator: "\n").map { line in
                guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                    throw WireError.malformed(String(line))
                }
                return object
            }
        }

        @Test("each request is one valid line of the log, whatever it looks like, and the counters agree")
        func everyRequest() async throws {
            var plan = Plan()
            plan.accessShare = Percent(100)
            plan.trusted = [Network(bytes: [127, 0, 0, 0], prefixLength: 8, description: "127.0.0.0/8")]
            plan.routes = [
                Plan.respond("/local", "local"), Plan.route(.prefix("/up/")),
                Plan.route(.prefix("/none/"), service: "none"),
            ]
            plan.services = ["web", "none"]
            try await live(plan) { rig in
                let upstream = try Upstream { _, body in reply(String(repeating: "u", count: 100 + body.count)) }
                defer { upstream.close() }
                rig.admit(upstream)
                let targets = [
                    "/local", "/up/a?q=\"'\\", "/up/%22", "/none/x", "/nowhere", "/up/\u{e4}",
                ]
                let hostile = [
                    "", "X-Forwarded-For: [::1]\"},{\"\r\n", "X-Forwarded-For: 9.9.9.9:\"x\\, 127.0.0.1\r\n",
                    "X-Request-Id: \"}\u{e4}\\\r\n", "User-Agent: \"\\\r\n",
                ]
                let wire = try rig.connect()
                var (sent, refused) = (0, 0)
                for target in targets {
                    for field in hostile {
                        let connection = target.utf8.count == target.count ? wire : try rig.connect()
                        try connection.send(
                            "POST \(target) HTTP/1.1\r\nHost: a\r\n\(field)Content-Length: 3\r\n\r\nabc")
                        let answer = try connection.answer()
                        sent += 1
                        if answer.status == 400 { refused += 1 }
                    }
                }
                wire.close()
                try eventually("all lines have come") { try logged(rig).count == sent }
                let lines = try logged(rig)
                #expect(refused > 0 && lines.filter { $0["status"] as? Int == 400 }.count == refused)
                #expect(
                    lines.allSatisfy { $0["status"] is Int && $0["client"] is String && $0["request_id"] is String })
                // Neither of the made-up clients is an address.
                #expect(Set(lines.compactMap { $0["client"] as? String }) == ["127.0.0.1"])
                #expect(lines.filter { $0["replica"] as? String == "web-1" }.count == 10)
                #expect(lines.filter { $0["error"] as? String == "no_replica" }.count == 5)
                #expect(lines.filter { $0["error"] as? String == "no_route" }.count == 5)
                let series = rig.statistics().series
                func count(_ route: String) -> UInt64 {
                    series.filter { $0.route == route && $0.status != 400 }.map(\.duration.count).reduce(0, +)
                }
                #expect(count("/local") == 5 && count("/up/*") == 10 && count("/none/*") == 5 && count("") == 5)
                let up = series.filter { $0.route == "/up/*" }
                #expect(up.map(\.requestBytes).reduce(0, +) == 30 && up.map(\.responseBytes).reduce(0, +) == 1030)
                let backend = rig.statistics().backends[0]
                #expect(backend.requests == 10 && backend.duration.count == 10 && backend.failures == 0)
            }
        }

        @Test("a head that is refused is one line of the log; an error page carries each field once")
        func refused() async throws {
            var plan = Plan()
            plan.accessShare = Percent(100)
            plan.timeouts.requestHead = .milliseconds(300)
            plan.headers.set = [.init(name: "cache-control", value: "public"), .init(name: "X-Set", value: "1")]
            try await live(plan) { rig in
                let answers = try [
                    rig.ask("GET / HTTP/1.1\r\n\r\n"), rig.ask("GET / HTTP/1.1\r\nHost: a\r\n"),
                    rig.ask("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n"),
                ]
                #expect(answers.map(\.status) == [400, 408, 431])
                for answer in answers {
                    #expect(answer.fields.filter { $0.name == "cache-control" }.map(\.value) == ["no-store"])
                    #expect(answer["x-set"] == "1")
                }
                try eventually("three lines") { try logged(rig).count == 3 }
                let lines = try logged(rig)
                #expect(lines.map { $0["status"] as? Int ?? 0 }.sorted() == [400, 408, 431])
                #expect(lines.allSatisfy { $0["client"] as? String == "127.0.0.1" })
            }
        }

        @Test("a share of the requests is logged, all are counted")
        func sampled() async throws {
            var plan = Plan()
            plan.accessShare = Percent(10)
            plan.routes = [Plan.respond("/", "ok")]
            try await live(plan) { rig in
                let wire = try rig.connect()
                let total = 4000
                let sender = Sender(
                    wire, Array(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: total).utf8))
                for _ in 0..<total { _ = try wire.answer() }
                try sender.finish()
                wire.close()
                let edge = rig.edge
                waiting { await edge.stop(drain: .seconds(1)) }
                let count = try logged(rig).count
                // Ten standard deviations of a fair draw are 190.
                #expect((210...590).contains(count), "\(count) of \(total)")
            }
        }

        @Test(
            "what the client says of itself is believed from trusted proxies only; the file's fields are on each answer"
        )
        func headers() async throws {
            for isTrusted in [true, false] {
                var plan = Plan()
                if isTrusted {
                    plan.trusted = [Network(bytes: [127, 0, 0, 1], prefixLength: 32, description: "127.0.0.1")]
                }
                plan.headers = HeaderRules(set: [.init(name: "X-Set", value: "1")], remove: ["X-Secret"])
                plan.routes = [Plan.respond("/local", "l"), Plan.route()]
                try await live(plan) { rig in
                    let upstream = try Upstream { head, _ in
                        reply(head, fields: "X-Secret: s\r\nX-Set: theirs\r\nKeep-Alive: timeout=5\r\n")
                    }
                    defer { upstream.close() }
                    rig.admit(upstream)
                    let answer = try rig.get(
                        "/",
                        fields: "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nForwarded: for=9.9.9.9\r\n")
                    #expect(answer["x-secret"] == nil && answer["keep-alive"] == nil)
                    #expect(answer.fields.filter { $0.name == "x-set" }.map(\.value) == ["1"])
                    #expect(answer.text.contains("X-Forwarded-For: 9.9.9.9, 127.0.0.1\r\n") == isTrusted)
                    #expect(answer.text.contains("X-Forwarded-Proto: https") == isTrusted)
                    #expect(
                        answer.text.contains("Forwarded: for=9.9.9.9;host=\"a\";proto=https, for=127.0.0.1\r\n")
                            == isTrusted)
                    #expect(try rig.get("/local")["x-set"] == "1")
                }
            }
        }
    }
}
