import AloftHTTP
import AloftModel
import NIOCore
import NIOSSL
import NIOTLS

/// One client's HTTP/1.1 connection: reads heads and bodies, hands them to its exchange, writes what comes back.
///
/// Requests that arrive behind one another wait until the one before is answered (RFC 9112 §9.3.2); while they wait,
/// no more than `pipelineLimit` bytes of them are read. Confined to its event loop.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Between two requests, or in the middle of a head.
        case head
        /// A request is under way; `body` says what is still to come of it.
        case exchange
        /// The answer was given without the body, which is read and thrown away.
        case discard
        case tunnel
        /// Everything is written and the output closed; what the client still sends is thrown away.
        case closing
        case closed
    }

    static let pipelineLimit = 64 * 1024
    private static let linger: UInt64 = 2_000_000_000
    /// Bytes thrown away after an early answer, before the connection is cut: enough for a client that has to finish
    /// what it is writing before it looks at the answer.
    private static let discardLimit = 64 << 20

    unowned(unsafe) let loop: EdgeLoop
    let peer: PeerAddress
    let role: ListenerRole
    private var context: ChannelHandlerContext?
    var exchange: Exchange?
    var phase = Phase.head
    var body = RequestBody.complete
    /// What was read and is not yet used.
    var stash: ByteBuffer?
    var parser: RequestParser
    /// What `parser` has read of a head that has not arrived whole; other connections use the loop's meanwhile.
    var partialHead = RequestHead()
    /// The snapshot whose limits and networks `parser` and `facts` were made with.
    var snapshot: EdgeSnapshot
    var facts: ClientFacts
    /// A chunked request is sent on when its first chunk has proved sound.
    var held: (request: Exchange.Request, outgoing: ByteBuffer)?
    var isHeadBegun = false
    var isProcessing = false
    private var isReading = true
    var discarded = 0
    private(set) var isInputClosed = false
    /// While closing: everything written has left. In a tunnel: the replica has ended its half.
    private var isOutputClosed = false
    /// The channel takes more; kept here because asking it for each piece costs more.
    private(set) var isWritable = true
    /// What a slow client had taken when its time was last up.
    private var taken = ClientProgress.none
    private var isHandshaken = false
    /// Whether the gate still counts it.
    private var isCounted = true
    /// Index among the loop's connections; -1 when it is none of them.
    var position = -1
    /// When `timedOut` is due, monotonic nanoseconds.
    var deadline: UInt64

    init(loop: EdgeLoop, peer: PeerAddress, peerText: [UInt8], role: ListenerRole) {
        self.loop = loop
        self.peer = peer
        self.role = role
        snapshot = loop.snapshot
        parser = RequestParser(limits: loop.snapshot.headLimits)
        facts = ClientFacts(
            peerText: peerText, isTLS: role.isTLS, isTrusted: loop.snapshot.trusted.contains(peer))
        deadline = monotonicNow() &+ loop.snapshot.timeouts.requestHead
    }

    // MARK: What the exchange asks

    @inline(__always)
    func write(_ bytes: ByteBuffer, flush: Bool) {
        guard let context else { return }
        if flush {
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        } else {
            context.write(wrapOutboundOut(bytes), promise: nil)
        }
    }

    /// Stops and starts reading, so that a slow replica holds back a fast client.
    func setReading(_ wanted: Bool) {
        let reads = wanted && hasRoom
        guard reads != isReading, let context else { return }
        isReading = reads
        context.channel.setOption(.autoRead, value: reads).whenFailure { [loop] error in
            loop.logger.error("a client connection did not change its reading", metadata: ["error": "\(error)"])
        }
    }

    /// Whether more may be read: a client that takes no answers, or whose next requests wait already, is not heard.
    var hasRoom: Bool {
        switch phase {
        case .head: isWritable
        case .exchange: !body.isComplete || (stash?.readableBytes ?? 0) <= Self.pipelineLimit
        case .discard, .tunnel, .closing, .closed: true
        }
    }

    /// No request can follow the one under way.
    var isLastRequest: Bool { isInputClosed && stash == nil }

    /// Writes an answer of the edge's own.
    func answer(_ answer: LocalAnswer, keepAlive: Bool) {
        loop.scratch.clear()
        answer.write(
            into: &loop.scratch, isHead: lastMethod == .head, keepAlive: keepAlive, isHTTP10: lastMinorVersion == 0,
            date: loop.httpDate(), rules: snapshot.rules)
        write(loop.scratch, flush: true)
    }

    var lastMethod = Method.get
    var lastMinorVersion: UInt8 = 1

    /// The answer is written; the connection goes on to the next request or ends.
    func exchangeEnded(keepAlive: Bool, now: UInt64) {
        guard phase == .exchange || phase == .tunnel else { return }
        guard keepAlive else { return closeGracefully() }
        phase = .head
        deadline = now &+ snapshot.timeouts.idle
        process()
    }

    func becomeTunnel(deadline: UInt64) {
        phase = .tunnel
        self.deadline = deadline
        if let early = stash.take() { exchange?.sendThroughTunnel(early) }
        setReading(true)
    }

    /// Closes at once. With `resets` the client gets RST: for an answer whose end is the end of the connection, since
    /// it would look whole otherwise.
    func abort(resets: Bool = false) {
        let cutsAnswer = exchange?.endsByClosing == true || (phase == .closing && !isOutputClosed)
        phase = .closed
        guard let context else { return }
        if resets || cutsAnswer {
            Self.reset(context)
        } else {
            context.close(promise: nil)
        }
    }

    /// The edge is stopping: an idle connection closes now, a busy one after its answer.
    func drain() {
        if phase == .head, stash == nil { closeGracefully() }
    }

    /// The replica sends no more into the tunnel.
    func closeOutput() {
        isOutputClosed = true
        context?.close(mode: .output, promise: nil)
    }

    /// Closes after what is written has left, without a reset that could overtake it (RFC 9112 §9.6).
    func closeGracefully() {
        guard phase != .closing, phase != .closed else { return }
        phase = .closing
        isOutputClosed = false
        stash = nil
        held = nil
        guard let context else { return }
        deadline = monotonicNow() &+ snapshot.timeouts.request
        let left = context.eventLoop.makePromise(of: Void.self)
        left.futureResult.assumeIsolated().whenComplete { _ in self.outputEnded() }
        if isInputClosed {
            // Closing the other half too would drop what is still to be written.
            context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: left)
        } else {
            context.close(mode: .output, promise: left)
            setReading(true)
        }
    }

    private func outputEnded() {
        guard phase == .closing else { return }
        isOutputClosed = true
        if isInputClosed { return abort() }
        deadline = monotonicNow() &+ Self.linger
    }

    /// Called by the loop when `deadline` has passed.
    func timedOut(now: UInt64) {
        if isTaking(now: now) { return }
        switch phase {
        case .head where !isWritable || (role.isTLS && !isHandshaken): abort(resets: true)
        case .head where stash != nil || isHeadBegun:
            deadline = now &+ Self.linger
            refuse(408, .headTimeout, "The request did not arrive in time.")
        case .exchange where held == nil && exchange?.isActive == true:
            deadline = now &+ Self.linger
            exchange?.timedOut()
        case .exchange: refuse(408, .headTimeout, "The request's body did not arrive in time.")
        case .tunnel: exchange?.timedOut()
        case .head: closeGracefully()
        case .discard, .closing, .closed: abort()
        }
    }

    /// A slow client that has taken some of what waits for it is given as long again.
    private func isTaking(now: UInt64) -> Bool {
        if phase == .exchange, exchange?.isAnswering != true { return false }
        guard phase != .closed, let context, Self.bufferedBytes(context) > 0 else { return false }
        let progress = ClientProgress(context.channel)
        guard progress != taken else { return false }
        taken = progress
        deadline = now &+ snapshot.timeouts.request
        return true
    }

    // MARK: What the channel tells

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        leaveGate()
    }

    func channelActive(context: ChannelHandlerContext) {
        loop.joined(self)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Where one half was ended before, the end of the other ends the channel and is told as nothing else.
        if phase == .tunnel, isOutputClosed { exchange?.clientClosedInput() }
        phase = .closed
        held = nil
        stash = nil
        exchange?.clientGone()
        loop.left(self)
        leaveGate()
        context.fireChannelInactive()
    }

    /// Once, however the channel ends: one that fails before it is active is never told of its end.
    private func leaveGate() {
        guard isCounted else { return }
        isCounted = false
        loop.gate.leave(peer)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch phase {
        case .head, .exchange, .discard:
            stashBehind(bytes)
            process()
        case .tunnel:
            deadline = monotonicNow() &+ snapshot.timeouts.idle
            exchange?.sendThroughTunnel(bytes)
        case .closing: discard(bytes.readableBytes)
        case .closed: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable {
            if phase == .head { process() } else { exchange?.clientBecameWritable() }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            inputClosed()
        } else if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            isHandshaken = true
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if role.isTLS, !isHandshaken, error is NIOSSLError || error is BoringSSLError {
            loop.counters.tlsHandshakeFailures &+= 1
        }
        isOutputClosed = false
        context.close(promise: nil)
    }

    /// The client sends no more: it has gone, or waits for its answers where the file says so (`edge.halfClose`).
    private func inputClosed() {
        guard !isInputClosed else { return }
        isInputClosed = true
        let isGone = snapshot.spec.halfClose == .abort
        switch phase {
        case .head:
            // Requests that wait until the client takes its answers wait for nobody.
            if isGone, !isHeadBegun { stash = nil }
            settle()
        case .exchange:
            guard isGone || !body.isComplete || exchange?.isWaiting == true else { return }
            let cutsAnswer = exchange?.endsByClosing == true
            exchange?.clientGone()
            abort(resets: cutsAnswer)
        case .tunnel: exchange?.clientClosedInput()
        case .discard: closeGracefully()
        case .closing where isOutputClosed: abort()
        case .closing, .closed: break
        }
    }

    func discard(_ count: Int) {
        discarded += count
        if discarded > Self.discardLimit { abort() }
    }
}
