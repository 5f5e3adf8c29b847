import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// A TLS client of the tests, on NIO's threads, asked from a thread that may block.
final class SecureWire: Sendable {
    private struct Seen {
        var bytes: [UInt8] = []
        var certificate: NIOSSLCertificate?
        var error: String?
        var isClosed = false
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let seen: Shared
        init(_ seen: Shared) { self.seen = seen }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            seen.value.withLock { $0.bytes += Array(buffer: unwrapInboundIn(data)) }
        }
        func channelInactive(context: ChannelHandlerContext) { seen.value.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            seen.value.withLock { $0.error = $0.error ?? "\(error)" }
            context.close(promise: nil)
        }
    }

    private final class Shared: Sendable { let value = Mutex(Seen()) }

    private let shared = Shared()
    private let channel: any Channel

    init(port: Int, name: String?, only version: TLSVersion? = nil) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .noHostnameVerification
        configuration.minimumTLSVersion = version ?? .tlsv1
        configuration.maximumTLSVersion = version
        let context = try NIOSSLContext(configuration: configuration)
        let shared = self.shared
        channel = try ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLClientHandler(
                            context: context, serverHostname: name,
                            customVerificationCallback: { chain, promise in
                                shared.value.withLock { $0.certificate = chain.first }
                                promise.succeed(.certificateVerified)
                            }), Collector(shared),
                    ])
                }
            }
            .connect(host: "127.0.0.1", port: port).wait()
    }

    deinit { channel.close(promise: nil) }

    func send(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }

    func finishSending() { channel.close(mode: .output, promise: nil) }

    func close() { channel.close(promise: nil) }

    var text: String { shared.value.withLock { String(decoding: $0.bytes, as: UTF8.self) } }
    var count: Int { shared.value.withLock { $0.bytes.count } }
    var isClosed: Bool { shared.value.withLock { $0.isClosed } }
    /// What broke the connection, such as an end without TLS' farewell.
    var error: String? { shared.value.withLock { $0.error } }
    var certificate: NIOSSLCertificate? { shared.value.withLock { $0.certificate } }

    /// Waits for text among what has come.
    func wait(for text: String) throws {
        try eventually("\(text) over TLS") {
            if self.text.contains(text) { return true }
            if isClosed { throw WireError.ended("\(error ?? "closed") after \(self.text.prefix(200))") }
            return false
        }
    }

    func waitForEnd() throws { try eventually("the end over TLS") { isClosed } }
}
