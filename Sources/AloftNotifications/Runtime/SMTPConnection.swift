import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// What goes wrong between the two ends of a mail connection, as opposed to what a server answers.
enum SMTPFailure: Error, Sendable, Hashable {
    case timeout
    case closed
    case reply(SMTPReplyError)
    /// Bytes came before TLS began that must not be taken for part of it (RFC 3207, 6).
    case earlyBytes
    case tls(TLSTrouble)
    case transport(String)

    var text: String {
        switch self {
        case .timeout: "no answer in time"
        case .closed: "the server closed the connection"
        case .reply: "the server's answer is not SMTP"
        case .earlyBytes: "the server sent more than its answer to STARTTLS; somebody may be in between"
        case .tls(let trouble): trouble.text
        case .transport(let reason): reason
        }
    }
}

/// A connection to a mail server: sends a command, waits for its reply.
struct SMTPConnection: Sendable {
    private let channel: any Channel
    private let timeout: Duration
    /// However slowly the server answers, and however many recipients there are.
    private let end: NIODeadline
    private let ending: Ending
    /// Where TLS ends with a look at the certificate.
    private let look: CertificateLook?

    /// Why the connection ended, which outlives its handlers.
    fileprivate final class Ending: Sendable {
        private let failure = Mutex<SMTPFailure?>(nil)

        var reason: SMTPFailure? { failure.withLock { $0 } }

        /// The first one is the cause of those that follow.
        func note(_ reason: SMTPFailure) {
            failure.withLock { $0 = $0 ?? reason }
        }
    }

    /// Connects, without waiting for the greeting.
    /// - Parameter tls: Given where TLS begins with the first byte.
    static func open(
        _ address: MailAddress, tls: NIOSSLContext?, timeout: Duration, look: CertificateLook? = nil
    ) async throws(SMTPFailure) -> SMTPConnection {
        let ending = Ending()
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(timeAmount(timeout))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls {
                            try channel.pipeline.syncOperations.addHandler(
                                try Self.handler(tls, host: address.host, look))
                        }
                        try channel.pipeline.syncOperations.addHandler(SMTPExchanger(ending: ending))
                    }
                }
                .connect(host: address.host, port: address.port).get()
            return SMTPConnection(
                channel: channel, timeout: timeout, end: .now() + timeAmount(timeout * 10), ending: ending, look: look)
        } catch let error as NIOConnectionError {
            throw .transport(connectionText(error))
        } catch {
            let reason = (error as? IOError).map(systemText) ?? "\(error)"
            throw .transport("no connection to \(address.shownHost): \(reason)")
        }
    }

    /// Sends `line` and CRLF, and gives the reply; nil waits for the greeting.
    func command(_ line: String?, isLastBeforeTLS: Bool = false) async throws(SMTPFailure) -> SMTPReply {
        try await exchange(line.map { $0 + "\r\n" } ?? "", isLastBeforeTLS: isLastBeforeTLS)
    }

    /// Sends text as it is, and gives the reply.
    /// - Parameter patience: How many timeouts the reply may take.
    func exchange(
        _ text: String, isLastBeforeTLS: Bool = false, patience: Int = 1
    ) async throws(SMTPFailure) -> SMTPReply {
        let promise = channel.eventLoop.makePromise(of: SMTPReply.self)
        let limit = min(.now() + timeAmount(timeout * patience), end)
        let expiry = channel.eventLoop.scheduleTask(deadline: limit) { promise.fail(SMTPFailure.timeout) }
        let exchange = SMTPExchanger.Exchange(text: text, promise: promise, isLastBeforeTLS: isLastBeforeTLS)
        channel.writeAndFlush(exchange).whenFailure { promise.fail(Self.failure($0)) }
        defer { expiry.cancel() }
        do {
            return try await promise.futureResult.get()
        } catch {
            let failure = Self.failure(error)
            throw failure == .closed ? ending.reason ?? failure : failure
        }
    }

    /// Goes on with TLS, after the server agreed to it.
    func beginTLS(_ context: NIOSSLContext, host: String) async throws(SMTPFailure) {
        do {
            try await channel.eventLoop.submit {
                let exchanger = try channel.pipeline.syncOperations.handler(type: SMTPExchanger.self)
                guard exchanger.isQuiet else { throw SMTPFailure.earlyBytes }
                try channel.pipeline.syncOperations.addHandler(
                    try Self.handler(context, host: host, look), position: .first)
            }.get()
        } catch {
            throw Self.failure(error)
        }
    }

    /// Ends it; what the other end thinks of that does not matter any more.
    func close() async {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        channel.close(promise: nil)
        channel.closeFuture.cascade(to: promise)
        let expiry = channel.eventLoop.scheduleTask(in: timeAmount(.seconds(5))) { promise.succeed() }
        promise.futureResult.whenComplete { _ in expiry.cancel() }
        await withCheckedContinuation { continuation in
            promise.futureResult.whenComplete { _ in continuation.resume() }
        }
    }

    private static func handler(
        _ context: NIOSSLContext, host: String, _ look: CertificateLook?
    ) throws -> NIOSSLClientHandler {
        if let look { return try look.handler(context, host: host) }
        return try NIOSSLClientHandler(context: context, serverHostname: TrustedTLS.serverName(host))
    }

    fileprivate static func failure(_ error: any Error) -> SMTPFailure {
        switch error {
        case let failure as SMTPFailure: failure
        case ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed: .closed
        case let error as IOError: .transport(systemText(error))
        default: TLSTrouble(error).map { .tls($0) } ?? .transport("\(error)")
        }
    }
}

