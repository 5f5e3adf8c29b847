import AloftModel
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// The admin address, which a reload may move, open or close.
final class AdminServer: Service {
    static let connectionLimit = 64

    private let routes: AdminRoutes
    private let logger: Logger
    private let current: Mutex<HTTPService?>
    private let services: AsyncStream<HTTPService>
    private let feed: AsyncStream<HTTPService>.Continuation

    /// Binds, where there is an address; answers from `run` on.
    init(_ address: Address?, routes: AdminRoutes, logger: Logger) async throws(DaemonError) {
        self.routes = routes
        self.logger = logger
        // Not bounded, since a listener must not be dropped; reloads are made one at a time.
        (services, feed) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
        var first: HTTPService?
        if let address { first = try await Self.bind(address, routes, logger) }
        current = Mutex(first)
        if let first { feed.yield(first) }
    }

    /// `127.0.0.1:9900` as it was bound.
    var address: String? { current.withLock { $0?.localAddress } }

    /// A listener on a new address, which `adopt` puts in place of the present one.
    func prepare(_ address: Address) async throws(DaemonError) -> HTTPService {
        try await Self.bind(address, routes, logger)
    }

    /// Takes over a prepared listener, or none, and closes the one before.
    func adopt(_ service: HTTPService?) async {
        let old = current.withLock { current in
            defer { current = service }
            return current
        }
        old?.close()
        // `run` is over: nobody will serve it.
        if let service, case .terminated = feed.yield(service) { await service.discard() }
    }

    /// Closes a server that will never run.
    func discard() async {
        feed.finish()
        for await service in services { await service.discard() }
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await service in services {
                    group.addTask { await service.serve() }
                }
            }
        } onGracefulShutdown: { [self] in
            feed.finish()
            current.withLock { $0 }?.close()
        }
    }

    private static func bind(
        _ address: Address, _ routes: AdminRoutes, _ logger: Logger
    ) async throws(DaemonError) -> HTTPService {
        do {
            return try await HTTPService.bind(
                .tcp(host: address.host, port: address.port), responder: routes.router().buildResponder(),
                connectionLimit: connectionLimit, logger: logger)
        } catch {
            throw DaemonError(
                .listen, "edge.admin cannot listen on \(address): \(listenFailure(error))",
                hint: "stop what listens there, choose another address, or write `admin: off`")
        }
    }
}
