import AloftModel
import Foundation
import Testing

@testable import AloftEdge

extension Live {
    @Suite("requests that wait for a replica")
    struct HoldTests {
        private func plan(_ pending: Int = 1000, wait: Duration = .seconds(15)) -> Plan {
            var plan = Plan()
            plan.described = [EdgeService(name: "web", hold: .init(maxPending: pending, maxWait: wait))]
            return plan
        }

        private func held(_ rig: Rig) -> EdgeStatistics.HeldRequests {
            rig.statistics().holds.first { $0.service == "web" } ?? EdgeStatistics.HeldRequests(service: "web")
        }

        @Test("five hundred clients wait, one replica is admitted, and each gets its answer")
        func fiveHundred() async throws {
            try await live(plan()) { rig in
                let upstream = try Upstream { head, body in reply("\(head.prefix { $0 != "H" }) \(body.count)") }
                defer { upstream.close() }
                let wires = try (0..<500).map { _ in try rig.connect() }
                for (number, wire) in wires.enumerated() {
                    let body = String(repeating: "b", count: number % 50)
                    try wire.send(
                        "PUT /\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n\(body)")
                }
                try eventually("all wait") { held(rig).waiting == 500 }
                #expect(rig.wanted.first == "web" && upstream.accepted == 0)
                rig.admit(upstream)
                for (number, wire) in wires.enumerated() {
                    let answer = try wire.answer()
                    #expect(answer.status == 200 && answer.text == "PUT /\(number)  \(number % 50)")
                    wire.close()
                }
                let now = held(rig)
                #expect(now.waiting == 0 && now.held == 500 && now.heldExpired == 0 && now.holdsRefused == 0)
            }
        }

        @Test("they go on in order of arrival, and pipelined ones wait behind theirs")
        func order() async throws {
            try await live(plan(), loops: [1]) { rig in
                let upstream = try Upstream { wire in
                    while let head = try wire.read(through: "\r\n\r\n") {
                        try wire.send(reply(String(head.split(separator: " ")[1])))
                    }
                }
                defer { upstream.close() }
                let wires = try (0..<40).map { _ in try rig.connect() }
                for (number, wire) in wires.enumerated() {
                    try wire.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\nGET /again HTTP/1.1\r\nHost: a\r\n\r\n")
                    try eventually("it waits") { held(rig).waiting == number + 1 }
                }
                rig.admit(upstream)
                for (number, wire) in wires.enumerated() {
                    #expect(try wire.answer().text == "/\(number)")
                    #expect(try wire.answer().text == "/again")
                    wire.close()
                }
                #expect(held(rig).held == 40)
            }
        }

        @Test("past the limit and past the time the answer is 503 with Retry-After; the connection goes on")
        func limits() async throws {
            try await live(plan(3, wait: .milliseconds(300))) { rig in
                let wires = try (0..<3).map { _ in try rig.connect() }
                for wire in wires { try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
                try eventually("three wait") { held(rig).held == 3 }
                let more = try rig.get("/")
                #expect(more.status == 503 && more["retry-after"] != nil)
                for wire in wires {
                    let answer = try wire.answer()
                    #expect(answer.status == 503 && answer["retry-after"] != nil)
                    try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(try wire.answer().status == 503)
                    wire.close()
                }
                let now = held(rig)
                #expect(now.heldExpired >= 3 && now.holdsRefused >= 1 && now.waiting == 0)
                #expect(rig.statistics().heldExpired == now.heldExpired)
            }
        }

        @Test("a client that goes away frees its place")
        func disconnect() async throws {
            try await live(plan(5)) { rig in
                for round in 1...4 {
                    let wires = try (0..<5).map { _ in try rig.connect() }
                    for wire in wires { try wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab") }
                    try eventually("five wait") { held(rig).waiting == 5 && held(rig).held == 5 * UInt64(round) }
                    for wire in wires { wire.close() }
                    try eventually("none waits") { held(rig).waiting == 0 }
                }
                #expect(held(rig).holdsRefused == 0)
                #expect(rig.statistics().series.allSatisfy { $0.errorType == "client_closed" })
            }
        }

        @Test("a large body stays with its client until a replica has come")
        func backPressure() async throws {
            try await live(plan()) { rig in
                let size = 8 << 20
                let wire = try rig.connect()
                try wire.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
                try eventually("it waits") { held(rig).waiting == 1 }
                let sender = Sender(wire, Array(repeating: 120, count: size))
                let upstream = try Upstream { _, body in reply("\(body.count)") }
                defer { upstream.close() }
                rig.admit(upstream)
                #expect(try wire.answer().text == "\(size)")
                try sender.finish()
                wire.close()
            }
        }

        @Test("after a start all services wait a little, and a stop keeps nobody waiting")
        func firstWait() async throws {
            var plan = Plan()
            plan.firstWait = .seconds(10)
            try await live(plan) { rig in
                let wire = try rig.connect()
                try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                try eventually("it waits") { held(rig).waiting == 1 }
                let upstream = try Upstream { _, _ in reply("up") }
                defer { upstream.close() }
                let id = rig.admit(upstream)
                #expect(try wire.answer().text == "up" && rig.wanted.isEmpty)
                rig.edge.eject(id)
                // Every loop has heard of it.
                _ = rig.statistics()
                try wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                try eventually("it waits again") { held(rig).waiting == 1 }
                let edge = rig.edge
                waiting { await edge.stop(drain: .seconds(5)) }
                #expect(try wire.answer().status == 503)
                wire.close()
            }
        }
    }
}