/// Pairs what is sent with the reply to it. Lives on one event loop; one exchange at a time.
private final class SMTPExchanger: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Exchange
    typealias OutboundOut = ByteBuffer

    struct Exchange: Sendable {
        let text: String
        let promise: EventLoopPromise<SMTPReply>
        let isLastBeforeTLS: Bool
    }

    private var parser = SMTPReplyParser()
    private var current: Exchange?
    /// A greeting, or a farewell, that came before it was asked for; one is kept.
    private var early: SMTPReply?
    private let ending: SMTPConnection.Ending

    init(ending: SMTPConnection.Ending) { self.ending = ending }

    /// False where something came that nobody asked for.
    var isQuiet: Bool { early == nil && ending.reason == nil && !parser.hasRemainder }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let exchange = unwrapOutboundIn(data)
        if let early {
            self.early = nil
            // An answer to nothing: only the greeting may come unasked, and a farewell is what the next command gets.
            promise?.succeed()
            return exchange.promise.succeed(early)
        }
        if let reason = ending.reason {
            promise?.succeed()
            return exchange.promise.fail(reason)
        }
        current = exchange
        if exchange.text.isEmpty { return promise?.succeed() ?? () }
        context.write(wrapOutboundOut(context.channel.allocator.buffer(string: exchange.text)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        do throws(SMTPReplyError) {
            for (place, byte) in bytes.enumerated() {
                guard let reply = try parser.take(byte) else { continue }
                deliver(reply, hasMore: place + 1 < bytes.count, context: context)
            }
        } catch {
            fail(.reply(error), context: context)
        }
    }

    private func deliver(_ reply: SMTPReply, hasMore: Bool, context: ChannelHandlerContext) {
        guard let exchange = current else {
            if early != nil { return fail(.reply(.malformed), context: context) }
            early = reply
            return
        }
        current = nil
        if exchange.isLastBeforeTLS, hasMore {
            exchange.promise.fail(SMTPFailure.earlyBytes)
            return fail(.earlyBytes, context: context)
        }
        exchange.promise.succeed(reply)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(SMTPConnection.failure(error), context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.closed, context: context)
        context.fireChannelInactive()
    }

    private func fail(_ failure: SMTPFailure, context: ChannelHandlerContext) {
        ending.note(failure)
        current?.promise.fail(ending.reason ?? failure)
        current = nil
        context.close(promise: nil)
    }
}
