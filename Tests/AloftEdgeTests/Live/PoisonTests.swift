import AloftModel
import Foundation
import Synchronization
import Testing

@testable import AloftEdge

/// A whole answer for a visitor who asked for something else.
private let forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nFORGED"

/// What an application does wrong: an answer, and bytes that it sends beyond its end.
struct Surplus: Sendable, CustomStringConvertible {
    let description: String
    var method = "GET"
    let answer: String
    /// The bytes beyond it begin with `FORGED`'s answer, so that a reader who takes them for the next one is fooled.
    var beyond = forged

    /// Those whose head already tells that bytes may follow.
    static let told = [
        Surplus(
            description: "HEAD answered like GET", method: "HEAD",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: \(forged.utf8.count)\r\n\r\n"),
        Surplus(
            description: "HEAD answered with chunks", method: "HEAD",
            answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Surplus(description: "HEAD answered without a length", method: "HEAD", answer: "HTTP/1.1 200 OK\r\n\r\n"),
        Surplus(
            description: "304 with a body",
            answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: \(forged.utf8.count)\r\n\r\n"),
        Surplus(
            description: "304 with chunks", answer: "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Surplus(
            description: "204 with a body",
            answer: "HTTP/1.1 204 No Content\r\nContent-Length: \(forged.utf8.count)\r\n\r\n"),
        Surplus(
            description: "103 with a body", answer: "HTTP/1.1 103 Early Hints\r\nContent-Length: 50\r\n\r\n" + forged),
    ]

    /// Those whose head gives no sign.
    static let untold = [
        Surplus(description: "a length too short", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        Surplus(
            description: "bytes behind the last chunk",
            answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        Surplus(description: "204 with a body that nothing announces", answer: "HTTP/1.1 204 No Content\r\n\r\n"),
        Surplus(
            description: "HEAD with a body that its length denies", method: "HEAD",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        Surplus(
            description: "an interim answer behind the final one",
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            beyond: "HTTP/1.1 103 Early Hints\r\n\r\n" + forged),
    ]

    /// Answers `/x` wrong, with the bytes beyond it `delay` microseconds later, and everything else with its own path.
    func upstream(delay: UInt32? = nil) throws -> Upstream {
        try Upstream { wire in
            while let head = try wire.read(through: "\r\n\r\n") {
                let path = String(head.split(separator: " ")[1])
                guard path == "/x" else {
                    try wire.send(reply(path))
                    continue
                }
                if let delay {
                    try wire.send(answer)
                    usleep(delay)
                    try wire.send(beyond)
                } else {
                    try wire.send(answer + beyond)
                }
            }
        }
    }

    /// Asks for the wrong answer, takes it and looks at nothing but the connection's being in order.
    func attack(_ wire: Wire) throws {
        try wire.send("\(method) /x HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try wire.answer(head: method == "HEAD")
    }
}

extension Live {
    @Suite("no answer reaches the wrong visitor")
    struct PoisonTests {
        /// Visitors and attackers at once, through one replica; what visitors saw that was not theirs.
        private func poisoned(_ rig: Rig, _ surplus: Surplus, rounds: Int) throws -> [String] {
            let wrong = Mutex<[String]>([])
            let done = DispatchSemaphore(value: 0)
            let threads = 6
            for number in 0..<threads {
                let thread = Thread {
                    defer { done.signal() }
                    do {
                        var wire = try rig.connect()
                        for round in 0..<rounds {
                            if number < 2 {
                                do { try surplus.attack(wire) } catch { wire = try rig.connect() }
                                continue
                            }
                            let path = "/\(number)-\(round)"
                            try wire.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                            let answer = try wire.answer()
                            if answer.text != path { wrong.withLock { $0.append("\(answer.status) \(answer.text)") } }
                        }
                    } catch { wrong.withLock { $0.append("\(error)") } }
                }
                thread.stackSize = 512 << 10
                thread.start()
            }
            for _ in 0..<threads { done.wait() }
            return wrong.withLock { $0 }
        }

        @Test(
            "when an application sends a body where there is none, at once or late", arguments: Surplus.told,
            [nil, 1000, 50_000] as [UInt32?])
        func told(surplus: Surplus, delay: UInt32?) async throws {
            try await live(loops: [2]) { rig in
                let upstream = try surplus.upstream(delay: delay)
                defer { upstream.close() }
                rig.admit(upstream)
                let wrong = try self.poisoned(rig, surplus, rounds: delay == 50_000 ? 12 : 60)
                #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(3))")
            }
        }

        @Test("when an application sends bytes beyond an answer in the same breath", arguments: Surplus.untold)
        func untold(surplus: Surplus) async throws {
            try await live { rig in
                let upstream = try surplus.upstream()
                defer { upstream.close() }
                rig.admit(upstream)
                let wrong = try self.poisoned(rig, surplus, rounds: 60)
                #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(3))")
            }
        }

        @Test("bytes that arrived in the turn in which the connection is chosen close it", arguments: Surplus.untold)
        func sameTurn(surplus: Surplus) async throws {
            try await live(loops: [1]) { rig in
                let wires = Mutex<[Wire]>([])
                let upstream = try Upstream { wire in
                    wires.withLock { $0.append(wire) }
                    while let head = try wire.read(through: "\r\n\r\n") {
                        let path = String(head.split(separator: " ")[1])
                        try wire.send(path == "/x" ? surplus.answer : reply(path))
                    }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try surplus.attack(wire)
                let visitor = try rig.connect()
                try visitor.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try visitor.answer().text == "/first")
                #expect(upstream.accepted == 1)
                try rig.withLoopStopped {
                    // The request first, so that its connection is chosen before the loop hears of the bytes.
                    try visitor.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
                    try wires.withLock { try $0[0].send(surplus.beyond) }
                }
                #expect(try visitor.answer().text == "/second")
                #expect(upstream.accepted == 2)
            }
        }

        @Test("a connection that the replica closed in the turn in which it is chosen is not used, a POST is answered")
        func closedInTheTurn() async throws {
            try await live(loops: [1]) { rig in
                let upstream = try Upstream { _, _ in reply("ok") }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                for round in 1...3 {
                    #expect(try rig.get("/").text == "ok")
                    try rig.withLoopStopped {
                        try wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
                        upstream.cutConnections()
                    }
                    #expect(try wire.answer().text == "ok", "round \(round)")
                }
            }
        }

        @Test("a replica that has sent bytes beyond an answer gets a connection for each request, and the log says so")
        func distrusted() async throws {
            try await live(loops: [1]) { rig in
                let surplus = Surplus.untold[0]
                let upstream = try surplus.upstream()
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                func ask(_ path: String) throws {
                    try wire.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(try wire.answer().text == path)
                }
                for number in 0..<3 { try ask("/\(number)") }
                #expect(upstream.accepted == 1 && rig.warnings.isEmpty)
                try surplus.attack(wire)
                for number in 0..<3 { try ask("/\(number)") }
                try surplus.attack(wire)
                #expect(upstream.accepted == 5)
                #expect(rig.warnings.count == 1 && rig.warnings[0].contains("beyond the end of an answer"))
                #expect(rig.warnings[0].contains("replica=web"))
            }
        }

        @Test("a replica's farewell to a connection that was idle for long is no sign of distrust")
        func farewell() async throws {
            try await live(loops: [1]) { rig in
                let upstream = try Upstream { wire in
                    while let head = try wire.read(through: "\r\n\r\n") {
                        try wire.send(reply("ok"))
                        guard head.contains("/last") else { continue }
                        usleep(1_200_000)
                        try wire.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
                        return
                    }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                #expect(try rig.get("/last").text == "ok")
                try eventually("the connection is closed") { rig.statistics().backends[0].idleConnections == 0 }
                for _ in 0..<3 { #expect(try rig.get("/").text == "ok") }
                #expect(upstream.accepted == 2 && rig.warnings.isEmpty)
            }
        }
    }
}
