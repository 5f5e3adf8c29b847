import AloftSystem
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// A small HTTP server whose socket is bound before it runs, so that a start fails as a whole or not at all.
///
/// For the control socket and the admin address; the data plane is the edge's. Hummingbird parses and routes; this
/// accepts, and closes what is past `connectionLimit` at once.
struct HTTPService: Service {
    typealias Child = HTTP1Channel.Value

    /// Connections that say nothing for so long are closed; streams that are being written are not idle.
    static let idleTimeout = TimeAmount.seconds(60)
    static let headLimit = 16 << 10

    enum Place: Sendable {
        case tcp(host: String, port: Int)
        /// A socket that is bound and does not listen yet; taken over.
        case descriptor(Int32)
    }

    private let server: NIOAsyncChannel<Child, Never>
    private let child: HTTP1Channel
    private let logger: Logger
    private let connectionLimit: Int

    /// Binds, and answers from `run` on.
    static func bind<Responder: HTTPResponder>(
        _ place: Place, responder: Responder, connectionLimit: Int, logger: Logger
    ) async throws -> HTTPService where Responder.Context == BasicRequestContext {
        let child = HTTP1Channel(
            responder: answer(with: responder, logger: logger),
            configuration: .init(
                idleTimeout: idleTimeout,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: headLimit, maxHeaderListSize: headLimit, maxHeaderFieldCount: 100)))
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 64)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
        let setUp: @Sendable (any Channel) -> EventLoopFuture<Child> = { child.setup(channel: $0, logger: logger) }
        let server: NIOAsyncChannel<Child, Never>
        switch place {
        case .tcp(let host, let port):
            server =
                try await bootstrap
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port, childChannelInitializer: setUp)
        case .descriptor(let descriptor):
            server = try await bootstrap.bind(descriptor, childChannelInitializer: setUp)
        }
        return HTTPService(server: server, child: child, logger: logger, connectionLimit: connectionLimit)
    }

    /// `127.0.0.1:9900`, with the port that was bound; nil for a Unix socket.
    var localAddress: String? {
        guard let address = server.channel.localAddress, let host = address.ipAddress, let port = address.port
        else { return nil }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    func run() async throws { await serve() }

    /// Accepts until graceful shutdown or `close`, then ends what is open.
    ///
    /// The end is the end of the listener, not of the loop: a connection that was accepted and is not taken by the loop
    /// would be a bug to NIO, which traps on a channel nobody finished.
    func serve() async {
        await withGracefulShutdownHandler {
            await acceptUntilClosed()
        } onGracefulShutdown: {
            close()
        }
    }

    private func acceptUntilClosed() async {
        let open = Counter()
        await withDiscardingTaskGroup { group in
            do {
                try await server.executeThenClose { inbound in
                    for try await connection in inbound {
                        let isTaken = open.enter(limit: connectionLimit)
                        group.addTask {
                            guard isTaken else { return await refuse(connection) }
                            await child.handle(value: connection, logger: logger)
                            open.leave()
                        }
                    }
                }
            } catch {
                logger.error("a listener ended", metadata: ["error": "\(error)"])
            }
            group.cancelAll()
        }
    }

    private func refuse(_ connection: Child) async {
        do {
            try await connection.executeThenClose { _, _ in }
        } catch {
            logger.debug("a refused connection did not close cleanly", metadata: ["error": "\(error)"])
        }
    }

    /// Ends `serve`.
    func close() { server.channel.close(promise: nil) }

    /// Closes a listener that was never served; to drop it unclosed is a bug to NIO.
    func discard() async {
        do {
            try await server.executeThenClose { _ in }
        } catch {
            logger.debug("a listener did not close cleanly", metadata: ["error": "\(error)"])
        }
    }

    private static func answer<Responder: HTTPResponder>(
        with responder: Responder, logger: Logger
    ) -> HTTPChannelHandler.Responder where Responder.Context == BasicRequestContext {
        { request, writer, channel in
            let context = BasicRequestContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
            let response: Response
            do {
                response = try await responder.respond(to: request, context: context)
            } catch let error as any HTTPResponseError {
                response = try error.response(from: request, context: context)
            }
            try await writer.write(response: response.head, body: response.body)
        }
    }
}

/// The system's reason without the wrapping of the reactor: `Address already in use`.
func listenFailure(_ error: any Error) -> String {
    guard let error = error as? IOError else { return "\(error)" }
    return SystemError.text(error.errnoCode)
}
