import Glibc

/// A socket on which a process waits for connections, as the kernel lists it.
package enum ListeningSocket: Sendable, Hashable, CustomStringConvertible {
    /// `host` is an IPv4 address, or an IPv6 address without brackets.
    case tcp(host: String, port: Int)
    case unix(path: String)

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

extension ListeningSocket {
    /// Processes, descriptors of one process, and bytes of a list that are looked at; listening sockets come first.
    private static let mostProcesses = 64
    private static let mostDescriptors = 4096
    private static let mostBytes = 256 << 10

    /// Where these processes listen, in no order; all are in the network namespace of the first.
    ///
    /// Processes that end meanwhile, and those of other users, are left out.
    package static func of(_ pids: [Int32]) -> [ListeningSocket] {
        guard let first = pids.first else { return [] }
        var inodes: Set<UInt64> = []
        for pid in pids.prefix(mostProcesses) { inodes.formUnion(sockets(of: pid)) }
        if inodes.isEmpty { return [] }
        var found: [ListeningSocket] = []
        for file in ["tcp", "tcp6", "unix"] {
            // A machine without IPv6 has no tcp6; a process that has just ended has none at all.
            guard let text = try? readText("/proc/\(first)/net/\(file)", limit: mostBytes) else { continue }
            found += text.split(separator: "\n").dropFirst().compactMap { line -> ListeningSocket? in
                let listed = file == "unix" ? ofUnixList(line) : ofInternetList(line)
                guard let listed, inodes.contains(listed.inode) else { return nil }
                return listed.socket
            }
        }
        return found
    }

    private static func sockets(of pid: Int32) -> [UInt64] {
        let folder = "/proc/\(pid)/fd"
        guard let names = try? Directories.names(in: folder) else { return [] }
        return names.prefix(mostDescriptors).compactMap { name -> UInt64? in
            var buffer = [CChar](repeating: 0, count: 64)
            guard readlink("\(folder)/\(name)", &buffer, buffer.count - 1) > 0 else { return nil }
            let target = string(ofCharacters: buffer)
            guard target.hasPrefix("socket:[") else { return nil }
            return UInt64(target.dropFirst(8).dropLast())
        }
    }

    /// A line of `/proc/net/tcp` or `tcp6` (proc_net(5)) of a socket in the state LISTEN.
    static func ofInternetList(_ line: Substring) -> (socket: ListeningSocket, inode: UInt64)? {
        let fields = line.split(separator: " ")
        guard fields.count > 9, fields[3] == "0A", let inode = UInt64(fields[9]) else { return nil }
        let parts = fields[1].split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1], radix: 16), let host = host(parts[0]) else { return nil }
        return (.tcp(host: host, port: port), inode)
    }

    /// Words of 32 bits in the order of the machine's own bytes.
    private static func host(_ text: Substring) -> String? {
        guard text.utf8.count == 8 || text.utf8.count == 32 else { return nil }
        var words: [UInt32] = []
        var rest = text
        while !rest.isEmpty {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            words.append(word)
            rest = rest.dropFirst(8)
        }
        var buffer = [CChar](repeating: 0, count: 64)
        let family = words.count == 1 ? AF_INET : AF_INET6
        guard inet_ntop(family, words, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return string(ofCharacters: buffer)
    }

    /// A line of `/proc/net/unix`: flags have the bit of a socket that listens.
    static func ofUnixList(_ line: Substring) -> (socket: ListeningSocket, inode: UInt64)? {
        let fields = line.split(separator: " ", maxSplits: 7)
        guard fields.count == 8, fields[3] == "00010000", let inode = UInt64(fields[6]) else { return nil }
        return (.unix(path: String(fields[7])), inode)
    }
}
