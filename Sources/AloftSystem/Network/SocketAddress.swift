import Glibc

/// Addresses as the socket calls want them.
package enum SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// The address as a number, its first byte the highest.
    case ipv4(UInt32, port: Int)
    /// The upper and the lower half, the same.
    case ipv6(UInt64, UInt64, port: Int)
    /// Empty for a peer that has no name of its own.
    case unix(String)

    /// Bytes a path may have, without the closing NUL (unix(7)).
    static let longestPath = 107

    package static func anyIPv4(_ port: Int) -> SocketAddress { .ipv4(INADDR_ANY, port: port) }
    package static func anyIPv6(_ port: Int) -> SocketAddress { .ipv6(0, 0, port: port) }
    package static func loopback(_ port: Int) -> SocketAddress { .ipv4(INADDR_LOOPBACK, port: port) }

    /// A numeric IPv4 or IPv6 address, without brackets; nil for anything else. Names are not looked up.
    package init?(host: String, port: Int) {
        guard 0...65_535 ~= port else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 {
            self = .ipv4(UInt32(bigEndian: four.s_addr), port: port)
            return
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, host, &six) == 1 else { return nil }
        self = .ipv6(six, port: in_port_t(port).bigEndian)
    }

    /// What accept(2) or getsockname(2) gave; nil for a family that is none of these.
    package init?(_ storage: sockaddr_storage) {
        switch Int32(storage.ss_family) {
        case AF_INET:
            let address = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in.self) }
            self = .ipv4(UInt32(bigEndian: address.sin_addr.s_addr), port: Int(UInt16(bigEndian: address.sin_port)))
        case AF_INET6:
            let address = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in6.self) }
            self = .ipv6(address.sin6_addr, port: address.sin6_port)
        case AF_UNIX:
            let path = withUnsafeBytes(of: storage) { $0.dropFirst(MemoryLayout<sa_family_t>.size).prefix { $0 != 0 } }
            self = .unix(String(decoding: path, as: UTF8.self))
        default: return nil
        }
    }

    /// `port` in the network's order.
    private static func ipv6(_ address: in6_addr, port: in_port_t) -> SocketAddress {
        withUnsafeBytes(of: address) { bytes in
            .ipv6(
                UInt64(bigEndian: bytes.load(as: UInt64.self)),
                UInt64(bigEndian: bytes.load(fromByteOffset: 8, as: UInt64.self)), port: Int(UInt16(bigEndian: port)))
        }
    }

    package var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Of an address that has one.
    package var port: Int? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port): port
        case .unix: nil
        }
    }

    /// `127.0.0.1:80`, `[::1]:80`, or a path.
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        switch self {
        case .ipv4(let host, let port):
            var address = in_addr(s_addr: host.bigEndian)
            inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
            return "\(string(ofCharacters: text)):\(port)"
        case .ipv6(let upper, let lower, let port):
            var address = (upper.bigEndian, lower.bigEndian)
            inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
            return "[\(string(ofCharacters: text))]:\(port)"
        case .unix(let path): return path
        }
    }

    /// What bind(2) and connect(2) return; errno says why where that is -1.
    package func bind(_ socket: Descriptor) -> Int32 {
        withAddress { Glibc.bind(socket.number, $0, $1) }
    }

    package func connect(_ socket: Descriptor) -> Int32 { connect(socket.number) }

    package func connect(_ socket: Int32) -> Int32 {
        withAddress { pointer, size in retrying { Glibc.connect(socket, pointer, size) } }
    }

    /// Where a socket is bound.
    package static func bound(to socket: Descriptor) throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.number, $0, &size) }
        }
        guard result == 0 else { throw SystemError("ask for the address of a socket") }
        guard let address = SocketAddress(storage) else {
            throw SystemError("ask for the address of a socket", code: EAFNOSUPPORT)
        }
        return address
    }

    private func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        switch self {
        case .ipv4(let host, let port): ipv4(host, port, body)
        case .ipv6(let upper, let lower, let port): ipv6((upper.bigEndian, lower.bigEndian), port, body)
        case .unix(let path): unix(path, body)
        }
    }

    private func ipv4(_ host: UInt32, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return withErased(&address, body)
    }

    private func ipv6(
        _ host: (UInt64, UInt64), _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = in_port_t(truncatingIfNeeded: port).bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
            withUnsafeBytes(of: host) { bytes.copyMemory(from: $0) }
        }
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
