import AloftHTTP
import AloftModel
import NIOCore

/// A request of the edge's own, or a copy of a client's: an exchange whose client is nobody, so that the way to the
/// replica, its connections and its counters are those of every request and what comes back goes nowhere.
final class Aside {
    /// Copies under way on one loop.
    static let mirrorLimit = 64
    /// Probes under way on one loop.
    static let probeLimit = 16
    /// A copy whose answer goes on for longer is broken off; nanoseconds.
    static let mirrorTime: UInt64 = 30_000_000_000

    enum Kind { case mirror, probe }

    private let nobody: ClientConnection
    private let exchange: Exchange
    private(set) var isBusy = false
    private(set) var kind = Kind.mirror
    private var rotation: ServiceRotation?
    private var deadline: UInt64 = 0
    private var ended: ((_ status: Int, _ error: ErrorType) -> Void)?

    init(loop: EdgeLoop) {
        nobody = ClientConnection(
            loop: loop, peer: PeerAddress(bytes: [127, 0, 0, 1]), peerText: Array("127.0.0.1".utf8),
            role: ListenerRole(isTLS: false, redirectsToHTTPS: false))
        exchange = Exchange(loop: loop, client: nobody)
        exchange.aside = self
    }

    func begin(
        _ kind: Kind, deadline: UInt64, _ request: Exchange.Request, _ outgoing: ByteBuffer,
        _ ended: ((_ status: Int, _ error: ErrorType) -> Void)? = nil
    ) {
        isBusy = true
        self.kind = kind
        rotation = request.rotation
        rotation?.asides += 1
        self.deadline = deadline
        self.ended = ended
        nobody.phase = .head
        exchange.begin(request, outgoing: outgoing, bodyBytes: 0, isComplete: true)
    }

    /// Called by the exchange as it ends.
    func exchangeEnded(status: Int, error: ErrorType) {
        isBusy = false
        rotation?.asides -= 1
        rotation = nil
        let ended = self.ended.take()
        ended?(status, error)
    }

    func tick(now: UInt64) {
        guard isBusy else { return }
        if deadline <= now, exchange.isAnswering {
            exchange.clientGone()
        } else if deadline <= now || nobody.deadline <= now {
            nobody.deadline = .max
            exchange.timedOut()
        }
    }

    func end() { if isBusy { exchange.clientGone() } }
}

/// The asides of one loop; they are used again and again, since each keeps its buffers.
struct Asides {
    private var all: [Aside] = []

    var isIdle: Bool { all.allSatisfy { !$0.isBusy } }

    /// One that is free, or nil when as many of its kind are under way as may be.
    mutating func next(_ kind: Aside.Kind, on loop: EdgeLoop) -> Aside? {
        var underWay = 0
        var free: Aside?
        for aside in all {
            if !aside.isBusy { free = aside } else if aside.kind == kind { underWay += 1 }
        }
        guard underWay < (kind == .mirror ? Aside.mirrorLimit : Aside.probeLimit) else { return nil }
        if let free { return free }
        let fresh = Aside(loop: loop)
        all.append(fresh)
        return fresh
    }

    func tick(now: UInt64) {
        for aside in all { aside.tick(now: now) }
    }

    func endAll() {
        for aside in all { aside.end() }
    }
}

/// The head of a probe, checked.
struct ProbeHead: Sendable {
    private static let longest = 2048

    let text: String

    /// Nil when `path` is no origin-form target or `host` no authority: neither may hold a blank or a control byte.
    init?(path: String, host: String, fields: [HeaderRules.Field] = []) {
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= Self.longest, !host.isEmpty,
            host.utf8.count <= 255, Self.isPlain(path), Self.isPlain(host),
            fields.allSatisfy({ Self.isPlain($0.name) && !$0.value.utf8.contains { $0 < 0x20 || $0 > 0x7e } })
        else { return nil }
        let own = Set(fields.map { $0.name.lowercased() })
        let usual = [
            ("User-Agent", "Aloft-Probe"), ("Accept", "*/*"), ("X-Forwarded-For", "127.0.0.1"),
            ("X-Forwarded-Proto", "http"),
        ].filter { !own.contains($0.0.lowercased()) }
        let lines = usual.map { "\($0.0): \($0.1)\r\n" } + fields.map { "\($0.name): \($0.value)\r\n" }
        text = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\(lines.joined())\r\n"
    }

    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7e).contains($0) } }
}

extension EdgeLoop {
    private static let mirrorMark = "\(RequestForwarding.mirrorMark): 1\r\n\r\n"

    /// Sends a copy of a request that is under way to `release`, or counts that it could not.
    func mirror(_ request: Exchange.Request, head: ByteBuffer, to release: Int) {
        let now = monotonicNow()
        guard let aside = asides.next(.mirror, on: self) else {
            return request.rotation.ledger.countMirror(release, isDropped: true, now: now)
        }
        request.rotation.ledger.countMirror(release, isDropped: false, now: now)
        var copy = spareBuffer()
        // Behind the last field instead of the empty line.
        if let fields = head.getSlice(at: head.readerIndex, length: head.readableBytes - 2) {
            copy.writeImmutableBuffer(fields)
        }
        copy.writeString(Self.mirrorMark)
        aside.begin(.mirror, deadline: now &+ Aside.mirrorTime, request.aside(to: release), copy)
    }

    func probe(
        _ head: ProbeHead, service: String, release: Int, limit: Duration
    ) -> EventLoopFuture<ProbeOutcome> {
        let rotation = rotation(ofKnown: service)
        let now = monotonicNow()
        guard !isClosed else { return eventLoop.makeSucceededFuture(.stopped) }
        guard let rotation, rotation.pick(release: release, now: now) != nil else {
            return eventLoop.makeSucceededFuture(.noReplica)
        }
        guard let aside = asides.next(.probe, on: self) else { return eventLoop.makeSucceededFuture(.busy) }
        let promise = eventLoop.makePromise(of: ProbeOutcome.self)
        var outgoing = spareBuffer()
        outgoing.writeString(head.text)
        let request = Exchange.Request(
            snapshot: snapshot, route: .none, plan: .aside, rotation: rotation, counters: unroutedCounters,
            facts: .probe(release: release, started: now), line: nil)
        aside.begin(
            .probe, deadline: now &+ UInt64(clamping: max(0, limit.nanoseconds)), request, outgoing
        ) { status, error in
            let duration = Duration.nanoseconds(Int64(clamping: monotonicNow() &- now))
            promise.succeed(
                error == .none ? .answered(status: status, duration: duration) : .failed(reason: error.name))
        }
        return promise.futureResult
    }
}
