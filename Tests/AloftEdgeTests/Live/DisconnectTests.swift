import AloftModel
import Foundation
import Synchronization
import Testing

@testable import AloftEdge

extension Live {
    @Suite("clients that leave")
    struct DisconnectTests {
        @Test("a client that resets in the middle of anything leaves nothing behind")
        func resets() async throws {
            try await live { rig in
                let upstream = try Upstream { wire in
                    while let head = try wire.read(through: "\r\n\r\n") {
                        if head.contains("/silent") { return try wire.waitForEnd() }
                        if head.contains("/stream") {
                            try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                            while true { try wire.send("400\r\n" + String(repeating: "x", count: 1024) + "\r\n") }
                        }
                        _ = try wire.body(of: head)
                        try wire.send(reply("ok"))
                    }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let starts = [
                    "G", "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n", "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
                    "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
                    "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "",
                    "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                    "GET /silent HTTP/1.1\r\nHost: a\r\n\r\nGET /silent HTTP/1.1\r\nHost: a\r\n\r\n",
                ]
                for start in starts {
                    let wires = try (0..<5).map { _ in try rig.connect() }
                    for wire in wires { try wire.send(start) }
                    if start.contains("/silent") || start.hasSuffix("ab") || start.hasSuffix("abc") {
                        try eventually("at the replica") { rig.statistics().activeRequests == 5 }
                    }
                    if start.contains("/stream") { for wire in wires { _ = try wire.read(5000) } }
                    for wire in wires { wire.reset() }
                    try eventually("nothing is left of \(start.prefix(20))") { rig.isQuiet() }
                }
                try eventually("no connection to the replica is busy") {
                    let now = rig.statistics()
                    return upstream.open == now.backends[0].idleConnections
                }
                let statistics = rig.statistics()
                #expect(
                    statistics.series.filter { $0.errorType == "client_closed" }.map(\.duration.count).reduce(0, +)
                        >= 25)
                #expect(statistics.backends[0].failures == 0)
            }
        }

        /// A replica that answers nothing and notes how each of its connections ended.
        private static func silent(_ arrived: @escaping @Sendable (String) -> Void = { _ in }) throws -> Upstream {
            try Upstream { wire in
                while let head = try wire.read(through: "\r\n\r\n") {
                    arrived(head)
                    if head.contains("/quick") {
                        try wire.send(reply("quick"))
                        continue
                    }
                    if head.contains("/begins") {
                        try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
                    }
                    return try wire.waitForEnd()
                }
            }
        }

        private static var abort: Plan {
            var plan = Plan()
            plan.accessShare = Percent(100)
            plan.listeners = [false, true].map { ListenerSpec(address: Address(host: "127.0.0.1", port: 0), tls: $0) }
            plan.certificates = [TestCertificates.first]
            return plan
        }

        @Test(
            "a client that ends its side while the application works has gone: told to the application, logged as 499",
            arguments: [
                "GET /work HTTP/1.1\r\nHost: a\r\n\r\n", "GET /work HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "GET /work HTTP/1.0\r\nHost: a\r\n\r\n",
                "POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
                "GET /work HTTP/1.1\r\nHost: a\r\n\r\nGET /work HTTP/1.1\r\nHost: a\r\n\r\n",
            ], [false, true])
        func gone(request: String, isTLS: Bool) async throws {
            try await live(Self.abort) { rig in
                let works = Mutex(false)
                let upstream = try Self.silent { _ in works.withLock { $0 = true } }
                defer { upstream.close() }
                rig.admit(upstream, release: 3)
                if isTLS {
                    let wire = try SecureWire(port: rig.ports[1], name: "a.example")
                    wire.send(request)
                    try eventually("the application works") { works.withLock { $0 } }
                    wire.finishSending()
                    try wire.waitForEnd()
                    #expect(wire.count == 0)
                } else {
                    let wire = try rig.connect()
                    try wire.send(request)
                    try eventually("the application works") { works.withLock { $0 } }
                    wire.finishSending()
                    #expect(try wire.readToEnd() == ([], .orderly))
                }
                try eventually("the application's connection is closed") { upstream.open == 0 }
                try eventually("it is logged") { rig.log.contains("client_closed") }
                #expect(rig.log.contains("\"status\":499") && rig.log.components(separatedBy: "\n").count == 2)
                let now = rig.statistics()
                #expect(now.series.map(\.status) == [499] && now.series.map(\.errorType) == ["client_closed"])
                #expect(now.backends[0].failures == 0)
                #expect(now.releases.allSatisfy { $0.requests == 0 && $0.failures == 0 }, "judged as neither")
            }
        }

