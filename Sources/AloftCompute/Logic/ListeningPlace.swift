import AloftModel
import AloftSystem

extension ListeningSocket {
    fileprivate var port: Int? { if case .tcp(_, let port) = self { port } else { nil } }
    fileprivate var host: String? { if case .tcp(let host, _) = self { host } else { nil } }
}

/// Says where a program listens that does not listen where it should, and what to change.
enum ListeningPlace {
    /// Sockets that are named; an application with more is told apart by its first ones.
    private static let most = 3

    /// - Parameters:
    ///   - address: Where the program was told to listen, as it sees it itself.
    ///   - container: Nil for a process.
    /// - Returns: Nil where it listens where it should.
    static func words(
        expecting address: ReplicaAddress, found: [ListeningSocket], container: ContainerSpec? = nil
    ) -> String? {
        let names = list(found)
        switch address {
        case .unix(let path):
            if found.contains(.unix(path: path)) { return nil }
            if found.isEmpty { return "it has not opened its socket $SOCKET yet" }
            return "it listens on \(names) and ignores $SOCKET (\(path)): start it with that, or use `listen: port`"
        case .port(let port):
            let onPort = found.filter { $0.port == port }
            if !onPort.isEmpty { return reachable(onPort, port, container) }
            guard !found.isEmpty else { return "it does not listen on any port yet" }
            let tcp = found.compactMap(\.port)
            guard let other = tcp.first else {
                return "it listens on the Unix socket \(names) and ignores $PORT (\(port)): start it with that, or use "
                    + "`listen: unix` and $SOCKET"
            }
            return elsewhere(names, other, port, container)
        case .nowhere: return nil
        }
    }

    /// The port is right and the host is not.
    private static func reachable(
        _ found: [ListeningSocket], _ port: Int, _ container: ContainerSpec?
    ) -> String? {
        let hosts = found.compactMap(\.host)
        let needed = container == nil ? "127.0.0.1" : "0.0.0.0"
        if hosts.contains("0.0.0.0") || container == nil && hosts.contains("127.0.0.1") { return nil }
        if hosts.allSatisfy({ $0 == "::" }) {
            return container == nil ? "it listens on [::]:\(port) for IPv6 alone: let it listen on \(needed)" : nil
        }
        return "it listens on \(list(found)) only: let it listen on \(needed)"
    }

    private static func elsewhere(_ names: String, _ other: Int, _ port: Int, _ container: ContainerSpec?) -> String {
        if let given = container?.port {
            return "it listens on \(names), not on `containerPort: \(given)`: write `containerPort: \(other)`"
        }
        if container != nil {
            return "it listens on \(names) and ignores $PORT (\(port)): write `containerPort: \(other)`"
        }
        return "it listens on \(names) and ignores $PORT (\(port)): start it with that, such as `--port ${PORT}` in "
            + "`command`"
    }

    private static func list(_ found: [ListeningSocket]) -> String {
        let names = found.map(\.description).sorted()
        let rest = names.count - most
        return names.prefix(most).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}
