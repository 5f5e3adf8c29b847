import AloftModel
import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("limits")
    struct LimitTests {
        @Test("one connection more than the limit is closed at once, and its place is free again later")
        func connections() async throws {
            var plan = Plan()
            plan.limits.connections = 5
            plan.routes = [Plan.respond("/", "ok")]
            try await live(plan) { rig in
                for round in 1...3 {
                    let wires = try (0..<5).map { _ in try rig.connect() }
                    for wire in wires {
                        try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                        #expect(try wire.answer().status == 200)
                    }
                    let extra = try rig.connect()
                    #expect(try extra.readToEnd().bytes.isEmpty)
                    let now = rig.statistics()
                    #expect(now.refusedConnections == UInt64(round) && now.openConnections == 5)
                    for wire in wires { wire.close() }
                    try eventually("all have left") { rig.isQuiet() }
                }
                #expect(rig.statistics().acceptedConnections == 15)
            }
        }

        @Test("the limit per address is not held against a trusted proxy", arguments: [true, false])
        func perAddress(isTrusted: Bool) async throws {
            var plan = Plan()
            plan.limits.connectionsPerAddress = 2
            if isTrusted {
                plan.trusted = [Network(bytes: [127, 0, 0, 0], prefixLength: 8, description: "127.0.0.0/8")]
            }
            plan.routes = [Plan.respond("/", "ok")]
            try await live(plan) { rig in
                let wires = try (0..<4).map { _ in try rig.connect() }
                var answered = 0
                for wire in wires {
                    do {
                        try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                        if try wire.answer().status == 200 { answered += 1 }
                    } catch is WireError { continue }
                }
                #expect(answered == (isTrusted ? 4 : 2))
                for wire in wires { wire.close() }
            }
        }

        @Test(
            "what is ambiguous or too large gets its status, the connection ends, and no replica hears of it",
            arguments: [
                ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400), ("GET / HTTP/1.1\nHost: a\n\n", 400),
                ("GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 400),
                ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
                ("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400),
                ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400),
                ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
                ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505), ("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417),
                ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
                ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 17_000))\r\n\r\n", 431),
                ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: 1\r\n", count: 101))\r\n", 431),
                ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", 413),
            ])
        func refused(request: String, status: Int) async throws {
            try await live { rig in
                let upstream = try Upstream { _, _ in reply("reached") }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try wire.answer()
                #expect(answer.status == status && answer["connection"] == "close")
                #expect(try wire.readToEnd().bytes.isEmpty)
                #expect(upstream.accepted == 0)
            }
        }

        @Test("a chunked body is stopped at the limit, whoever waits for it")
        func chunkedBody() async throws {
            var plan = Plan()
            plan.limits.body = .kibibytes(100)
            try await live(plan) { rig in
                let upstream = try Upstream { wire in
                    if let head = try wire.read(through: "\r\n\r\n") { _ = try wire.body(of: head) }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                let chunk = "8000\r\n" + String(repeating: "x", count: 0x8000) + "\r\n"
                try wire.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<20 { try wire.send(chunk) }
                #expect(try wire.answer().status == 413)
                try eventually("the replica has no busy connection") {
                    upstream.open == rig.statistics().backends[0].idleConnections
                }
            }
        }
    }
}
