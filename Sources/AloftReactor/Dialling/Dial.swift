import AloftSystem
import CAloftReactor
import Glibc

extension Loop {
    /// Opens a connection, over TCP or to a Unix socket, without waiting for it.
    ///
    /// However it fails, now or later, the owner hears `closed(.refused)` with the errno, and never before this returns.
    /// What is written meanwhile is queued.
    ///
    /// - Parameters:
    ///   - timeout: Nanoseconds until it is given up with ETIMEDOUT, to 100 ms.
    ///   - receiveBuffer: Bytes the kernel may hold of what the peer sends (SO_RCVBUF); nil for its own choice.
    ///   - owner: Makes the owner, which may keep the transport.
    @discardableResult
    package func dial(
        _ address: SocketAddress, timeout: UInt64, receiveBuffer: Int? = nil, owner: (Transport) -> StreamOwner
    ) -> Transport {
        let number = aloft_stream_socket(address.family)
        let transport = PlainTransport(self, Int32(max(-1, number)), .dialling)
        transport.owner = Unmanaged.passRetained(owner(transport))
        metrics.dialled &+= 1
        guard number >= 0 else {
            enlist(transport)
            transport.end(.refused(Int32(-number)))
            return transport
        }
        prepare(transport.descriptor, address, receiveBuffer)
        let code = connect(transport.descriptor, address)
        guard code == 0 || code == EINPROGRESS else {
            enlist(transport)
            transport.end(.refused(code))
            return transport
        }
        let result = register(transport, interest: aloft_interest_stream())
        if result == 0 {
            wheel.set(transport, now &+ timeout)
        } else {
            transport.end(.refused(Int32(-result)))
        }
        return transport
    }

    private func prepare(_ number: Int32, _ address: SocketAddress, _ receiveBuffer: Int?) {
        if address.port != nil { _ = aloft_set_nodelay(number) }
        if let receiveBuffer {
            // More than net.core.rmem_max is cut to that.
            _ = aloft_set_option(number, SOL_SOCKET, SO_RCVBUF, Int32(clamping: receiveBuffer))
        }
    }

    /// Returns an errno.
    private func connect(_ number: Int32, _ address: SocketAddress) -> Int32 {
        guard case .unix(let path) = address, path.utf8.count > SocketPath.longest else {
            return address.connect(number) == 0 ? 0 : errno
        }
        do throws(SystemError) {
            let short = try SocketPath(path)
            defer { withExtendedLifetime(short) {} }
            return SocketAddress.unix(short.text).connect(number) == 0 ? 0 : errno
        } catch {
            return error.code
        }
    }
}
