import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftReactor

@Suite("How connections end", .timeLimit(.minutes(3)))
struct EndingTests {
    private static let patience: UInt64 = 5_000_000_000

    @Test("a client that ended its half still gets its answer")
    func halfClose() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onInputEnded = { owner in
                owner.write("you said \(owner.record.text)")
                owner.transport.endOutput()
            }
        }
        let answer = try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("hello")
            client.finishSending()
            return String(decoding: try client.readToEnd(), as: UTF8.self)
        }
        #expect(answer == "you said hello")
        try await station.record.wait(for: "closed: closed")
        await station.handle.stop()
    }

    @Test("our half ends after what is queued, and bytes still come in")
    func endOutput() async throws {
        let station = try Station()
        let size = 3 << 20
        let port = try await station.listen { owner in
            owner.onConnected = { owner in
                // Less than the limit at once, more than the socket takes.
                owner.write([UInt8](repeating: 7, count: 900 << 10))
                owner.transport.endOutput()
                owner.write("never sent")
            }
        }
        try await onThread {
            let client = try RawConnection(to: .port(port), receiveBuffer: 8 << 10)
            #expect(try client.readToEnd().count == 900 << 10)
            try client.send([UInt8](repeating: 1, count: size))
            client.finishSending()
        }
        try await station.record.wait(for: "closed: closed")
        #expect(station.record.bytes.count == size)
        await station.handle.stop()
    }

    @Test("a graceful end loses no byte to a client that is still sending")
    func graceful() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                owner.write([UInt8](repeating: 9, count: 500_000))
                owner.transport.closeGracefully(patience: Self.patience)
                return bytes.count
            }
        }
        let got = try await onThread {
            let client = try RawConnection(to: .port(port), receiveBuffer: 16 << 10)
            // All of this is unread when the answer is given: closing at once would reset.
            try client.send([UInt8](repeating: 1, count: 200_000))
            let got = try client.readToEnd().count
            client.finishSending()
            return got
        }
        #expect(got == 500_000)
        try await station.record.wait(for: "closed: closed")
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }

    @Test("a client that never ends its side is not waited for without limit")
    func lingerEnds() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onConnected = { owner in
                owner.write("bye")
                owner.transport.closeGracefully(patience: Self.patience)
            }
        }
        let client = try await onThread {
            let client = try RawConnection(to: .port(port))
            #expect(try client.readToEnd() == Array("bye".utf8))
            return Box(client)
        }
        try await station.record.wait(for: "closed: closed")
        _ = client
        await station.handle.stop()
    }

    @Test("a client that takes nothing of its answer is reset once patience is over")
    func impatient() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onConnected = { owner in
                while owner.transport.isWritable { owner.write([UInt8](repeating: 9, count: 30_000)) }
                owner.transport.closeGracefully(patience: 200_000_000)
            }
        }
        let client = try await onThread { Box(try RawConnection(to: .port(port), receiveBuffer: 4 << 10)) }
        try await station.record.wait(for: "closed: failed(\(ETIMEDOUT))")
        _ = client
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }

    @Test("a reset is one to the client, even with an answer under way")
    func resets() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                owner.write("half an ans")
                owner.transport.reset()
                return bytes.count
            }
        }
        try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("x")
            var byte: UInt8 = 0
            var code: Int32 = 0
            while true {
                let count = recv(client.descriptor, &byte, 1, 0)
                if count > 0 { continue }
                code = count == 0 ? 0 : errno
                break
            }
            #expect(code == ECONNRESET)
        }
        try await station.record.wait(for: "closed: closed")
        await station.handle.stop()
    }

    @Test("a peer's reset ends the connection with its reason")
    func peerResets() async throws {
        let station = try Station()
        let port = try await station.listen { _ in }
        try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("x")
            reset(client)
        }
        try await eventually("an end") { station.record.events.contains { $0.hasPrefix("closed") } }
        #expect(station.record.events.last == "closed: failed(\(ECONNRESET))")
        await station.handle.stop()
    }

    @Test("calls on a connection that was closed do nothing, and its owner hears of the end once")
    func afterwards() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                let transport = owner.transport
                transport.close()
                transport.close()
                transport.reset()
                owner.write("x")
                transport.setReading(false)
                transport.setReading(true)
                transport.redeliver()
                transport.endOutput()
                transport.setDeadline(0)
                transport.closeGracefully(patience: 1)
                #expect(!transport.relay(to: transport, count: 1 << 20))
                #expect(transport.isClosed && !transport.isQuiet && transport.takenByPeer == 0)
                return bytes.count
            }
        }
        try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("x")
            #expect(try client.readToEnd().isEmpty)
        }
        try await station.expectOnlyListeners()
        #expect(station.record.events.filter { $0.hasPrefix("closed") } == ["closed: closed"])
        await station.handle.stop()
    }

    @Test("a deadline is told once, moved as often as its owner likes")
    func deadlines() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onConnected = { owner in
                let now = owner.transport.loop.now
                owner.transport.setDeadline(now + 60_000_000_000)
                owner.transport.setDeadline(now + 1)
            }
            owner.onDeadline = { $0.transport.close() }
        }
        try await onThread {
            let client = try RawConnection(to: .port(port))
            #expect(try client.readToEnd().isEmpty)
        }
        try await station.record.wait(for: "closed: closed")
        #expect(station.record.events == ["accepted", "connected", "deadlinePassed", "closed: closed"])
        await station.handle.stop()
    }

    @Test("stopping the loop ends all connections and tells their owners")
    func stopping() async throws {
        let station = try Station()
        let port = try await station.listen { _ in }
        let clients = try await onThread { Box(try (0..<20).map { _ in try RawConnection(to: .port(port)) }) }
        try await eventually("20 connections") { station.record.events.filter { $0 == "connected" }.count == 20 }
        await station.handle.stop()
        #expect(station.record.events.filter { $0 == "closed: stopping" }.count == 20)
        let left = try await onThread { try clients.value.map { try $0.readToEnd().count } }
        #expect(left == Array(repeating: 0, count: 20))
    }

    @Test("a connection that changes hands tells its new owner only, and frees the former one")
    func hands() async throws {
        let station = try Station()
        let second = Record()
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                owner.transport.hand(to: ScriptedOwner(owner.transport, second))
                return 0
            }
        }
        try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("hello")
            try client.send(" there")
            client.finishSending()
            _ = client
        }
        try await second.wait(for: "closed: closed")
        #expect(second.text == "hello there")
        #expect(station.record.events == ["accepted", "connected"])
        await station.handle.stop()
    }
}
