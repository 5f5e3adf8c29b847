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

    private enum Body {
        case complete
        case length(Int)
        case chunks(ChunkedScanner)
    }

    private static let pipelineLimit = 64 * 1024
    private static let linger: UInt64 = 2_000_000_000
    /// Bytes thrown away after an early answer, before the connection is cut: enough for a client that has to finish
    /// what it is writing before it looks at the answer.
    private static let discardLimit = 64 << 20

    unowned(unsafe) let loop: EdgeLoop
    let peer: PeerAddress
    private let role: ListenerRole
    private var context: ChannelHandlerContext?
    private var exchange: Exchange?
    private(set) var phase = Phase.head
    private var body = Body.complete
    /// What was read and is not yet used.
    private var stash: ByteBuffer?
    private var parser: RequestParser
    /// The snapshot whose limits and networks `parser` and `facts` were made with.
    private var snapshot: EdgeSnapshot
    private var facts: ClientFacts
    /// A chunked request is sent on when its first chunk has proved sound.
    private var held: (request: Exchange.Request, outgoing: ByteBuffer)?
    private var isHeadBegun = false
    private var isProcessing = false
    private var isReading = true
    private var discarded = 0
    private(set) var isInputClosed = false
    private var isHandshaken = false
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

    var isWritable: Bool { context?.channel.isWritable ?? false }

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
    func setReading(_ reads: Bool) {
        guard reads != isReading, let context else { return }
        isReading = reads
        context.channel.setOption(.autoRead, value: reads).whenFailure { [loop] error in
            loop.logger.error("a client connection did not change its reading", metadata: ["error": "\(error)"])
        }
    }

    /// Writes an answer of the edge's own.
    func answer(_ answer: LocalAnswer, keepAlive: Bool) {
        loop.scratch.clear()
        answer.write(
            into: &loop.scratch, isHead: lastMethod == .head, keepAlive: keepAlive, isHTTP10: lastMinorVersion == 0,
            date: loop.httpDate(), rules: snapshot.rules.added)
        write(loop.scratch, flush: true)
    }

    private var lastMethod = Method.get
    private var lastMinorVersion: UInt8 = 1

    /// The answer is written; the connection goes on to the next request or ends.
    func exchangeEnded(keepAlive: Bool) {
        guard phase == .exchange || phase == .tunnel else { return }
        guard keepAlive, !isInputClosed else { return closeGracefully() }
        phase = .head
        deadline = monotonicNow() &+ snapshot.timeouts.idle
        if stash != nil { process() } else { setReading(true) }
    }

    func becomeTunnel(deadline: UInt64) {
        phase = .tunnel
        self.deadline = deadline
        if let early = stash.take() { exchange?.sendThroughTunnel(early) }
        setReading(true)
    }

    /// Cuts the connection, so that the client sees a broken answer and not a short one.
    func abort() {
        phase = .closed
        context?.close(promise: nil)
    }

    /// The edge is stopping: an idle connection closes now, a busy one after its answer.
    func drain() {
        if phase == .head, stash == nil { abort() }
    }

    func closeOutput() {
        if isInputClosed { abort() } else { context?.close(mode: .output, promise: nil) }
    }

    /// Closes after what is written has left, without a reset that could overtake it (RFC 9112 §9.6).
    private func closeGracefully() {
        phase = .closing
        stash = nil
        held = nil
        guard let context else { return }
        deadline = monotonicNow() &+ Self.linger
        if isInputClosed || role.isTLS {
            let channel = context.channel
            context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
                channel.close(promise: nil)
            }
        } else {
            context.close(mode: .output, promise: nil)
            setReading(true)
        }
    }

    /// Called by the loop when `deadline` has passed.
    func timedOut(now: UInt64) {
        switch phase {
        case .head where stash != nil || isHeadBegun:
            deadline = now &+ Self.linger
            refuse(408, .headTimeout, "The request did not arrive in time.")
        case .exchange where held == nil && exchange?.isActive == true:
            deadline = now &+ Self.linger
            exchange?.timedOut()
        case .exchange: refuse(408, .headTimeout, "The request's body did not arrive in time.")
        case .tunnel:
            exchange?.clientGone()
            abort()
        case .head, .discard, .closing, .closed: abort()
        }
    }

    // MARK: What the channel tells

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        loop.joined(self)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        held = nil
        stash = nil
        exchange?.clientGone()
        loop.left(self)
        loop.gate.leave(peer)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch phase {
        case .head, .exchange, .discard:
            if stash == nil {
                stash = bytes
            } else {
                stash?.writeImmutableBuffer(bytes)
            }
            process()
        case .tunnel:
            deadline = monotonicNow() &+ snapshot.timeouts.idle
            exchange?.sendThroughTunnel(bytes)
        case .closing: discard(bytes.readableBytes)
        case .closed: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, exchange?.isActive == true { exchange?.clientBecameWritable() }
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
        context.close(promise: nil)
    }

    /// The client sends no more; it may still wait for its answer.
    private func inputClosed() {
        isInputClosed = true
        switch phase {
        case .exchange:
            if case .complete = body { return }
            exchange?.clientGone()
            abort()
        case .tunnel: exchange?.clientClosedInput()
        case .head, .discard, .closing, .closed: abort()
        }
    }

    private func discard(_ count: Int) {
        discarded += count
        if discarded > Self.discardLimit { abort() }
    }

    // MARK: Reading

    /// Uses what is in the stash, as far as it goes.
    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while var input = stash.take() {
            switch phase {
            case .head: readHead(&input)
            case .exchange: forwardBody(&input)
            case .discard: discardBody(&input)
            case .tunnel:
                exchange?.sendThroughTunnel(input)
                continue
            case .closing, .closed: return
            }
            guard input.readableBytes > 0 else { continue }
            keep(input)
            if isWaiting { break }
        }
        if phase == .head, stash == nil { setReading(true) }
    }

    /// Puts back what was not used, in front of anything that came in the meantime.
    private func keep(_ input: ByteBuffer) {
        guard phase != .closing, phase != .closed else { return }
        guard let later = stash else {
            stash = input
            return
        }
        var joined = input
        joined.writeImmutableBuffer(later)
        stash = joined
    }

    /// Whether the stash can't be used before something else happens.
    private var isWaiting: Bool {
        switch phase {
        case .head:
            setReading(true)
            return isHeadBegun
        case .exchange:
            guard case .complete = body else { return true }
            if let stash, stash.readableBytes > Self.pipelineLimit { setReading(false) }
            return true
        case .discard: return true
        case .tunnel: return false
        case .closing, .closed: return true
        }
    }

    private func readHead(_ input: inout ByteBuffer) {
        if !isHeadBegun, snapshot !== loop.snapshot { refreshSnapshot() }
        let outcome = input.withUnsafeReadableBytes { parser.parse($0, into: &loop.requestHead) }
        switch outcome {
        case .complete:
            parser.reset()
            isHeadBegun = false
            headArrived(&input)
        case .incomplete:
            guard !isHeadBegun else { return }
            isHeadBegun = true
            deadline = monotonicNow() &+ snapshot.timeouts.requestHead
        case .rejected(let fault):
            loop.counters.refusedRequests["\(fault.reason)", default: 0] &+= 1
            refuse(fault.status, .badRequest, fault.reason.sentence)
        }
    }

    private func refreshSnapshot() {
        snapshot = loop.snapshot
        parser = RequestParser(limits: snapshot.headLimits)
        facts.isTrusted = snapshot.trusted.contains(peer)
    }

    /// Answers what was never a request, or is none any more, and closes.
    private func refuse(_ status: Int, _ error: ErrorType, _ message: String) {
        if let exchange, exchange.isActive { return exchange.refuse(status, error, message) }
        lastMethod = .get
        lastMinorVersion = 1
        count(status, error, started: monotonicNow())
        held = nil
        answer(.error(status, message, requestID: nil, asJSON: false), keepAlive: false)
        closeGracefully()
    }

    private func count(_ status: Int, _ error: ErrorType, started: UInt64, route: Int? = nil) {
        guard let counters = route.map({ loop.routeCounters[$0] }) ?? loop.routeCounters.last else { return }
        let key = RouteCounters.Key(
            method: lastMethod, status: UInt16(truncatingIfNeeded: status), isTLS: role.isTLS,
            minorVersion: lastMinorVersion, errorType: error)
        counters.count(key, nanoseconds: monotonicNow() &- started, requestBytes: 0, responseBytes: 0)
    }

    // MARK: A head

    private func headArrived(_ input: inout ByteBuffer) {
        lastMethod = loop.requestHead.method
        lastMinorVersion = loop.requestHead.minorVersion
        let id = RequestID(high: loop.random.next(), low: loop.random.next())
        let dispatch = input.withUnsafeReadableBytes { bytes in
            Dispatcher(
                loop: loop, snapshot: snapshot, role: role, facts: facts, peer: peer, isDraining: loop.isDraining
            )
            .dispatch(bytes, id: id)
        }
        input.moveReaderIndex(forwardBy: loop.requestHead.byteCount)
        switch loop.requestHead.framing {
        case .none, .untilClose: body = .complete
        case .length(let length): body = length == 0 ? .complete : .length(length)
        case .chunked: body = .chunks(ChunkedScanner(forRequest: true))
        }
        switch dispatch {
        case .answer(let answer, let error, let line, let keepAlive, let route):
            count(answer.status, error, started: monotonicNow(), route: route)
            finishLine(line, answer, error, route)
            giveAnswer(answer, keepAlive: keepAlive)
        case .proxy(let request, let outgoing): beginExchange(request, outgoing, &input)
        }
    }

    private func finishLine(_ line: AccessLine?, _ answer: LocalAnswer, _ error: ErrorType, _ route: Int?) {
        guard let line else { return }
        let template = route.map { snapshot.routes[$0].template } ?? ""
        loop.log(
            line.finished(
                status: answer.status, route: template, replica: nil, nanoseconds: 0, requestBytes: 0,
                responseBytes: answer.body.count, attempts: 0, error: error))
    }

    private func giveAnswer(_ answer: LocalAnswer, keepAlive: Bool) {
        let isWhole: Bool
        if case .complete = body { isWhole = true } else { isWhole = false }
        let stays = keepAlive && !loop.requestHead.expectsContinue
        self.answer(answer, keepAlive: stays)
        guard stays else { return closeGracefully() }
        deadline = monotonicNow() &+ snapshot.timeouts.idle
        phase = isWhole ? .head : .discard
    }

    private func beginExchange(
        _ request: Exchange.Request, _ outgoing: consuming ByteBuffer, _ input: inout ByteBuffer
    ) {
        phase = .exchange
        let exchange = self.exchange ?? Exchange(loop: loop, client: self)
        self.exchange = exchange
        let expectsContinue = loop.requestHead.expectsContinue
        switch body {
        case .complete: exchange.begin(request, outgoing: outgoing, bodyBytes: 0, isComplete: true)
        case .length(let length):
            let count = min(length, input.readableBytes)
            input.readWithUnsafeReadableBytes { bytes in
                outgoing.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                return count
            }
            body = count == length ? .complete : .length(length - count)
            exchange.begin(request, outgoing: outgoing, bodyBytes: count, isComplete: count == length)
        case .chunks:
            if expectsContinue {
                exchange.begin(request, outgoing: outgoing, bodyBytes: 0, isComplete: false)
            } else {
                held = (request, outgoing)
                deadline = monotonicNow() &+ request.plan.timeout
                if input.readableBytes > 0 { forwardBody(&input) }
            }
        }
    }

    // MARK: A body

    private func forwardBody(_ input: inout ByteBuffer) {
        switch body {
        case .complete: return
        case .length(let remaining):
            let count = min(remaining, input.readableBytes)
            guard let piece = input.readSlice(length: count) else { return }
            body = count == remaining ? .complete : .length(remaining - count)
            refreshDeadline()
            exchange?.send(piece, isLast: count == remaining)
        case .chunks(let scanner): forwardChunks(&input, scanner)
        }
    }

    private func forwardChunks(_ input: inout ByteBuffer, _ scanner: ChunkedScanner) {
        var scanner = scanner
        var offset = 0
        let event = input.withUnsafeReadableBytes { scanner.pass($0, from: &offset) }
        var isLast = false
        switch event {
        case .rejected(let fault):
            loop.counters.refusedRequests["\(fault.reason)", default: 0] &+= 1
            body = .complete
            return refuse(fault.status, .badRequest, fault.reason.sentence)
        case .end:
            isLast = true
            body = .complete
        case .data, .needMore: body = .chunks(scanner)
        }
        guard scanner.payloadBytes <= snapshot.spec.limits.body.bytes else {
            body = .complete
            return refuse(413, .tooLarge, "The request's body is larger than the limit.")
        }
        guard let piece = input.readSlice(length: offset) else { return }
        refreshDeadline()
        guard var waiting = held.take() else {
            exchange?.send(piece, isLast: isLast)
            return
        }
        waiting.outgoing.writeImmutableBuffer(piece)
        guard isLast || scanner.payloadBytes > 0 else {
            held = waiting
            return
        }
        exchange?.begin(
            waiting.request, outgoing: waiting.outgoing, bodyBytes: scanner.payloadBytes, isComplete: isLast)
    }

    private func refreshDeadline() {
        deadline = monotonicNow() &+ (held?.request.plan.timeout ?? exchange?.timeout ?? snapshot.timeouts.request)
    }

    private func discardBody(_ input: inout ByteBuffer) {
        discard(input.readableBytes)
        guard phase == .discard else { return }
        switch body {
        case .complete: break
        case .length(let remaining):
            let count = min(remaining, input.readableBytes)
            input.moveReaderIndex(forwardBy: count)
            body = count == remaining ? .complete : .length(remaining - count)
        case .chunks(var scanner):
            var offset = 0
            let event = input.withUnsafeReadableBytes { scanner.pass($0, from: &offset) }
            input.moveReaderIndex(forwardBy: offset)
            switch event {
            case .end: body = .complete
            case .data, .needMore: body = .chunks(scanner)
            case .rejected: return closeGracefully()
            }
        }
        if case .complete = body {
            discarded = 0
            phase = .head
        }
    }
}
