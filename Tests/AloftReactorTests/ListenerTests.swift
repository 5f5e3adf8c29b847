import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftReactor

@Suite("Listening and dialling", .timeLimit(.minutes(3)))
struct ListenerTests {
    private static let timeout: UInt64 = 10_000_000_000

    private static func folder() throws -> String {
        let path = NSTemporaryDirectory() + "aloft-reactor-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test("loops share one address, and each serves what the kernel gives it")
    func reusePort() async throws {
        let stations = try [Station(), Station()]
        let sockets = try ListeningSockets.open(.loopback(0), loops: 2)
        for (station, socket) in zip(stations, sockets.sockets) {
            try await station.listen(on: socket) { owner in
                owner.onReceived = { owner, bytes in
                    owner.write(bytes)
                    return bytes.count
                }
            }
        }
        let port = try #require(sockets.address.port)
        try await onThread {
            for _ in 0..<64 {
                let client = try RawConnection(to: .port(port))
                try client.send("ping")
                #expect(try client.read(4) == Array("ping".utf8))
            }
        }
        let counts = stations.map { station in station.record.events.filter { $0 == "accepted" }.count }
        #expect(counts.reduce(0, +) == 64)
        #expect(counts.allSatisfy { $0 > 0 }, "\(counts)")
        for station in stations {
            try await station.expectOnlyListeners()
            await station.handle.stop()
        }
    }

    @Test("an address that somebody listens on is refused with what to do, though SO_REUSEPORT would share it")
    func taken() throws {
        let first = try ListeningSockets.open(.loopback(0), loops: 1)
        let refusal = #expect(throws: ReactorError.self) { try ListeningSockets.open(first.address, loops: 1) }
        #expect(refusal?.code == .addressInUse)
        #expect(refusal?.description.contains("\(first.address) is taken") == true)
        let second = try ListeningSockets.open(first.address, loops: 2, sharesAddress: true)
        #expect(second.address == first.address)
    }

    @Test("an address this machine lacks, a path without a folder and a file that is no socket are refused")
    func refused() throws {
        let nowhere = try #require(SocketAddress(host: "192.0.2.77", port: 0))
        #expect(throws: ReactorError.self) { try ListeningSockets.open(nowhere, loops: 1) }
        #expect(throws: ReactorError.self) { try ListeningSockets.open(.unix("/nowhere/at/all.sock"), loops: 1) }
        let file = try Descriptor(opening: "/dev/null", O_RDONLY)
        #expect(throws: ReactorError.self) { try ListeningSockets.adopt(file.number, loops: 1) }
    }

    @Test("IPv6 is served and dialled")
    func ipv6() async throws {
        let station = try Station()
        guard let any = SocketAddress(host: "::1", port: 0),
            let sockets = try? ListeningSockets.open(any, loops: 1)
        else { return }
        try await Self.dialEcho(station, sockets)
    }

    @Test("a Unix socket is served and dialled, also by a path longer than an address holds", arguments: [10, 140])
    func unix(length: Int) async throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/\(String(repeating: "s", count: max(1, length - folder.utf8.count)))"
        try await Self.dialEcho(try Station(), try ListeningSockets.open(.unix(path), loops: 1))
    }

    /// Dials what listens on the same loop, sends a megabyte and gets it back.
    private static func dialEcho(_ station: Station, _ sockets: ListeningSockets) async throws {
        try await station.listen(on: sockets.sockets[0]) { owner in
            owner.onReceived = { owner, bytes in
                owner.write(bytes)
                return bytes.count
            }
        }
        let record = Record()
        let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        try await station.handle.run { loop in
            _ = loop.dial(sockets.address, timeout: timeout) { transport in
                let owner = ScriptedOwner(transport, record)
                // Queued until the connection stands.
                owner.write(sent)
                owner.onReceived = { owner, bytes in
                    record.add(bytes)
                    if record.bytes.count == sent.count { owner.transport.endOutput() }
                    return bytes.count
                }
                return owner
            }
        }
        try await record.wait(for: "closed: closed")
        #expect(record.bytes == sent)
        #expect(record.events.first == "connected")
        try await station.expectOnlyListeners()
        #expect(try await station.metrics().dialled == 1)
        await station.handle.stop()
    }

