import Glibc

/// Chooses TCP ports for processes that will listen on them a moment later.
package enum FreePort {
    /// A port that nothing listens on, on any address, outside the range from which the system takes ports for outgoing
    /// connections: one of those might take it before the process binds it.
    ///
    /// - Parameters:
    ///   - preferred: Taken where it is free.
    ///   - excluded: Given to somebody who may not listen yet.
    /// - Throws: Where 200 tries found none.
    package static func choose(preferred: Int? = nil, excluded: Set<Int> = []) throws(SystemError) -> Int {
        if let preferred, !excluded.contains(preferred), try isFree(preferred) { return preferred }
        let range = listeningRange(ephemeral: ephemeralRange())
        for _ in 0..<200 {
            let port = Int.random(in: range)
            if !excluded.contains(port), try isFree(port) { return port }
        }
        throw SystemError("find a free port", "in \(range.lowerBound)-\(range.upperBound)", code: EADDRINUSE)
    }

    /// True where a socket can be bound to it on every address, IPv4 and IPv6.
    package static func isFree(_ port: Int) throws(SystemError) -> Bool {
        do throws(SystemError) {
            return try bind(port, family: AF_INET6)
        } catch  where error.code == EAFNOSUPPORT || error.code == EADDRNOTAVAIL {
            return try bind(port, family: AF_INET)
        }
    }

    /// 20000 up to the outgoing range where there is room, else the unprivileged ports below or above it.
    static func listeningRange(ephemeral: ClosedRange<Int>) -> ClosedRange<Int> {
        if ephemeral.lowerBound > 21_000 { return 20_000...(ephemeral.lowerBound - 1) }
        if ephemeral.upperBound < 64_500 { return (ephemeral.upperBound + 1)...65_535 }
        if ephemeral.lowerBound > 2_024 { return 1_024...(ephemeral.lowerBound - 1) }
        return 20_000...32_767
    }

    /// The kernel's default where it does not tell.
    private static func ephemeralRange() -> ClosedRange<Int> {
        let text = (try? readText("/proc/sys/net/ipv4/ip_local_port_range", limit: 64)) ?? ""
        let bounds = text.split { $0.isWhitespace }.compactMap { Int($0) }
        guard bounds.count == 2, bounds[0] <= bounds[1] else { return 32_768...60_999 }
        return bounds[0]...bounds[1]
    }

    /// Without SO_REUSEADDR, so that a port with connections in TIME_WAIT counts as taken: not every program sets it.
    private static func bind(_ port: Int, family: Int32) throws(SystemError) -> Bool {
        let number = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError("make a socket") }
        let owner = Descriptor(owning: number)
        let result =
            family == AF_INET6 ? SocketAddress.anyIPv6(port).bind(owner) : SocketAddress.anyIPv4(port).bind(owner)
        if result == 0 { return true }
        guard errno == EADDRINUSE || errno == EACCES else { throw SystemError("bind port", "\(port)") }
        return false
    }
}
