import AloftModel
import Foundation
import Testing

@testable import AloftEdge

private let asks = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
private let agrees = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n"

/// Agrees to the upgrade with `early` behind it in the same write, then runs `then`.
private func tunnelling(
    unix path: String? = nil, early: String = "", _ then: @escaping @Sendable (Wire) throws -> Void
) throws -> Upstream {
    try Upstream(unix: path) { wire in
        while let head = try wire.read(through: "\r\n\r\n") {
            guard head.contains("Upgrade: websocket"), head.contains("Connection: upgrade") else {
                try wire.send(reply("plain"))
                continue
            }
            try wire.send(agrees + early)
            return try then(wire)
        }
    }
}

extension Live {
    @Suite("tunnels")
    struct TunnelTests {
        private func echo(_ wire: Wire) throws {
            while let line = try wire.read(through: "\n") { try wire.send(line) }
        }

        @Test("bytes sent early reach the other side behind the upgrade", arguments: [nil, "socket"])
        func early(name: String?) async throws {
            try await live { rig in
                let path = name.map { NSTemporaryDirectory() + "/aloft-\(UInt32.random(in: 0 ... .max))-\($0)" }
                let upstream = try tunnelling(unix: path, early: "hello\n", echo)
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send(asks + "one\ntwo\n")
                let answer = try wire.answer()
                #expect(answer.status == 101 && answer["upgrade"] == "websocket" && answer["x-a"] == "1")
                for line in ["hello\n", "one\n", "two\n"] { #expect(try wire.read(through: "\n") == line) }
                #expect(rig.statistics().openTunnels == 1)
                wire.finishSending()
                #expect(try wire.readToEnd() == ([], .orderly))
                try eventually("the tunnel is gone") { rig.isQuiet() }
                let statistics = rig.statistics()
                #expect(statistics.series.map(\.errorType) == [""])
                #expect(statistics.backends[0].failures == 0)
            }
        }

        @Test("an upgrade that is refused is an ordinary exchange, and what stood behind it the next request")
        func refused() async throws {
            try await live { rig in
                let upstream = try Upstream { head, _ in reply(String(head.split(separator: " ")[1])) }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send(asks + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try wire.answer().text == "/ws")
                #expect(try wire.answer().text == "/next")
            }
        }

        @Test("each side may end its half first, and the other's last bytes arrive")
        func halves() async throws {
            try await live { rig in
                let size = 4 << 20
                let block = [UInt8](repeating: 122, count: size)
                let upstream = try tunnelling { wire in
                    let first = try wire.read(1)
                    if first == [65] {
                        // The replica ends first, and then takes what comes.
                        try wire.send(block)
                        wire.finishSending()
                        _ = try wire.read(size)
                        return
                    }
                    // The client ends first.
                    let (bytes, end) = try wire.readToEnd()
                    guard bytes.count == size, end == .orderly else { return wire.reset() }
                    try wire.send(block)
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect(receiveBuffer: 64 << 10)
                try wire.send(asks + "A")
                _ = try wire.answer()
                usleep(200_000)
                let (bytes, end) = try wire.readToEnd()
                #expect(bytes.count == size && end == .orderly)
                try wire.send(block)
                wire.finishSending()
                try eventually("the first tunnel ends") { rig.isQuiet() && upstream.open == 0 }
                let other = try rig.connect(receiveBuffer: 64 << 10)
                try other.send(asks + "B")
                _ = try other.answer()
                try other.send(block)
                other.finishSending()
                usleep(200_000)
                let back = try other.readToEnd()
                #expect(back.bytes.count == size && back.end == .orderly)
                try eventually("the second tunnel ends") { rig.isQuiet() && upstream.open == 0 }
                #expect(rig.statistics().backends[0].failures == 0)
                #expect(rig.statistics().series.map(\.errorType) == [""])
            }
        }

        @Test("a client that resets takes its replica's connection along, and the other way round")
        func resets() async throws {
            try await live { rig in
                let upstream = try tunnelling { wire in
                    if try wire.read(1) == [65] { return wire.reset() }
                    try wire.waitForEnd()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send(asks + "A")
                _ = try wire.answer()
                _ = try wire.readToEnd()
                let other = try rig.connect()
                try other.send(asks + "B")
                _ = try other.answer()
                other.reset()
                try eventually("nothing is left") { rig.isQuiet() && upstream.open == 0 }
            }
        }

        @Test("a silent tunnel ends after the idle time, one that speaks does not")
        func idle() async throws {
            var plan = Plan()
            plan.timeouts.idle = .seconds(2)
            try await live(plan) { rig in
                let upstream = try tunnelling(echo)
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send(asks)
                _ = try wire.answer()
                for _ in 0..<10 {
                    usleep(300_000)
                    try wire.send("ping\n")
                    #expect(try wire.read(through: "\n") == "ping\n")
                }
                #expect(try wire.readToEnd() == ([], .orderly))
                try eventually("the replica's connection is closed") { upstream.open == 0 }
            }
        }

        @Test("a tunnel holds back the faster side")
        func backPressure() async throws {
            try await live { rig in
                let size = 24 << 20
                let upstream = try tunnelling { wire in
                    let block = [UInt8](repeating: 122, count: size)
                    try wire.send(block)
                    wire.finishSending()
                    try wire.waitForEnd()
                }
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect(receiveBuffer: 64 << 10)
                try wire.send(asks)
                _ = try wire.answer()
                usleep(500_000)
                #expect(rig.statistics().openTunnels == 1)
                #expect(try wire.readToEnd().bytes.count == size)
            }
        }

        @Test("ten thousand messages pass while the plan is replaced again and again")
        func reloads() async throws {
            try await live { rig in
                let upstream = try tunnelling(echo)
                defer { upstream.close() }
                rig.admit(upstream)
                let wire = try rig.connect()
                try wire.send(asks)
                _ = try wire.answer()
                var plan = Plan()
                for number in 0..<10_000 {
                    if number % 100 == 0 {
                        plan.services = number % 200 == 0 ? ["other"] : ["other", "web"]
                        plan.routes = number % 200 == 0 ? [Plan.respond("/", "\(number)")] : [Plan.route()]
                        _ = try rig.apply(plan)
                    }
                    try wire.send("message \(number)\n")
                    guard try wire.read(through: "\n") == "message \(number)\n" else {
                        Issue.record("message \(number) was lost")
                        break
                    }
                }
                wire.finishSending()
                try wire.waitForEnd()
            }
        }
    }
}
