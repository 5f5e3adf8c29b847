import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftReactor

@Suite("Bodies of files and of other connections", .timeLimit(.minutes(3)))
struct BulkTests {
    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
    }

    private func file(_ bytes: [UInt8]) throws -> Descriptor {
        let path = NSTemporaryDirectory() + "aloft-reactor-\(UUID().uuidString)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { unlink(path) }
        return try Descriptor(opening: path, O_RDONLY)
    }

    @Test(
        "a part of a file is sent between the bytes before and after it, to a slow reader too",
        arguments: [Int32(0), 8 << 10])
    func file(receiveBuffer: Int32) async throws {
        let station = try Station()
        let content = Self.pattern(3_000_000)
        let file = try file(content)
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                owner.write("head\n")
                owner.transport.sendFile(file, from: 1000, count: 2_500_000)
                #expect(!owner.transport.isWritable)
                owner.write("tail\n")
                return bytes.count
            }
            owner.onWritable = { $0.transport.endOutput() }
        }
        let got = try await onThread {
            let client = try RawConnection(to: .port(port), receiveBuffer: receiveBuffer == 0 ? nil : receiveBuffer)
            try client.send("x")
            return try client.readToEnd()
        }
        #expect(got.count == 2_500_010)
        #expect(got == Array("head\n".utf8) + content[1000..<2_501_000] + Array("tail\n".utf8))
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }

    @Test("a file that is shorter than promised ends the connection, so that nothing looks whole")
    func shortFile() async throws {
        let station = try Station()
        let file = try file(Self.pattern(1000))
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                owner.transport.sendFile(file, from: 0, count: 2000)
                return bytes.count
            }
        }
        try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("x")
            #expect(try client.readToEnd().count <= 1000)
        }
        try await station.record.wait(for: "closed: failed(\(EIO))")
        await station.handle.stop()
    }

    /// A proxy that writes a head and splices the body, then echoes what else comes.
    private static func proxy(_ client: ScriptedOwner, to port: Int, length: Int) {
        client.transport.loop.dial(.loopback(port), timeout: 10_000_000_000) { transport in
            let upstream = ScriptedOwner(transport, client.record)
            upstream.onReceived = { upstream, bytes in
                client.write("head\n")
                // Some of the body has come with the first read; what is left unused belongs to it.
                #expect(upstream.transport.relay(to: client.transport, count: length))
                return 0
            }
            upstream.onRelayed = { upstream in
                client.write("tail\n")
                client.transport.endOutput()
                upstream.transport.close()
            }
            upstream.onInputEnded = { upstream in
                client.record.add("short")
                client.transport.reset()
                upstream.transport.close()
            }
            client.onGone = { client in
                client.transport.close()
                upstream.transport.close()
            }
            return upstream
        }
    }

    @Test(
        "a body goes from one connection to the other whole, between head and tail",
        arguments: [16 << 10, 100_000, 5_000_000],
        [nil, 8 << 10] as [Int32?])
    func relay(length: Int, receiveBuffer: Int32?) async throws {
        let station = try Station()
        let body = Self.pattern(length)
        let upstream = try await station.listen { owner in
            owner.onConnected = { Self.stream($0, body, 0) }
        }
        let port = try await station.listen { Self.proxy($0, to: upstream, length: length) }
        let got = try await onThread {
            let client = try RawConnection(to: .port(port), receiveBuffer: receiveBuffer)
            return try client.readToEnd()
        }
        #expect(got.count == body.count + 10)
        #expect(got == Array("head\n".utf8) + body + Array("tail\n".utf8))
        try await station.expectOnlyListeners(2)
        await station.handle.stop()
    }

    /// Sends all of it, as fast as it is taken.
    private static func stream(_ owner: ScriptedOwner, _ bytes: [UInt8], _ start: Int) {
        var start = start
        while start < bytes.count, owner.transport.isWritable {
            let end = min(bytes.count, start + 50_000)
            owner.write(Array(bytes[start..<end]))
            start = end
        }
        let next = start
        owner.onWritable = { stream($0, bytes, next) }
    }

    @Test("a body that ends early is told, and a reader that leaves stops its writer")
    func relayBroken() async throws {
        let station = try Station()
        let short = try await station.listen { owner in
            owner.onConnected = { owner in
                owner.write(Self.pattern(50_000))
                owner.transport.endOutput()
            }
        }
        let endless = try await station.listen { owner in
            owner.onConnected = { Self.flood($0) }
            owner.onWritable = { Self.flood($0) }
        }
        let toShort = try await station.listen { Self.proxy($0, to: short, length: 100_000) }
        let toEndless = try await station.listen { Self.proxy($0, to: endless, length: 1 << 40) }
        try await onThread {
            let client = try RawConnection(to: .port(toShort))
            #expect(try client.readToEnd().count < 100_005)
            let leaving = try RawConnection(to: .port(toEndless))
            #expect(try leaving.read(1 << 20).count == 1 << 20)
            reset(leaving)
        }
        try await station.record.wait(for: "short")
        try await station.expectOnlyListeners(4)
        await station.handle.stop()
    }

    private static func flood(_ owner: ScriptedOwner) {
        while owner.transport.isWritable, owner.transport.isOpen { owner.write(pattern(30_000)) }
    }

    @Test("a connection that always has something to read gets no more than its budget in a turn")
    func fairness() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                owner.record.add("turn \(owner.transport.loop.metrics.wakeups)")
                return bytes.count
            }
        }
        try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send([UInt8](repeating: 0, count: 16 << 20))
            client.finishSending()
            _ = try client.readToEnd()
        }
        try await station.expectOnlyListeners()
        let turns = station.record.events.filter { $0.hasPrefix("turn ") }
        let most = Dictionary(grouping: turns, by: \.self).values.map(\.count).max() ?? 0
        // Once for its event, once for its place in the ready list.
        #expect(most >= 1 && most <= 2 * Loop.budget)
        await station.handle.stop()
    }

    @Test("without descriptors accepting pauses, tells its owner, and goes on when there are some again")
    func shortage() async throws {
        let station = try Station()
        let port = try await station.listen { owner in
            owner.onReceived = { owner, bytes in
                owner.write(bytes)
                return bytes.count
            }
        }
        // The loop's thread gets a table of descriptors of its own (unshare(2)), so that only it runs out of them.
        let filled = try await station.handle.run { _ in Box(Self.takeAllDescriptors()) }
        let client = try await onThread {
            let client = try RawConnection(to: .port(port))
            try client.send("ping")
            return Box(client)
        }
        try await station.record.wait(for: "shortage")
        try await station.handle.run { _ in for number in filled.value { close(number) } }
        #expect(try await onThread { try client.value.read(4) } == Array("ping".utf8))
        #expect(try await station.metrics().shortages >= 1)
        await station.handle.stop()
    }

    private static func takeAllDescriptors() -> [Int32] {
        typealias Unshare = @convention(c) (Int32) -> Int32
        guard let symbol = dlsym(nil, "unshare"), unsafeBitCast(symbol, to: Unshare.self)(0x400) == 0 else { return [] }
        var numbers: [Int32] = []
        while true {
            let number = dup(0)
            if number < 0 { return numbers }
            numbers.append(number)
        }
    }
}