        @Test("a client that closes in the middle of its answer ends the application's work too")
        func goneDuringAnswer() async throws {
            try await live(Self.abort) { rig in
                let upstream = try Self.silent()
                defer { upstream.close() }
                rig.admit(upstream)
                for version in ["1.1", "1.0"] {
                    let wire = try rig.connect()
                    try wire.send("GET /begins HTTP/\(version)\r\nHost: a\r\n\r\n")
                    _ = try wire.read(through: "abc")
                    wire.finishSending()
                    // What is cut looks cut: an HTTP/1.0 answer ends with its connection, so that one is reset.
                    #expect(try wire.readToEnd().end == (version == "1.0" ? .reset : .orderly))
                    try eventually("the application's connection is closed") { upstream.open == 0 }
                }
                try eventually("both are logged") { rig.log.components(separatedBy: "client_closed").count == 3 }
                #expect(!rig.log.contains("499"))
            }
        }

        @Test("a client that has its answer and ends its side is no client that left")
        func goneAfterAnswer() async throws {
            try await live(Self.abort) { rig in
                let upstream = try Self.silent()
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try wire.answer().text == "quick")
                wire.finishSending()
                #expect(try wire.readToEnd() == ([], .orderly))
                #expect(rig.statistics().series.map(\.errorType) == [""])
                #expect(upstream.open == 1, "the application's connection is kept")
            }
        }

        private static var answering: Plan {
            var plan = Plan()
            plan.halfClose = .answer
            return plan
        }

        @Test("with `halfClose: answer` a client that has sent all it will send still gets its answer")
        func halfClosed() async throws {
            try await live(Self.answering) { rig in
                let upstream = try Upstream { wire in
                    while let head = try wire.read(through: "\r\n\r\n") {
                        let body = try wire.body(of: head)
                        usleep(100_000)
                        try wire.send(reply(String(repeating: "y", count: 1_000_000 + body.count)))
                    }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                for request in [
                    "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
                ] {
                    let wire = try rig.connect(receiveBuffer: 64 << 10)
                    try wire.send(request)
                    wire.finishSending()
                    #expect(try wire.answer().body.count >= 1_000_000)
                    #expect(try wire.readToEnd() == ([], .orderly))
                }
            }
        }

        @Test("with `halfClose: answer` a half-close while the answer is still being taken loses none of it")
        func halfCloseDuringAnswer() async throws {
            var plan = Self.answering
            let size = 8 << 20
            plan.routes = [Plan.respond("/local", String(repeating: "z", count: size)), Plan.route()]
            try await live(plan, loops: [1]) { rig in
                let upstream = try Upstream { _, _ in reply(String(repeating: "y", count: size)) }
                defer { upstream.close() }
                rig.admit(upstream)
                for path in ["/local", "/far"] {
                    for field in ["", "Connection: close\r\n"] {
                        let wire = try rig.connect(receiveBuffer: 64 << 10)
                        try wire.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\(field)\r\n")
                        #expect(wire.hasInput(within: 20_000))
                        usleep(100_000)
                        wire.finishSending()
                        usleep(100_000)
                        #expect(try wire.answer().body.count == size)
                        #expect(try wire.readToEnd() == ([], .orderly))
                    }
                }
            }
        }

        @Test("a body that its client breaks off is not a request: the replica sees it broken")
        func brokenBody() async throws {
            try await live { rig in
                let arrived = Mutex(0)
                let upstream = try Upstream { wire in
                    guard let head = try wire.read(through: "\r\n\r\n") else { return }
                    arrived.withLock { $0 += 1 }
                    do { _ = try wire.body(of: head) } catch { return }
                    wire.cut()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                for (count, framing) in [
                    "Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                ]
                .enumerated() {
                    let wire = try rig.connect()
                    try wire.send("POST / HTTP/1.1\r\nHost: a\r\n" + framing)
                    try eventually("it is at the replica") { arrived.withLock { $0 } == count + 1 }
                    wire.finishSending()
                    #expect(try wire.readToEnd().bytes.isEmpty)
                    try eventually("the replica's connection is closed") { upstream.open == 0 }
                }
            }
        }

        @Test("a dial that is refused after its client has gone does no harm")
        func goneDuringDial() async throws {
            try await live { rig in
                let dead = try Upstream { _ in }
                dead.refuse()
                for index in 1...3 { rig.admit(dead, index) }
                for _ in 0..<200 {
                    let wire = try rig.connect()
                    try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    wire.reset()
                }
                try eventually("nothing is left") { rig.isQuiet() }
            }
        }
    }
}
