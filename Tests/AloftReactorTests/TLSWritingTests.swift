import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftReactor

@Suite("Writing through TLS", .timeLimit(.minutes(5)), .enabled(if: Machine.has(program: "openssl"), "needs openssl"))
struct TLSWritingTests {
    /// Pieces of every size, some as head and body, a file's part among them, to a reader that is slower.
    private struct Script: Sendable {
        let pieces: [[UInt8]]
        let file: Descriptor
        let fileBytes: [UInt8]

        init(seed: UInt64, folder: String) throws {
            var random = SplitMix(seed: seed)
            pieces = (0..<400).map { index in
                // Small heads before larger bodies: what the socket does not take lies in more than one block then.
                let size = index.isMultiple(of: 2) ? 1...3000 : 1...13_000
                return (0..<Int.random(in: size, using: &random)).map {
                    UInt8(truncatingIfNeeded: $0 &* 3 &+ index)
                }
            }
            fileBytes = (0..<700_001).map { UInt8(truncatingIfNeeded: $0 &* 11 &+ $0 >> 8) }
            let path = "\(folder)/body-\(seed)"
            try Data(fileBytes).write(to: URL(fileURLWithPath: path))
            file = try Descriptor(opening: path, O_RDONLY)
            try Data(pieces.joined() + fileBytes + Array("end".utf8)).write(
                to: URL(fileURLWithPath: "\(folder)/all-\(seed)"))
        }

        /// Writes from piece `index` on, two at a time, while it may.
        func write(_ owner: ScriptedOwner, from index: Int) {
            var index = index
            while owner.transport.isWritable, index < pieces.count {
                if index + 1 < pieces.count {
                    pieces[index].withUnsafeBytes { head in
                        pieces[index + 1].withUnsafeBytes { owner.transport.write(head, $0) }
                    }
                } else {
                    owner.write(pieces[index])
                }
                index += 2
            }
            if index >= pieces.count {
                owner.onWritable = { _ in }
                owner.transport.sendFile(file, from: 0, count: fileBytes.count)
                owner.write("end")
                owner.transport.endOutput()
            } else {
                let next = index
                owner.onWritable = { write($0, from: next) }
            }
        }
    }

    @Test(
        "pieces of any size and files arrive in order, however little the socket takes at a time",
        arguments: [1, 2, 3] as [UInt64])
    func pieces(seed: UInt64) async throws {
        let certificates = try Certificates()
        defer { certificates.remove() }
        try await certificates.make("site")
        let script = try Script(seed: seed, folder: certificates.folder)
        let context = try TLSContext(
            [try certificates.certificate("site", names: [])], settings: TLSSettings(), tickets: try TicketKeys())
        let station = try Station()
        let sockets = try ListeningSockets.open(.loopback(0), loops: 1)
        let record = station.record
        // Connections inherit it: little is taken at a time.
        var room: Int32 = 8 << 10
        setsockopt(
            sockets.sockets[0].number, SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        try await station.handle.run { loop in
            _ = loop.listen(
                on: sockets.sockets[0],
                for: ScriptedAcceptor(record) { owner in
                    owner.onReceived = { owner, bytes in
                        script.write(owner, from: 0)
                        return bytes.count
                    }
                }, tls: context)
        }
        let port = try #require(sockets.address.port)
        for version in ["1.2", "1.3"] {
            let seen = try await TLSClient.run(
                port, "--version", version, "--pause", "--expect", certificates.path("all-\(seed)"), in: certificates)
            #expect(seen.count == 1 && seen[0].same == true, "seed \(seed): \(seen) \(record.events)")
        }
        try await station.expectOnlyListeners()
        await station.handle.stop()
    }
}
