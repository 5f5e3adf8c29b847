import Glibc

/// Addresses as the socket calls want them.
enum SocketAddress {
    case anyIPv4(Int)
    case anyIPv6(Int)
    case loopback(Int)
    case unix(String)

    /// Bytes a path may have, without the closing NUL (unix(7)).
    static let longestPath = 107

    var family: Int32 {
        switch self {
        case .anyIPv4, .loopback: AF_INET
        case .anyIPv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    func bind(_ socket: Descriptor) -> Int32 {
        withAddress { Glibc.bind(socket.number, $0, $1) }
    }

    func connect(_ socket: Descriptor) -> Int32 {
        withAddress { pointer, size in retrying { Glibc.connect(socket.number, pointer, size) } }
    }

    private func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        switch self {
        case .anyIPv4(let port): ipv4(INADDR_ANY, port, body)
        case .loopback(let port): ipv4(INADDR_LOOPBACK, port, body)
        case .anyIPv6(let port): ipv6(port, body)
        case .unix(let path): unix(path, body)
        }
    }

    private func ipv4(_ host: in_addr_t, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return withErased(&address, body)
    }

    private func ipv6(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = in_port_t(truncatingIfNeeded: port).bigEndian
        return withErased(&address, body)
    }

    private func unix(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        guard path.utf8.count <= Self.longestPath else {
            errno = ENAMETOOLONG
            return -1
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withErased(&address, body)
    }

    private func withErased<Address>(
        _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}
