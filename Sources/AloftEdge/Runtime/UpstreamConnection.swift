import AloftHTTP
import NIOCore

/// One HTTP/1.1 connection to a replica: sends what an exchange gives it, finds the head and the end of each answer.
///
/// Confined to its event loop. Between two exchanges it stands in its backend's `idle`.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case idle
        case head
        case body(remaining: Int)
        case chunks(ChunkedScanner)
        case untilClose
        case tunnel
        case closed
    }

    private unowned(unsafe) let loop: EdgeLoop
    let backend: Backend
    private var context: ChannelHandlerContext?
    private unowned(unsafe) var exchange: Exchange?
    private var phase = Phase.idle
    private var method = Method.get
    private var parser = ResponseParser(limits: UpstreamConnection.headLimits)
    /// The beginning of a head that has not arrived whole, and what `parser` has read of it; other connections use the
    /// loop's meanwhile.
    private var partial: (bytes: ByteBuffer, head: ResponseHead)?
    private var keepAlive = true
    private var isReading = true
    /// When it became idle, monotonic nanoseconds.
    private(set) var idleSince: UInt64 = 0
    /// It has carried an exchange before, so the replica may have closed it in the meantime.
    private(set) var isReused = false
    /// The channel takes more.
    private(set) var isWritable = true
    /// This side of a tunnel was ended here.
    private var isOutputEnded = false

    private static let headLimits = HeadLimits(headBytes: 64 * 1024, fieldCount: 200)

    init(loop: EdgeLoop, backend: Backend) {
        self.loop = loop
        self.backend = backend
    }

    // MARK: What the exchange asks

    /// Sends a request; `bytes` is its head and whatever is there of its body.
    func begin(_ exchange: Exchange, method: Method, _ bytes: ByteBuffer) {
        self.exchange = exchange
        self.method = method
        guard context != nil else { return failed(.upstreamClosed) }
        phase = .head
        keepAlive = true
        send(bytes)
    }

    func send(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// Stops and starts reading, so that a slow client holds back a fast replica.
    func setReading(_ reads: Bool) {
        guard reads != isReading, let context else { return }
        isReading = reads
        // The option of a TCP or Unix stream channel on its own loop can't be refused.
        context.channel.setOption(.autoRead, value: reads).whenFailure { [loop] error in
            loop.logger.error("an upstream connection did not change its reading", metadata: ["error": "\(error)"])
        }
    }

    /// The client will send nothing more into the tunnel.
    func closeOutput() {
        isOutputEnded = true
        context?.close(mode: .output, promise: nil)
    }

    /// The exchange needs no more of this connection: keeps it for the next one if it can be kept.
    func release(clean: Bool, now: UInt64) {
        exchange = nil
        if case .closed = phase { return }
        guard clean, keepAlive, case .idle = phase, !backend.isDraining, let context, context.channel.isActive else {
            close()
            return
        }
        setReading(true)
        parser.reset()
        isReused = true
        idleSince = now
        backend.idle.append(self)
    }

    func closeIdle() { close() }

    /// The tunnel has ended: closes once what was written has left, or after `farewell`.
    func closeAfterWriting() {
        guard let context else { return }
        exchange = nil
        phase = .closed
        let channel = context.channel
        let limit = loop.eventLoop.scheduleTask(in: Self.farewell) { channel.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            limit.cancel()
            channel.close(promise: nil)
        }
    }

    private static let farewell = TimeAmount.seconds(2)

    private func close() {
        exchange = nil
        guard let context else { return }
        context.close(promise: nil)
    }

    // MARK: What the channel tells

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receive(unwrapInboundIn(data))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { exchange?.upstreamBecameWritable() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            if case .tunnel = phase, let exchange { exchange.upstreamClosedInput() } else { ended() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch phase {
        // An orderly end was told as `inputClosed` before this: the body may have been cut.
        case .untilClose: failed(.upstreamClosed)
        // Where one half was ended before, the end of the other ends the channel and is told as nothing else.
        case .tunnel where isOutputEnded: exchange?.upstreamClosedInput()
        default: ended()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Reset by the replica, most often; what it means depends on the phase, as for an orderly close.
        context.close(promise: nil)
        switch phase {
        case .untilClose, .tunnel: failed(.upstreamClosed)
        default: ended()
        }
    }

    /// Nothing more will come.
    private func ended() {
        let phase = self.phase
        self.phase = .closed
        switch phase {
        case .idle: removeFromIdle()
        case .untilClose:
            keepAlive = false
            let exchange = self.exchange
            context?.close(promise: nil)
            exchange?.responseEnded()
        case .head, .body, .chunks, .tunnel: failed(.upstreamClosed)
        case .closed: break
        }
    }

    private func removeFromIdle() {
        if let index = backend.idle.lastIndex(where: { $0 === self }) { backend.idle.remove(at: index) }
        context?.close(promise: nil)
    }

    private func failed(_ error: ErrorType) {
        phase = .closed
        let exchange = self.exchange
        self.exchange = nil
        context?.close(promise: nil)
        exchange?.upstreamFailed(error, wasReused: isReused)
    }

    // MARK: The answer

    private func receive(_ data: ByteBuffer) {
        switch phase {
        case .head: receiveHead(data)
        case .body(let remaining): receiveBody(data, remaining: remaining)
        case .chunks(let scanner): receiveChunks(data, scanner)
        case .untilClose, .tunnel: exchange?.received(data, isLast: false)
        case .idle:
            // A replica that speaks unasked can't be trusted with the next request.
            phase = .closed
            removeFromIdle()
        case .closed: break
        }
    }

    private func receiveHead(_ data: ByteBuffer) {
        var input: ByteBuffer
        if var (bytes, head) = partial.take() {
            var data = data
            bytes.writeBuffer(&data)
            input = bytes
            swap(&loop.responseHead, &head)
        } else {
            input = data
        }
        while let exchange {
            let outcome = input.withUnsafeReadableBytes { bytes in
                parser.parse(bytes, answering: method, into: &loop.responseHead)
            }
            switch outcome {
            case .incomplete:
                partial = (input, loop.responseHead)
                loop.responseHead = ResponseHead()
                return
            case .rejected(let fault):
                loop.logger.warning(
                    "a replica's answer was refused",
                    metadata: ["replica": "\(backend.endpoint.replica)", "reason": "\(fault.reason)"])
                return failed(.upstreamInvalid)
            case .complete:
                parser.reset()
                guard isInterim(&input, exchange) else { return }
            }
        }
    }

    /// Deals with one head; true when another head follows in `input`.
    @inline(__always)
    private func isInterim(_ input: inout ByteBuffer, _ exchange: Exchange) -> Bool {
        let status = loop.responseHead.status
        if status >= 200 {
            finalHead(&input, exchange)
            return false
        }
        if status == 101 {
            switchProtocol(&input, exchange)
            return false
        }
        guard exchange.receivedInterim(&input) else {
            failed(.upstreamInvalid)
            return false
        }
        return input.readableBytes > 0
    }

    private func switchProtocol(_ input: inout ByteBuffer, _ exchange: Exchange) {
        guard exchange.wantsUpgrade else { return failed(.upstreamInvalid) }
        phase = .tunnel
        keepAlive = false
        exchange.switchedProtocol(&input)
    }

    @inline(__always)
    private func finalHead(_ input: inout ByteBuffer, _ exchange: Exchange) {
        if !loop.responseHead.keepAlive { keepAlive = false }
        switch loop.responseHead.framing {
        case .none: phase = .idle
        case .length(let length): phase = length == 0 ? .idle : .body(remaining: length)
        case .chunked: phase = .chunks(ChunkedScanner(forRequest: false))
        case .untilClose:
            phase = .untilClose
            keepAlive = false
        }
        // Bytes behind an answer that has ended would be taken for the next one's: the connection is not used again.
        let isOver = isAnswered
        if isOver, input.readableBytes > loop.responseHead.byteCount { keepAlive = false }
        exchange.receivedHead(&input, on: self)
        if !isOver, input.readableBytes > 0, self.exchange === exchange { receive(input) }
    }

    /// Called by the exchange while it puts the head together: the part of a body of known length that is in `input`,
    /// when it is all that is left, so that head and body leave in one write.
    func takeWholeBody(_ input: inout ByteBuffer) -> ByteBuffer? {
        guard case .body(let remaining) = phase, input.readableBytes == remaining else { return nil }
        phase = .idle
        return input.readSlice(length: remaining)
    }

    /// Whether the answer is over.
    var isAnswered: Bool {
        if case .idle = phase { true } else { false }
    }

    private func receiveBody(_ data: ByteBuffer, remaining: Int) {
        var data = data
        let count = data.readableBytes
        if count < remaining {
            phase = .body(remaining: remaining - count)
            exchange?.received(data, isLast: false)
            return
        }
        let isClean = count == remaining
        guard let last = data.readSlice(length: remaining) else { return }
        phase = .idle
        if !isClean { keepAlive = false }
        exchange?.received(last, isLast: true)
    }

    private func receiveChunks(_ data: ByteBuffer, _ scanner: ChunkedScanner) {
        guard let exchange else { return }
        var scanner = scanner
        guard !exchange.wantsPayloadOnly else { return receivePayload(data, scanner, exchange) }
        var offset = 0
        let event = data.withUnsafeReadableBytes { scanner.pass($0, from: &offset) }
        switch event {
        case .data, .needMore:
            phase = .chunks(scanner)
            exchange.received(data, isLast: false)
        case .end:
            phase = .idle
            var data = data
            if offset < data.readableBytes { keepAlive = false }
            guard let last = data.readSlice(length: offset) else { return }
            exchange.received(last, isLast: true)
        case .rejected: failed(.upstreamInvalid)
        }
    }

    /// For a client that knows no chunks.
    private func receivePayload(_ data: ByteBuffer, _ scanner: ChunkedScanner, _ exchange: Exchange) {
        var scanner = scanner
        var offset = 0
        var payload = ByteBuffer()
        while true {
            switch data.withUnsafeReadableBytes({ scanner.next($0, from: &offset) }) {
            case .data(let range):
                guard var run = data.getSlice(at: data.readerIndex + range.lowerBound, length: range.count) else {
                    return
                }
                payload.writeBuffer(&run)
            case .needMore:
                phase = .chunks(scanner)
                if payload.readableBytes > 0 { exchange.received(payload, isLast: false) }
                return
            case .end:
                phase = .idle
                if offset < data.readableBytes { keepAlive = false }
                exchange.received(payload, isLast: true)
                return
            case .rejected: return failed(.upstreamInvalid)
            }
        }
    }
}

extension Optional {
    /// Takes the value out and leaves nil.
    mutating func take() -> Wrapped? {
        let value = self
        self = nil
        return value
    }
}
