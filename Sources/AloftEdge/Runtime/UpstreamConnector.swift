import AloftModel
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Opens connections to replicas.
enum UpstreamConnector {
    /// Connects within `timeout` nanoseconds and calls back on the loop.
    static func connect(
        to backend: Backend, on loop: EdgeLoop, timeout: UInt64,
        _ done: @escaping (Result<UpstreamConnection, any Error>) -> Void
    ) {
        let connection = UpstreamConnection(loop: loop, backend: backend)
        let bound = NIOLoopBound(connection, eventLoop: loop.eventLoop)
        let bootstrap = ClientBootstrap(group: loop.eventLoop)
            .connectTimeout(.nanoseconds(Int64(clamping: timeout)))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.maxMessagesPerRead, value: 2)
            // Once a replica has closed, all that the kernel holds is read, whether the client takes it or not; left to
            // itself that grows to megabytes.
            .channelOption(.socketOption(.so_rcvbuf), value: 64 * 1024)
            .channelOption(.writeBufferWaterMark, value: .init(low: 32 * 1024, high: 64 * 1024))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        let future: EventLoopFuture<any Channel>
        switch backend.endpoint.address {
        case .port(let port):
            do {
                future = bootstrap.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: port))
            } catch {
                future = loop.eventLoop.makeFailedFuture(error)
            }
        case .unix(let path): future = bootstrap.connect(unixDomainSocketPath: path)
        case .nowhere: future = loop.eventLoop.makeFailedFuture(ChannelError.connectPending)
        }
        future.assumeIsolated().whenComplete { result in
            done(result.map { _ in connection })
        }
    }

    /// Whether a connection failed for want of descriptors, ports or memory on this side.
    static func isOwnShortage(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL].contains(error.errnoCode)
    }
}