    @Test("a refused dial is told with its errno, later and once, whatever the reason")
    func refusedDial() async throws {
        let station = try Station()
        let closed = try ListeningSockets.open(.loopback(0), loops: 1).address
        let cases: [(SocketAddress, Int32)] = [
            (closed, ECONNREFUSED), (.unix("/nowhere/at/all.sock"), ENOENT),
            (.unix(String(repeating: "/nowhere", count: 20)), ENOENT),
        ]
        for (address, code) in cases {
            let record = Record()
            try await station.handle.run { loop in
                _ = loop.dial(address, timeout: Self.timeout) { transport in
                    let owner = ScriptedOwner(transport, record)
                    owner.write("never sent")
                    return owner
                }
                record.add("returned")
            }
            try await record.wait(for: "closed: refused(\(code))")
            #expect(record.events == ["returned", "closed: refused(\(code))"])
        }
        try await station.expectOnlyListeners(0)
        await station.handle.stop()
    }

    @Test("a dial that nobody answers is given up at its limit")
    func dialTimesOut() async throws {
        let station = try Station()
        // A queue of one connection that nobody accepts: the kernel drops the SYNs of others.
        let full = try onePlace()
        let address = try SocketAddress.bound(to: full)
        let fillers = try await onThread { Box(try (0..<2).map { _ in try Self.halfOpen(address) }) }
        let record = Record()
        try await station.handle.run { loop in
            _ = loop.dial(address, timeout: 200_000_000) { ScriptedOwner($0, record) }
        }
        try await record.wait(for: "closed: refused(\(ETIMEDOUT))")
        _ = fillers
        try await station.expectOnlyListeners(0)
        await station.handle.stop()
    }

    private func onePlace() throws -> Descriptor {
        let socket = Descriptor(owning: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        #expect(SocketAddress.loopback(0).bind(socket) == 0 && listen(socket.number, 0) == 0)
        return socket
    }

    /// Fills the queue without waiting.
    private static func halfOpen(_ address: SocketAddress) throws -> Descriptor {
        let socket = Descriptor(
            owning: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0))
        _ = address.connect(socket)
        return socket
    }

    @Test("an inherited socket is taken over, and several loops may share it")
    func adopted() async throws {
        let inherited = try onePlace()
        #expect(listen(inherited.number, 64) == 0)
        let sockets = try ListeningSockets.adopt(dup(inherited.number), loops: 2)
        let stations = try [Station(), Station()]
        for (station, socket) in zip(stations, sockets.sockets) {
            try await station.listen(on: socket) { owner in
                owner.onReceived = { owner, bytes in
                    owner.write(bytes)
                    return bytes.count
                }
            }
        }
        let port = try #require(sockets.address.port)
        try await onThread {
            for _ in 0..<30 {
                let client = try RawConnection(to: .port(port))
                try client.send("ping")
                #expect(try client.read(4) == Array("ping".utf8))
            }
        }
        let accepted = stations.map { station in station.record.events.filter { $0 == "accepted" }.count }
        #expect(accepted.reduce(0, +) == 30)
        for station in stations { await station.handle.stop() }
    }

    @Test("a closed listener accepts nothing more, and its connections stay")
    func stopsAccepting() async throws {
        let station = try Station()
        let sockets = try ListeningSockets.open(.loopback(0), loops: 1)
        let port = try #require(sockets.address.port)
        let record = station.record
        // Whoever holds the socket beside the listener, nothing is accepted through it.
        let listener = try await station.handle.run { loop in
            Box(
                loop.listen(
                    on: sockets.sockets[0],
                    for: ScriptedAcceptor(record) { owner in
                        owner.onReceived = { owner, bytes in
                            owner.write(bytes)
                            return bytes.count
                        }
                    }))
        }
        let client = try await onThread { Box(try RawConnection(to: .port(port))) }
        try await record.wait(for: "connected")
        try await station.handle.run { _ in listener.value.close() }
        try await onThread {
            try client.value.send("ping")
            #expect(try client.value.read(4) == Array("ping".utf8))
            // It gets into the kernel's queue and no further.
            _ = try RawConnection(to: .port(port))
        }
        #expect(record.events.filter { $0 == "accepted" }.count == 1)
        #expect(try await station.usage().slots == 1)
        await station.handle.stop()
    }
}
