import AloftSystem
import CAloftReactor
import Glibc

/// The sockets of one address: one for each loop, so that the kernel shares out connections among them (SO_REUSEPORT);
/// a Unix socket, or one that was inherited, is a single one that all loops watch.
///
/// Opened before any loop knows of them, so that a refused address changes nothing.
package struct ListeningSockets: Sendable {
    /// Connections that may wait in the kernel; `/proc/sys/net/core/somaxconn` may be less.
    static let backlog: Int32 = 4096

    /// What is bound; of port 0 the port that the kernel chose.
    package let address: SocketAddress
    /// One for each loop, in any order.
    package let sockets: [Descriptor]

    /// Binds and listens.
    ///
    /// - Parameter sharesAddress: For an address that this process listens on already and is about to leave. Otherwise it
    ///   is asked for without SO_REUSEPORT first, which would share it with a stranger of the same user.
    package static func open(
        _ address: SocketAddress, loops: Int, sharesAddress: Bool = false
    ) throws(ReactorError) -> ListeningSockets {
        if case .unix(let path) = address { return try openUnix(path, loops: loops) }
        if !sharesAddress, address.port != 0 { _ = try bind(address, shared: false) }
        var sockets: [Descriptor] = []
        var bound = address
        for _ in 0..<loops {
            let socket = try bind(bound, shared: true)
            sockets.append(socket)
            do throws(SystemError) {
                bound = try SocketAddress.bound(to: socket)
            } catch {
                throw refusal(error.code, address)
            }
        }
        return ListeningSockets(address: bound, sockets: sockets)
    }

    /// Takes over a listening socket that this process was started with, whoever bound it.
    ///
    /// - Parameter number: The descriptor, which belongs to the result from now on.
    package static func adopt(_ number: Int32, loops: Int) throws(ReactorError) -> ListeningSockets {
        guard aloft_is_listening(number) != 0 else {
            throw ReactorError(
                code: .cannotListen, message: "descriptor \(number) is no listening stream socket",
                hint: "pass one on which listen(2) was called, or leave it out")
        }
        let socket = Descriptor(owning: number)
        do throws(SystemError) {
            let made = aloft_make_ready(number)
            guard made == 0 else { throw SystemError("use an inherited socket", code: Int32(-made)) }
            let address = try SocketAddress.bound(to: socket)
            if address.port != nil { _ = aloft_set_nodelay(number) }
            return ListeningSockets(address: address, sockets: Array(repeating: socket, count: loops))
        } catch {
            throw ReactorError(
                code: .cannotListen, message: "can't use inherited descriptor \(number): \(error)",
                hint: "pass a TCP or Unix stream socket")
        }
    }

    private static func openUnix(_ path: String, loops: Int) throws(ReactorError) -> ListeningSockets {
        let address = SocketAddress.unix(path)
        do throws(SystemError) {
            let socket = Descriptor(owning: try PrivateSocket.bind(path: path))
            let made = aloft_make_ready(socket.number)
            guard made == 0 else { throw SystemError("listen on", path, code: Int32(-made)) }
            guard Glibc.listen(socket.number, backlog) == 0 else { throw SystemError("listen on", path) }
            return ListeningSockets(address: address, sockets: Array(repeating: socket, count: loops))
        } catch {
            throw refusal(error.code, address)
        }
    }

    private static func bind(_ address: SocketAddress, shared: Bool) throws(ReactorError) -> Descriptor {
        let number = aloft_stream_socket(address.family)
        guard number >= 0 else { throw refusal(Int32(-number), address) }
        let socket = Descriptor(owning: Int32(number))
        _ = aloft_set_option(socket.number, SOL_SOCKET, SO_REUSEADDR, 1)
        // Connections inherit it from their listening socket.
        _ = aloft_set_nodelay(socket.number)
        if shared {
            let result = aloft_set_option(socket.number, SOL_SOCKET, SO_REUSEPORT, 1)
            guard result == 0 else { throw refusal(-result, address) }
        }
        guard address.bind(socket) == 0, Glibc.listen(socket.number, backlog) == 0 else {
            throw refusal(errno, address)
        }
        return socket
    }

    private static func refusal(_ code: Int32, _ address: SocketAddress) -> ReactorError {
        switch code {
        case EADDRINUSE:
            ReactorError(
                code: .addressInUse, message: "\(address) is taken: another program listens there",
                hint: "stop it (`ss -ltnxp` names it), or choose another address")
        case EACCES, EPERM:
            ReactorError(
                code: .permissionDenied, message: "this user may not listen on \(address)",
                hint: "ports below 1024 need root or CAP_NET_BIND_SERVICE; a Unix socket needs a folder to write to")
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            ReactorError(
                code: .addressNotAvailable, message: "this machine has no address for \(address)",
                hint: "use 0.0.0.0 for every address, or one that `ip addr` shows")
        case EMFILE, ENFILE:
            ReactorError(
                code: .cannotListen, message: "can't listen on \(address): \(SystemError.text(code))",
                hint: "raise the limit of open files (ulimit -n)")
        default:
            ReactorError(
                code: .cannotListen, message: "can't listen on \(address): \(SystemError.text(code))",
                hint: "check the address")
        }
    }
}
