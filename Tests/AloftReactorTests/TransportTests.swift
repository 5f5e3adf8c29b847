import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftReactor

@Suite("Plain transports", .timeLimit(.minutes(3)))
struct TransportTests {
    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    }

    @Test("bytes come back as they were sent, and nothing is left afterwards")
    func echo() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                owner.write(bytes)
                return bytes.count
            }
            owner.onInputEnded = { $0.transport.endOutput() }
        }
        let sent = Self.pattern(300_000)
        let got = try await onThread {
            let client = try RawConnection(to: .port(port))
            for start in stride(from: 0, to: sent.count, by: 50_000) {
                try client.send(Array(sent[start..<start + 50_000]))
                #expect(try client.read(50_000) == Array(sent[start..<start + 50_000]))
            }
            client.finishSending()
            return try client.readToEnd()
        }
        #expect(got.isEmpty)
        try await station.record.wait(for: "closed: closed")
        try await station.expectOnlyListeners()
        let metrics = try await station.metrics()
        #expect(metrics.bytesIn == 300_000 && metrics.bytesOut == 300_000)
        #expect(metrics.connections == 0 && metrics.queuedBytes == 0 && metrics.accepted == 1)
        await station.handle.stop()
    }

    @Test("what is not used comes again in front of what follows, and an idle connection owns no memory")
    func leftovers() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                // Whole lines only.
                guard let end = bytes.lastIndex(of: 0x0A) else { return 0 }
                owner.record.add(Array(bytes[...end]))
                return end + 1
            }
        }
        let client = try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("one\ntw")
            return Box(client)
        }
        try await eventually("the first line") { station.record.text == "one\n" }
        try await eventually("the rest to be held") { try await station.usage().memoryUsed > 0 }
        try await onThread { try client.value.send("o\n") }
        try await eventually("the second line") { station.record.text == "one\ntwo\n" }
        #expect(try await station.usage().memoryUsed == 0)
        await station.handle.stop()
    }

    @Test("reading stops at 64 KiB unused and goes on after what is held was used")
    func holdLimit() async throws {
        let station = try Station()
        let owners = OwnerBox()
        let port = try await station.listen { owner in
            owner.onReceived = { _, _ in 0 }
            owners.owner = owner
        }
        let sent = Self.pattern(600_000)
        async let sending: Void = onThread {
            let client = try RawConnection(to: .port(port))
            try client.send(sent)
            client.finishSending()
            _ = try client.readToEnd()
        }
        try await eventually("64 KiB to be held") {
            try await station.handle.run { _ in owners.owner?.transport.heldBytes ?? 0 } >= 64 << 10
        }
        let held = try await station.handle.run { _ in owners.owner?.transport.heldBytes ?? 0 }
        #expect(held < (64 << 10) + Loop.inputSize)
        try await station.handle.run { _ in
            owners.owner?.onReceived = { owner, bytes in
                owner.record.add(bytes)
                return bytes.count
            }
            owners.owner?.onInputEnded = { $0.transport.close() }
            owners.owner?.transport.redeliver()
        }
        try await station.record.wait(for: "inputEnded")
        try await sending
        #expect(station.record.bytes == sent)
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }

    @Test("an owner that reads nothing holds its peer back")
    func paused() async throws {
        let station = try Station()
        let owners = OwnerBox()
        let port = try await station.listen { owner in
            owner.transport.setReading(false)
            owners.owner = owner
        }
        let client = try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("hello")
            return Box(client)
        }
        try await station.record.wait(for: "connected")
        // Work submitted later runs after whatever the kernel had told by then.
        for _ in 0..<20 { _ = try await station.handle.run { $0.now } }
        #expect(station.record.bytes.isEmpty)
        try await station.handle.run { _ in owners.owner?.transport.setReading(true) }
        try await eventually("the bytes") { station.record.text == "hello" }
        _ = client
        await station.handle.stop()
    }

    @Test("a reset is noticed while nothing is read")
    func resetWhilePaused() async throws {
        let station = try Station()
        let port = try await station.listen { $0.transport.setReading(false) }
        try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("hello")
            reset(client)
        }
        try await station.record.wait(for: "peerGone")
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }

    @Test("a slow reader makes its writer stop at the high mark and start again at the low one")
    func backPressure() async throws {
        let station = try Station()
        let chunk = Self.pattern(16 << 10)
        let port = try await station.listen { owner in
            owner.onConnected = { Self.fill($0, chunk) }
            owner.onWritable = { Self.fill($0, chunk) }
        }
        let total = 4 << 20
        try await onThread {
            let client = try RawConnection(to: .port(port), receiveBuffer: 8 << 10)
            var got = 0
            while got < total {
                let piece = try client.read(16 << 10)
                #expect(piece == chunk)
                got += piece.count
            }
        }
        try await station.record.wait(for: "becameWritable")
        let most = station.record.events.compactMap { $0.hasPrefix("queued ") ? Int($0.dropFirst(7)) : nil }.max() ?? 0
        #expect(most > 0 && most <= Transport.highMark + chunk.count)
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }

    private static func fill(_ owner: ScriptedOwner, _ chunk: [UInt8]) {
        while owner.transport.isWritable, owner.transport.isOpen { owner.write(chunk) }
        owner.record.add("queued \(owner.transport.queuedBytes)")
    }

    @Test("an owner that ignores the marks is cut off at the limit, and nobody else is")
    func overflow() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                for _ in 0..<2000 { owner.write([UInt8](repeating: 1, count: 16 << 10)) }
                return bytes.count
            }
        }
        try await onThread {
            let client = try RawConnection(to: .port(port), receiveBuffer: 8 << 10)
            try client.send("x")
            #expect(try client.readToEnd().count < 32 << 20)
        }
        try await station.record.wait(for: "closed: failed(\(ENOBUFS))")
        #expect(try await station.metrics().overflows == 1)
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }

    @Test("head and body leave together and in order, also when the socket takes only a part")
    func headAndBody() async throws {
        let station = try Station()
        let body = Self.pattern(700_000)
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                let head = Array("head\n".utf8)
                head.withUnsafeBytes { head in body.withUnsafeBytes { owner.transport.write(head, $0) } }
                return bytes.count
            }
        }
        let got = try await onThread {
            let client = try RawConnection(to: .port(port), receiveBuffer: 8 << 10)
            try client.send("x")
            return try client.read(5 + body.count)
        }
        #expect(got == Array("head\n".utf8) + body)
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }
}

/// Carries something into work of the loop; the test alone knows that only one side touches it at a time.
// SAFETY: what is in it is used on one thread at a time: the test waits for one before the next begins.
final class Box<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

// SAFETY: written and read on the loop only.
final class OwnerBox: @unchecked Sendable {
    var owner: ScriptedOwner?
}

/// Ends a connection with RST.
func reset(_ client: RawConnection) {
    var value = linger(l_onoff: 1, l_linger: 0)
    setsockopt(client.descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
}
