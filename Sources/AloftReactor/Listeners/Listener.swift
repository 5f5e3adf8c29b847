import AloftSystem
import CAloftReactor
import Glibc

/// Who new connections are for. Called on the loop; once a connection or less, so a protocol will do.
package protocol Acceptor: AnyObject {
    /// Who owns the new connection; nil closes it at once. The owner's `connected` follows, after the handshake with TLS.
    func accepted(_ transport: Transport, from peer: SocketAddress) -> StreamOwner?

    /// Accepting pauses for a second, for want of descriptors or memory; connections wait in the kernel's queue.
    func shortage(_ error: SystemError)
}

/// A listening socket on one loop.
///
/// Level-triggered, unlike connections: what a budget leaves is told again. A socket that several loops share wakes one
/// of them (EPOLLEXCLUSIVE).
package final class Listener: Watched {
    /// Connections accepted in one turn.
    static let budget = 64
    /// Nanoseconds that accepting rests after a shortage.
    static let rest: UInt64 = 1_000_000_000

    private let socket: Descriptor
    private let acceptor: any Acceptor
    private var isWatched = false
    private var isOpen = true
    /// For connections that are accepted from now on; nil for plain ones. Those that stand keep theirs.
    package var tls: TLSContext?

    init(_ loop: Loop, _ socket: Descriptor, _ acceptor: any Acceptor, _ tls: TLSContext?) {
        self.socket = socket
        self.acceptor = acceptor
        self.tls = tls
        super.init(loop, socket.number)
    }

    /// Accepts no more. Connections that were accepted stay; those in the kernel's queue are another loop's if it shares
    /// the socket, else they are reset.
    package func close() {
        guard isOpen else { return }
        isOpen = false
        // Another loop may hold the socket open, so that closing alone would not end the events.
        if isWatched { loop.unwatch(socket.number) }
        loop.closed.append(self)
    }

    override func stop() { close() }

    fileprivate func begin() {
        let result = loop.register(self, interest: aloft_interest_listener())
        if result == 0 { isWatched = true } else { pause(Int32(-result)) }
    }

    override func handle(_ events: UInt32) {
        var budget = Self.budget
        while isOpen, isWatched, budget > 0 {
            budget -= 1
            var peer = sockaddr_storage()
            var size = socklen_t()
            let number = aloft_accept(socket.number, &peer, &size)
            if number >= 0 {
                take(Int32(number), peer)
                continue
            }
            switch Int32(-number) {
            case EAGAIN: return
            // The connection was over before it was accepted, or failed in the network (accept(2)).
            case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH:
                continue
            case let code: pause(code)
            }
        }
    }

    private func take(_ number: Int32, _ peer: sockaddr_storage) {
        guard let transport = makeTransport(number) else {
            Glibc.close(number)
            return pause(ENOMEM)
        }
        loop.metrics.accepted &+= 1
        guard let owner = acceptor.accepted(transport, from: SocketAddress(peer) ?? .unix("")) else {
            loop.enlist(transport)
            return transport.end(.closed)
        }
        transport.owner = Unmanaged.passRetained(owner)
        let result = loop.register(transport, interest: aloft_interest_stream())
        guard result == 0 else {
            pause(Int32(-result))
            return transport.end(.failed(Int32(-result)))
        }
        transport.accepted()
    }

    /// Nil where there is no memory for TLS.
    private func makeTransport(_ number: Int32) -> Transport? {
        if let tls { return TLSTransport(loop, number, tls) }
        let transport = PlainTransport(loop, number, .open)
        transport.flags.insert(.writable)
        return transport
    }

    /// Nothing can be accepted now.
    private func pause(_ code: Int32) {
        if isWatched {
            loop.unwatch(socket.number)
            isWatched = false
        }
        loop.metrics.shortages &+= 1
        loop.wheel.set(self, loop.now &+ Self.rest)
        acceptor.shortage(SystemError("accept a connection", code: code))
    }

    override func expire(now: UInt64) {
        if isOpen { begin() }
    }
}

extension Loop {
    /// Accepts connections on a listening socket for `acceptor`, which lives as long.
    package func listen(on socket: Descriptor, for acceptor: any Acceptor, tls: TLSContext? = nil) -> Listener {
        let listener = Listener(self, socket, acceptor, tls)
        listener.begin()
        return listener
    }
}
