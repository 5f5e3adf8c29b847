import AloftModel
import Foundation
import Synchronization
import Testing

@testable import AloftEdge

extension Live {
    @Suite("trying again")
    struct RetryTests {
        private static func plan(
            attempts: Int = 2, on: [RetrySpec.Condition] = [.connect], budget: Int = 100
        ) -> Plan {
            var plan = Plan()
            plan.routes = [Plan.route(attempts: attempts, on: on, budget: budget)]
            return plan
        }

        /// Answers one request, then closes at the next before it answers.
        private static func stale() throws -> Upstream {
            let isFresh = Mutex(true)
            return try Upstream { wire in
                var served = 0
                while let head = try wire.read(through: "\r\n\r\n") {
                    let body = try wire.body(of: head)
                    let first = isFresh.withLock { fresh in
                        defer { fresh = false }
                        return fresh
                    }
                    if served == 1, !first { return wire.reset() }
                    try wire.send(reply("\(body.count)"))
                    served += 1
                }
            }
        }

        @Test("a kept connection that the replica closes under a request costs a GET one more try, a POST a 502")
        func staleConnections() async throws {
            var plan = Self.plan(attempts: 0)
            plan.services = ["web"]
            try await live(plan, loops: [1]) { rig in
                let upstream = try Self.stale()
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                func ask(_ method: String, _ body: String = "") throws -> Int {
                    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
                    try wire.send("\(method) / HTTP/1.1\r\nHost: a\r\n\(length)\r\n\(body)")
                    return try wire.answer().status
                }
                #expect(try ask("GET") == 200)
                #expect(try ask("GET") == 200, "the second connection answers")
                #expect(upstream.accepted == 2)
                #expect(try ask("PUT", String(repeating: "x", count: 40_000)) == 200)
                #expect(upstream.accepted == 3)
                #expect(try ask("POST", "x") == 502)
                #expect(rig.statistics().retries == 0, "the budget is not touched")
            }
        }

        @Test("a connection closed while idle is not used", arguments: [nil, "socket"])
        func closedWhileIdle(name: String?) async throws {
            try await live(Self.plan(attempts: 0), loops: [1]) { rig in
                let path = name.map { NSTemporaryDirectory() + "/aloft-\(UInt32.random(in: 0 ... .max))-\($0)" }
                let upstream = try Upstream(unix: path) { _, _ in reply("ok") }
                defer { upstream.close() }
                rig.admit(upstream)
                for _ in 0..<5 {
                    #expect(try rig.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").status == 200)
                    upstream.cutConnections()
                    try eventually("the edge has noticed") { rig.statistics().backends[0].idleConnections == 0 }
                }
                #expect(upstream.accepted == 5)
            }
        }

        @Test("a refused dial goes to the next replica, a POST with its body too")
        func refused() async throws {
            try await live(Self.plan()) { rig in
                let dead = try Upstream { _ in }
                dead.refuse()
                let upstream = try Upstream { head, body in reply("\(head.prefix(4)) \(body.count)") }
                defer { upstream.close() }
                let dying = rig.admit(dead, 1)
                rig.admit(upstream, 2)
                let big = String(repeating: "b", count: 300_000)
                for _ in 0..<10 {
                    #expect(try rig.get("/").text == "GET  0")
                    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + big
                    #expect(try rig.ask(post).text == "POST 300000")
                }
                #expect(rig.unreachable.contains(dying))
                #expect(rig.statistics().retries >= 1)
            }
        }

        @Test("when every replica refuses it is 502, and when there is none 503 with Retry-After")
        func nobody() async throws {
            try await live(Self.plan()) { rig in
                let dead = try Upstream { _ in }
                dead.refuse()
                let none = try rig.get("/")
                #expect(none.status == 503 && none["retry-after"] == "1")
                let first = rig.admit(dead, 1)
                rig.admit(dead, 2)
                for _ in 0..<3 {
                    let answer = try rig.get("/", fields: "Accept: application/json\r\n")
                    #expect(answer.status == 502 && answer["content-type"] == "application/json")
                    #expect(try JSONSerialization.jsonObject(with: Data(answer.body)) is [String: Any])
                }
                rig.edge.eject(first)
            }
        }

        @Test("a replica that closes without an answer: GET is tried elsewhere, POST is 502")
        func closes() async throws {
            try await live(Self.plan()) { rig in
                let bad = try Upstream { wire in
                    if let head = try wire.read(through: "\r\n\r\n") { _ = try wire.body(of: head) }
                }
                let good = try Upstream { _, _ in reply("good") }
                defer {
                    bad.close()
                    good.close()
                }
                rig.admit(bad, 1)
                rig.admit(good, 2)
                var posts: [Int] = []
                for _ in 0..<6 {
                    #expect(try rig.get("/").text == "good")
                    posts.append(try rig.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").status)
                }
                #expect(Set(posts).isSubset(of: [200, 502]) && posts.contains(502))
            }
        }

        @Test("503 of one replica is not passed on while another may do better; its bodies come along")
        func statuses() async throws {
            try await live(Self.plan(on: [.connect, .status(503)])) { rig in
                let bad = try Upstream { _, _ in reply("busy", status: "503 Service Unavailable") }
                let good = try Upstream { _, body in reply("\(body.count)") }
                defer {
                    bad.close()
                    good.close()
                }
                rig.admit(bad, 1)
                rig.admit(good, 2)
                for size in [0, 1, 60_000, 65_000] {
                    for _ in 0..<2 {
                        let body = String(repeating: "x", count: size)
                        let put = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n\(body)"
                        #expect(try rig.ask(put).text == "\(size)")
                    }
                }
                var seen: Set<Int> = []
                for _ in 0..<4 {
                    seen.insert(try rig.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").status)
                }
                #expect(seen == [200, 503])
            }
        }

        @Test("with every replica answering 503 the last 503 is passed on, after so many tries")
        func attempts() async throws {
            try await live(Self.plan(attempts: 3, on: [.status(503)]), loops: [1]) { rig in
                let bad = try Upstream { wire in
                    while let head = try wire.read(through: "\r\n\r\n") {
                        _ = try wire.body(of: head)
                        try wire.send(reply("busy", status: "503 Busy"))
                    }
                }
                defer { bad.close() }
                rig.admit(bad, 1)
                let answer = try rig.get("/")
                #expect(answer.status == 503 && answer.text == "busy")
                #expect(rig.statistics().backends[0].requests == 4)
            }
        }

        @Test("the budget ends retries: a broken service gets few more than it was asked")
        func budget() async throws {
            try await live(Self.plan(attempts: 5, on: [.status(503)], budget: 0), loops: [1]) { rig in
                let bad = try Upstream { _, _ in reply("busy", status: "503 Service Unavailable") }
                defer { bad.close() }
                rig.admit(bad, 1)
                let begin = Date()
                for _ in 0..<100 { #expect(try rig.get("/").status == 503) }
                let seconds = Int(Date().timeIntervalSince(begin)) + 2
                let now = rig.statistics()
                #expect(now.retries <= UInt64(3 * seconds) && now.retriesRefused > 0)
                #expect(now.backends[0].requests == 100 + now.retries)
            }
        }
    }
}
