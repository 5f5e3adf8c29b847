import AloftModel
import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("time limits")
    struct TimeoutTests {
        private static var plan: Plan {
            var plan = Plan()
            plan.timeouts = EdgeTimeouts(
                requestHead: .seconds(1), idle: .seconds(3), request: .milliseconds(400),
                connect: .milliseconds(400))
            plan.routes = [Plan.respond("/local", "local"), Plan.route(attempts: 0, timeout: .milliseconds(400))]
            return plan
        }

        private func seconds(_ body: () throws -> Void) throws -> Double {
            let begin = Date()
            try body()
            return Date().timeIntervalSince(begin)
        }

        @Test("a replica that accepts and says nothing is 504, and its connection is closed")
        func silent() async throws {
            try await live(Self.plan) { rig in
                let upstream = try Upstream { wire in try wire.waitForEnd() }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                let took = try seconds {
                    try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(try wire.answer().status == 504)
                }
                #expect(took > 0.35 && took < 5)
                try eventually("the replica's connection is closed") { upstream.accepted == 1 && upstream.open == 0 }
                // The client's own connection goes on.
                try wire.send("GET /local HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try wire.answer().text == "local")
            }
        }

        @Test("a replica that stops within its answer: the answer is cut")
        func stalls() async throws {
            try await live(Self.plan) { rig in
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
                    try wire.waitForEnd()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                #expect(throws: WireError.self) { try rig.get("/") }
                try eventually("the replica's connection is closed") { upstream.open == 0 }
            }
        }

        @Test("a replica that answers slowly but steadily is not cut")
        func drips() async throws {
            try await live(Self.plan, loops: [1]) { rig in
                let upstream = try Upstream { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
                    for _ in 0..<10 {
                        usleep(100_000)
                        try wire.send("x")
                    }
                    try wire.waitForEnd()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                #expect(try rig.get("/").text == "xxxxxxxxxx")
            }
        }

        @Test("a head that drips is 408 in time, however often it drips")
        func headDrips() async throws {
            try await live(Self.plan) { rig in
                let wire = try rig.connect()
                let took = try seconds {
                    for byte in "GET /local HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaa".utf8 {
                        if wire.hasInput(within: 100) { break }
                        try wire.send([byte])
                    }
                    #expect(try wire.answer().status == 408)
                    try wire.waitForEnd()
                }
                #expect(took < 8)
                let silent = try rig.connect()
                #expect(try silent.readToEnd() == ([], .orderly))
            }
        }

        @Test("a body that stops is 408, with a length and in chunks, before and within its first chunk")
        func bodyStops() async throws {
            try await live(Self.plan) { rig in
                let upstream = try Upstream { wire in
                    if let head = try wire.read(through: "\r\n\r\n") { _ = try wire.body(of: head) }
                    try wire.waitForEnd()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                for start in [
                    "Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n",
                    "Transfer-Encoding: chunked\r\n\r\n5\r\nab", "Transfer-Encoding: chunked\r\n\r\n1",
                ] {
                    let wire = try rig.connect()
                    try wire.send("POST / HTTP/1.1\r\nHost: a\r\n" + start)
                    let answer = try wire.answer()
                    #expect(answer.status == 408 && answer["connection"] == "close")
                    try wire.waitForEnd()
                }
                try eventually("the replica's connections are closed") { upstream.open == 0 }
            }
        }

        @Test("a replica that does not take a body is 504, not the client's fault")
        func bodyNotTaken() async throws {
            try await live(Self.plan) { rig in
                let upstream = try Upstream(receiveBuffer: 4096) { wire in
                    _ = try wire.read(through: "\r\n\r\n")
                    sleep(3)
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n\r\n")
                let block = [UInt8](repeating: 120, count: 1 << 20)
                while !wire.hasInput(within: 0), try wire.sendSome(block[...], within: 50) >= 0 {}
                #expect(try wire.answer().status == 504)
            }
        }

        @Test("an idle connection is closed in order, also one whose last answer was early")
        func idle() async throws {
            try await live(Self.plan) { rig in
                let wire = try rig.connect()
                try wire.send("GET /local HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try wire.answer().text == "local")
                #expect(try wire.readToEnd() == ([], .orderly))
                let early = try rig.connect()
                try early.send("POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
                #expect(try early.answer().text == "local")
                try early.waitForEnd()
            }
        }

        @Test("a connect that hangs is the connect time limit's")
        func connectHangs() async throws {
            try await live(Self.plan, loops: [1]) { rig in
                // A listener whose queue is full answers no SYN.
                let full = try Wire.make(.port(0))
                defer { close(full) }
                #expect(Wire.withAddress(.port(0)) { bind(full, $0, $1) } == 0)
                #expect(listen(full, 0) == 0)
                var address = sockaddr_in()
                var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                withUnsafeMutablePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(full, $0, &size) }
                }
                let port = Int(UInt16(bigEndian: address.sin_port))
                let filler = try Wire(to: .port(port))
                rig.edge.admit(
                    Endpoint(replica: ReplicaID(service: "web", index: 1, generation: 1), address: .port(port)))
                var status = 0
                let took = try seconds { status = try rig.get("/").status }
                #expect(status == 502)
                #expect(took > 0.3 && took < 5)
                filler.close()
            }
        }
    }
}
