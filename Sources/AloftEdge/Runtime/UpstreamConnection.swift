import AloftHTTP
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One HTTP/1.1 connection to a replica: sends what an exchange gives it, finds the head and the end of each answer.
///
/// Confined to its event loop. Between two exchanges it stands in its backend's `idle`.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        case idle
        case head
        case body(remaining: Int)
        case chunks(ChunkedScanner)
        case untilClose
        case tunnel
        case closed
    }

    unowned(unsafe) let loop: EdgeLoop
    let backend: Backend
    private(set) var context: ChannelHandlerContext?
    unowned(unsafe) var exchange: Exchange?
    var phase = Phase.idle
    var method = Method.get
    var parser = ResponseParser(limits: UpstreamConnection.headLimits)
    /// The beginning of a head that has not arrived whole, and what `parser` has read of it; other connections use the
    /// loop's meanwhile.
    var partial: (bytes: ByteBuffer, head: ResponseHead)?
    var keepAlive = true
    private var isReading = true
    /// When it became idle, monotonic nanoseconds.
    private(set) var idleSince: UInt64 = 0
    /// It has carried an exchange before, so the replica may have closed it in the meantime.
    private(set) var isReused = false
    /// The channel takes more.
    private(set) var isWritable = true
    /// This side of a tunnel was ended here.
    private var isOutputEnded = false
    /// The socket, to look at what has arrived; -1 before there is one.
    private var descriptor: Int32 = -1

    static let headLimits = HeadLimits(headBytes: 64 * 1024, fieldCount: 200)
    /// Extensions mean nothing to anybody (RFC 9112 §7.1.1), so an application's may be longer than a client's.
    static let chunkLimits = ChunkLimits(extensionBytes: 4096, totalExtensionBytes: 256 * 1024)

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
        guard clean, keepAlive, case .idle = phase, isWritable, backend.keeps(now: now), let context,
            context.channel.isActive
        else {
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

    /// Whether the next answer would begin with bytes that the request has asked for: looks into the socket, since what
    /// arrived in this turn of the loop is told only later.
    ///
    /// One system call for each request, and the price of two promises: what an application sent beyond one answer is
    /// never the beginning of another visitor's, and a connection that the replica has closed is not used again.
    var isQuiet: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        if count > 0 { spokeUnasked() }
        return false
    }

    /// Bytes came that belong to no answer.
    ///
    /// A replica that says farewell to a connection that was idle for long, such as with 408, is not meant.
    func spokeUnasked() {
        let now = monotonicNow()
        if now &- idleSince < Self.surplusTime { loop.distrust(backend, now: now) }
    }

    /// Bytes behind an answer are surplus of that answer for this long; nanoseconds.
    private static let surplusTime: UInt64 = 1_000_000_000

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

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        do {
            let socket = try context.pipeline.syncOperations.withUnsafeTransportIfAvailable { (socket: CInt) in socket }
            descriptor = socket ?? -1
        } catch {
            // A channel without a socket is not kept: `isQuiet` is false without one.
            descriptor = -1
        }
        context.fireChannelActive()
    }

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
            exchange?.responseEnded(now: monotonicNow())
        case .head, .body, .chunks, .tunnel: failed(.upstreamClosed)
        case .closed: break
        }
    }

    func removeFromIdle() {
        if let index = backend.idle.lastIndex(where: { $0 === self }) { backend.idle.remove(at: index) }
        context?.close(promise: nil)
    }

    func failed(_ error: ErrorType, _ refusal: AnswerRefusal? = nil) {
        phase = .closed
        let exchange = self.exchange
        self.exchange = nil
        context?.close(promise: nil)
        exchange?.upstreamFailed(error, wasReused: isReused, refusal)
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
