import AloftSystem
import AloftTestKit
import Synchronization
import Testing

@testable import AloftReactor

/// What owners were told, in order, for tests to wait for.
final class Record: Sendable {
    private let state = Mutex<(events: [String], bytes: [UInt8])>(([], []))

    func add(_ event: String) { state.withLock { $0.events.append(event) } }
    func add(_ bytes: [UInt8]) { state.withLock { $0.bytes += bytes } }

    var events: [String] { state.withLock { $0.events } }
    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    func wait(for event: String) async throws {
        try await eventually("the owner to hear \(event); it heard \(events)") { events.contains(event) }
    }
}

/// An owner that writes down what it hears, and does what a test says.
final class ScriptedOwner: StreamOwner {
    let transport: Transport
    let record: Record
    var onConnected: (ScriptedOwner) -> Void = { _ in }
    /// Returns how many bytes it uses.
    var onReceived: (ScriptedOwner, [UInt8]) -> Int = { owner, bytes in
        owner.record.add(bytes)
        return bytes.count
    }
    var onInputEnded: (ScriptedOwner) -> Void = { $0.transport.endOutput() }
    var onWritable: (ScriptedOwner) -> Void = { _ in }
    var onRelayed: (ScriptedOwner) -> Void = { _ in }
    var onDeadline: (ScriptedOwner) -> Void = { _ in }
    var onGone: (ScriptedOwner) -> Void = { $0.transport.close() }

    init(_ transport: Transport, _ record: Record) {
        self.transport = transport
        self.record = record
    }

    override func connected() {
        record.add("connected")
        onConnected(self)
    }
    override func received(_ bytes: RawSpan) -> Int {
        onReceived(self, bytes.withUnsafeBytes { Array($0) })
    }
    override func inputEnded() {
        record.add("inputEnded")
        onInputEnded(self)
    }
    override func becameWritable() {
        record.add("becameWritable")
        onWritable(self)
    }
    override func peerGone() {
        record.add("peerGone")
        onGone(self)
    }
    override func relayed() {
        record.add("relayed")
        onRelayed(self)
    }
    override func deadlinePassed() {
        record.add("deadlinePassed")
        onDeadline(self)
    }
    override func closed(_ ending: Ending) { record.add("closed: \(ending)") }

    func write(_ text: String) { write(Array(text.utf8)) }
    func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { transport.write($0) } }
}

/// Gives each accepted connection a scripted owner.
final class ScriptedAcceptor: Acceptor {
    let record: Record
    private let script: (ScriptedOwner) -> Void

    init(_ record: Record, _ script: @escaping (ScriptedOwner) -> Void) {
        self.record = record
        self.script = script
    }

    func accepted(_ transport: Transport, from peer: SocketAddress) -> StreamOwner? {
        record.add("accepted")
        let owner = ScriptedOwner(transport, record)
        script(owner)
        return owner
    }

    func shortage(_ error: SystemError) { record.add("shortage") }
}

/// One loop for a test.
struct Station {
    let handle: LoopHandle
    let record = Record()

    init() throws { handle = try LoopHandle.start(name: "test") }

    /// Listens on a port of its own; each connection's owner is prepared by `script`.
    func listen(_ script: @escaping @Sendable (ScriptedOwner) -> Void) async throws -> Int {
        let sockets = try ListeningSockets.open(.loopback(0), loops: 1)
        try await listen(on: sockets.sockets[0], script)
        return try #require(sockets.address.port)
    }

    func listen(on socket: Descriptor, _ script: @escaping @Sendable (ScriptedOwner) -> Void = { _ in }) async throws {
        let record = self.record
        try await handle.run { loop in
            _ = loop.listen(on: socket, for: ScriptedAcceptor(record, script))
        }
    }

    func usage() async throws -> LoopUsage { try await handle.run { $0.usage } }
    func metrics() async throws -> LoopMetrics { try await handle.run { $0.takeMetrics() } }

    /// Nothing is left of any connection.
    func expectOnlyListeners(_ count: Int = 1) async throws {
        try await eventually("only \(count) listeners to be left") {
            let usage = try await usage()
            return usage.slots == count && usage.memoryUsed == 0
        }
    }
}
