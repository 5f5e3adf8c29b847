import AloftSystem
import AloftTestKit

@testable import AloftReactor

/// A proxy of bytes without a protocol: each client gets a connection of its own to the upstream, and what one side says
/// the other hears. It makes use of everything a transport can do, at random.
final class TortureProxy: Acceptor {
    private let upstreams: [SocketAddress]
    var random: SplitMix
    private unowned let loop: Loop
    private var timer: LoopTimer?
    /// The client that came last, for the timer to take.
    var latest: TortureSide?

    /// Whether it breaks things by itself, too.
    private let isWild: Guarded<Bool>

    init(_ loop: Loop, upstreams: [SocketAddress], seed: UInt64, isWild: Guarded<Bool>) {
        self.isWild = isWild
        self.loop = loop
        self.upstreams = upstreams
        random = SplitMix(seed: seed)
        let timer = LoopTimer(loop) { [unowned self] now in
            if isWild.withLock({ $0 }), let latest, let other = latest.other { latest.vanish(other) }
            self.timer?.set(now &+ 1)
        }
        timer.set(loop.now)
        self.timer = timer
    }

    func accepted(_ transport: Transport, from peer: SocketAddress) -> StreamOwner? {
        if chance(2) { return nil }
        let client = TortureSide(self, transport)
        let address = chance(3) ? .unix("/nowhere/at/all.sock") : upstreams.randomElement(using: &random)
        guard let address else { return nil }
        // A limit of a few seconds that is due only where a peer is never accepted.
        loop.dial(address, timeout: 2_000_000_000, receiveBuffer: chance(50) ? 16 << 10 : nil) { transport in
            let upstream = TortureSide(self, transport)
            client.other = upstream
            upstream.other = client
            return upstream
        }
        latest = client
        return client
    }

    func shortage(_ error: SystemError) {}

    /// True in so many of a hundred cases while it is wild.
    func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent && isWild.withLock { $0 }
    }
}

/// One side of a pair.
final class TortureSide: StreamOwner {
    private let proxy: TortureProxy
    private let transport: Transport
    var other: TortureSide?
    private var isRelaying = false

    init(_ proxy: TortureProxy, _ transport: Transport) {
        self.proxy = proxy
        self.transport = transport
    }

    override func connected() {
        transport.setDeadline(proxy.chance(50) ? .max : transport.loop.now &+ 3_000_000_000)
    }

    override func received(_ bytes: RawSpan) -> Int {
        guard let other else { return bytes.byteCount }
        if proxy.chance(2) { return vanish(other) }
        guard other.transport.isWritable, !other.transport.isClosed else {
            transport.setReading(false)
            return 0
        }
        var used = bytes.byteCount
        if used > 1, proxy.chance(10) { used = Int.random(in: 0..<used, using: &proxy.random) }
        if used > 2, proxy.chance(30) {
            let middle = Int.random(in: 1..<used, using: &proxy.random)
            other.transport.write(bytes.extracting(0..<middle), bytes.extracting(middle..<used))
        } else {
            other.transport.write(bytes.extracting(0..<used))
        }
        if proxy.chance(20) {
            let count = Int.random(in: 1...(200 << 10), using: &proxy.random)
            isRelaying = transport.relay(to: other.transport, count: count)
        }
        if used < bytes.byteCount, !isRelaying { transport.redeliver() }
        if !other.transport.isWritable { transport.setReading(false) }
        return used
    }

    /// Closes one side, or both, right after it was put on the list of those whose turn is to come.
    @discardableResult
    fileprivate func vanish(_ other: TortureSide) -> Int {
        for side in proxy.chance(50) ? [other, self] : [self] {
            side.transport.redeliver()
            side.transport.setReading(false)
            side.transport.setReading(true)
            if proxy.chance(50) { side.transport.close() } else { side.transport.reset() }
        }
        return 0
    }

    override func relayed() { isRelaying = false }

    override func becameWritable() { other?.transport.setReading(true) }

    override func inputEnded() {
        isRelaying = false
        if transport.heldBytes > 0 { transport.redeliver() }
        if proxy.chance(10) { return transport.close() }
        other?.endOutput(behind: self)
    }

    /// Ends its output once the other side's last bytes are through.
    private func endOutput(behind sender: TortureSide) {
        if sender.transport.heldBytes == 0 {
            transport.endOutput()
        } else {
            transport.closeGracefully(patience: 500_000_000)
        }
    }

    override func peerGone() { transport.close() }

    override func deadlinePassed() {
        if proxy.chance(50) { transport.reset() } else { transport.closeGracefully(patience: 300_000_000) }
    }

    override func closed(_ ending: Ending) {
        if proxy.latest === self { proxy.latest = nil }
        guard let other else { return }
        self.other = nil
        other.other = nil
        switch Int.random(in: 0..<3, using: &proxy.random) {
        case 0: other.transport.close()
        case 1: other.transport.reset()
        default: other.transport.closeGracefully(patience: 300_000_000)
        }
    }
}
