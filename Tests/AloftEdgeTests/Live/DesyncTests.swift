import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("every answer belongs to its request")
    struct DesyncTests {
        @Test("a head that arrives in pieces is not mixed with another connection's")
        func heads() async throws {
            try await live { rig in
                let upstream = try Upstream { head, _ in
                    let line = head.components(separatedBy: "\r\n")[0]
                    let own = head.components(separatedBy: "\r\n").filter { $0.hasPrefix("X-Own") }.joined(
                        separator: ",")
                    return reply("\(line)|\(own)")
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let slow = try (0..<8).map { _ in try rig.connect() }
                for (number, wire) in slow.enumerated() {
                    try wire.send("GET /slow-\(number) HTTP/1.1\r\nHost: a\r\nX-Own-A: \(number)\r\nX-Ow")
                    #expect(!wire.hasInput(within: 5))
                    #expect(
                        try rig.get("/quick", fields: "X-Own: q\r\nX-Other: 1\r\n").text
                            == "GET /quick HTTP/1.1|X-Own: q")
                }
                for (number, wire) in slow.enumerated().reversed() {
                    try wire.send("n-B: \(number)\r\n\r\n")
                    let answer = try wire.answer()
                    #expect(answer.text == "GET /slow-\(number) HTTP/1.1|X-Own-A: \(number),X-Own-B: \(number)")
                }
            }
        }

        @Test("an answer's head that arrives in pieces is not mixed with another replica connection's")
        func answerHeads() async throws {
            try await live { rig in
                let upstream = try Upstream { wire in
                    while let head = try wire.read(through: "\r\n\r\n") {
                        let name = head.split(separator: " ")[1].dropFirst()
                        guard name.hasPrefix("slow") else {
                            try wire.send(reply("quick", fields: "X-Name: quick\r\nX-More: 1\r\n"))
                            continue
                        }
                        try wire.send("HTTP/1.1 203 Slow\r\nX-Name: \(name)\r\nX-Na")
                        _ = try wire.read(through: "go")
                        try wire.send("me-Two: \(name)\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)")
                    }
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let slow = try (0..<6).map { number in
                    let wire = try rig.connect()
                    try wire.send("POST /slow\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
                    return wire
                }
                try eventually("all are at the replica") { upstream.accepted == 6 }
                for _ in 0..<4 { #expect(try rig.get("/quick")["x-name"] == "quick") }
                for (number, wire) in slow.enumerated() {
                    try wire.send("go")
                    let answer = try wire.answer()
                    #expect(answer.status == 203 && answer.text == "slow\(number)")
                    #expect(answer["x-name"] == "slow\(number)" && answer["x-name-two"] == "slow\(number)")
                    #expect(answer["x-more"] == nil)
                }
            }
        }

        @Test("a head that began before a reload is routed by the new plan")
        func headAcrossReload() async throws {
            var many = Plan()
            many.routes = (0..<5).map { Plan.respond("/\($0)", "old") } + [Plan.route(.prefix("/up/"), service: "b")]
            many.services = ["a", "b"]
            try await live(many) { [many] rig in
                let upstream = try Upstream { _, _ in reply("b") }
                defer { upstream.close() }
                rig.admit(upstream, service: "b")
                let wires = try (0..<3).map { _ in try rig.connect() }
                for wire in wires {
                    try wire.send("GET /up/ HTTP/1.1\r\nHost:")
                    #expect(!wire.hasInput(within: 5))
                }
                var one = many
                one.routes = [Plan.route(service: "b")]
                one.services = ["b"]
                _ = try rig.apply(one)
                for wire in wires {
                    try wire.send(" a\r\n\r\n")
                    #expect(try wire.answer().text == "b")
                }
            }
        }

        @Test("a chunked request that waited for its first chunk across a reload reaches the service it was routed to")
        func heldAcrossReload() async throws {
            var two = Plan()
            two.routes = [Plan.route(service: "b")]
            two.services = ["a", "b"]
            try await live(two) { [two] rig in
                let upstream = try Upstream { _, body in reply("b" + String(decoding: body, as: UTF8.self)) }
                defer { upstream.close() }
                rig.admit(upstream, service: "b")
                let wire = try rig.connect()
                try wire.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                #expect(!wire.hasInput(within: 20))
                var one = two
                one.services = ["b"]
                _ = try rig.apply(one)
                try wire.send("1\r\nx\r\n0\r\n\r\n")
                #expect(try wire.answer().text == "bx")
            }
        }

        @Test("a chunked request that waited while its service left the plan gets 503")
        func serviceGone() async throws {
            try await live { rig in
                let upstream = try Upstream { _, _ in reply("up") }
                defer { upstream.close() }
                let replica = rig.admit(upstream)
                let wires = try (0..<5).map { _ in try rig.connect() }
                for wire in wires {
                    try wire.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                    #expect(!wire.hasInput(within: 10))
                }
                rig.edge.eject(replica)
                var plan = Plan()
                plan.services = ["other"]
                plan.routes = [Plan.respond("/", "other")]
                for _ in 0..<3 { _ = try rig.apply(plan) }
                for wire in wires {
                    try wire.send("1\r\nx\r\n0\r\n\r\n")
                    // 200 where the head itself came after the reload.
                    #expect(try [503, 200].contains(wire.answer().status))
                    try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(try wire.answer().text == "other")
                }
            }
        }
    }
}
