import NIOCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension ClientConnection {
    /// Bytes written and not yet taken by the kernel.
    static func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
        do {
            return try context.channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0
        } catch {
            // A channel that is gone holds nothing.
            return 0
        }
    }

    /// Closes with RST and without TLS' farewell, so that nothing can be taken for an orderly end.
    static func reset(_ context: ChannelHandlerContext) {
        if let socket = context.channel as? any SocketOptionProvider {
            socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in
                // Closed already.
            }
        }
        do {
            try context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self).close(promise: nil)
        } catch {
            // Plain HTTP.
            context.close(promise: nil)
        }
    }
}

/// How far a client has taken what was written to it.
struct ClientProgress: Equatable {
    static let none = ClientProgress()

    /// Bytes that the client's kernel has acknowledged over the connection's life.
    private var acknowledged: UInt64 = 0

    private init() {}

    init(_ channel: any Channel) {
        #if os(Linux)
            guard let socket = channel as? any SocketOptionProvider else { return }
            let information: EventLoopFuture<Information> = socket.unsafeGetSocketOption(
                level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_INFO))
            var acknowledged: UInt64 = 0
            // On its own loop the answer is there at once.
            information.assumeIsolated().whenSuccess { acknowledged = $0.acknowledged }
            self.acknowledged = acknowledged
        #endif
    }

    #if os(Linux)
        /// The first 128 bytes of Linux' `struct tcp_info`, of which libc declares fewer; `tcpi_bytes_acked` is the last.
        private struct Information: Sendable {
            var before: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
            var more: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
            var acknowledged: UInt64 = 0
        }
    #endif
}
