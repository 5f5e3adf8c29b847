import AloftModel
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What a listener's connections are.
struct ListenerRole: Sendable {
    var isTLS: Bool
    var redirectsToHTTPS: Bool
}

/// The open listening sockets: for each address of the file one socket a loop, joined by SO_REUSEPORT.
final class Listeners: Sendable {
    private struct Open: Sendable {
        let spec: ListenerSpec
        let address: Address
        let channels: [any Channel]
    }

    private let loops: [EdgeLoop]
    private let gate: ConnectionGate
    private let open = Mutex<[Open]>([])

    init(loops: [EdgeLoop], gate: ConnectionGate) {
        self.loops = loops
        self.gate = gate
    }

    /// Opens all of `specs` or none; returns the bound addresses in their order.
    func open(_ specs: [ListenerSpec]) async throws(EdgeError) -> [Address] {
        try await replace(with: specs) {}
    }

    /// Opens what is new, calls `swap`, closes what is gone; what stays is not touched. Throws before `swap`.
    func replace(with specs: [ListenerSpec], _ swap: () -> Void) async throws(EdgeError) -> [Address] {
        let present = open.withLock { $0 }
        var next: [Open] = []
        var fresh: [Open] = []
        let stays = Self.match(present.map(\.spec), specs)
        let leaving = present.indices.filter { !stays.contains($0) }.map { present[$0] }
        for (spec, same) in zip(specs, stays) {
            if let same {
                next.append(present[same])
                continue
            }
            // A listener that changes its role on the same address takes over the address below.
            let isTakeover = leaving.contains { $0.spec.address == spec.address }
            do throws(EdgeError) {
                let opened = try await bind(spec, sharesAddress: isTakeover)
                fresh.append(opened)
                next.append(opened)
            } catch {
                for opened in fresh { await close(opened) }
                throw error
            }
        }
        swap()
        open.withLock { $0 = next }
        for old in leaving { await close(old) }
        return next.map(\.address)
    }

    /// For each of `wanted` the number of the open one that stays for it; each stays for one only, since two that ask
    /// for any free port look alike.
    private static func match(_ present: [ListenerSpec], _ wanted: [ListenerSpec]) -> [Int?] {
        var free = Array(present.indices)
        return wanted.map { spec in
            guard let place = free.firstIndex(where: { isSame(present[$0], spec) }) else { return nil }
            return free.remove(at: place)
        }
    }

    /// What its sockets are depends on no other part of a listener.
    private static func isSame(_ one: ListenerSpec, _ other: ListenerSpec) -> Bool {
        one.address == other.address && one.tls == other.tls && one.redirectsToHTTPS == other.redirectsToHTTPS
    }

    func closeAll() async {
        let present = open.withLock { listeners in
            defer { listeners = [] }
            return listeners
        }
        for listener in present { await close(listener) }
    }

    private func close(_ listener: Open) async {
        for channel in listener.channels {
            do {
                try await channel.close()
            } catch {
                // Closed already: what was asked for.
                continue
            }
        }
    }

    private func bind(_ spec: ListenerSpec, sharesAddress: Bool) async throws(EdgeError) -> Open {
        let wanted: SocketAddress
        do {
            wanted = try SocketAddress(ipAddress: spec.address.host, port: spec.address.port)
        } catch {
            throw EdgeError(
                code: .addressNotAvailable, message: "\(spec.address) is not an address to listen on",
                hint: "write a numeric address and a port, such as 127.0.0.1:8080")
        }
        // SO_REUSEPORT would share the port with a stranger of the same user: ask without it first.
        if !sharesAddress { try probe(wanted, spec.address) }
        var channels: [any Channel] = []
        var address = wanted
        for loop in loops {
            do {
                let channel = try await bootstrap(spec, loop).bind(to: address).get()
                channels.append(channel)
                if let bound = channel.localAddress { address = bound }
            } catch {
                for channel in channels { channel.close(promise: nil) }
                throw Self.explain(error, spec.address)
            }
        }
        return Open(
            spec: spec, address: Address(host: spec.address.host, port: address.port ?? spec.address.port),
            channels: channels)
    }

    private func bootstrap(_ spec: ListenerSpec, _ loop: EdgeLoop) -> ServerBootstrap {
        let role = ListenerRole(isTLS: spec.tls, redirectsToHTTPS: spec.redirectsToHTTPS)
        let gate = self.gate
        return ServerBootstrap(group: loop.eventLoop, childGroup: loop.eventLoop)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(ChannelOptions.Types.SocketOption(level: .socket, name: Self.reusePort), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 2)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 32 * 1024, high: 96 * 1024))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.accept(channel, loop: loop, gate: gate, role: role) }
            }
    }

    private static func accept(_ channel: any Channel, loop: EdgeLoop, gate: ConnectionGate, role: ListenerRole) throws
    {
        guard let remote = channel.remoteAddress, let text = remote.ipAddress,
            let peer = PeerAddress(text: Array(text.utf8)), !role.isTLS || loop.snapshot.tls != nil,
            gate.enter(peer, isTrusted: loop.snapshot.trusted.contains(peer))
        else {
            channel.close(promise: nil)
            return
        }
        let connection = ClientConnection(loop: loop, peer: peer, peerText: Array(text.utf8), role: role)
        do {
            if role.isTLS, let tls = loop.snapshot.tls {
                try channel.pipeline.syncOperations.addHandler(tls.makeHandler())
            }
            try channel.pipeline.syncOperations.addHandler(connection)
        } catch {
            gate.leave(peer)
            throw error
        }
    }

    /// Binds once without SO_REUSEPORT, which fails while anybody listens there.
    private func probe(_ wanted: SocketAddress, _ address: Address) throws(EdgeError) {
        guard address.port != 0 else { return }
        let descriptor = socket(wanted.protocol == .inet6 ? AF_INET6 : AF_INET, Self.streamType, 0)
        guard descriptor >= 0 else { throw Self.explain(errno: errno, address) }
        defer { Glibc.close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let result = wanted.withSockAddr { pointer, size in
            let bound = Glibc.bind(descriptor, pointer, socklen_t(size))
            return bound == 0 ? Glibc.listen(descriptor, 1) : bound
        }
        if result != 0 { throw Self.explain(errno: errno, address) }
    }

    private static let reusePort = NIOBSDSocket.Option(rawValue: SO_REUSEPORT)
    private static let streamType = Int32(SOCK_STREAM.rawValue)

    private static func explain(_ error: any Error, _ address: Address) -> EdgeError {
        if let error = error as? IOError { return explain(errno: error.errnoCode, address) }
        return EdgeError(
            code: .cannotListen, message: "can't listen on \(address): \(error)", hint: "try another address")
    }

    private static func explain(errno code: Int32, _ address: Address) -> EdgeError {
        switch code {
        case EADDRINUSE:
            EdgeError(
                code: .addressInUse, message: "\(address) is taken: another program listens there",
                hint: "stop it (`ss -ltnp 'sport = :\(address.port)'` names it), or change edge.listeners")
        case EACCES, EPERM:
            EdgeError(
                code: .permissionDenied, message: "this user may not listen on \(address)",
                hint: "ports below 1024 need root or CAP_NET_BIND_SERVICE; or choose a higher port")
        case EADDRNOTAVAIL:
            EdgeError(
                code: .addressNotAvailable, message: "this machine has no address \(address.host)",
                hint: "use 0.0.0.0 for every address, or one that `ip addr` shows")
        default:
            EdgeError(
                code: .cannotListen, message: "can't listen on \(address): \(String(cString: strerror(code)))",
                hint: code == EMFILE || code == ENFILE
                    ? "raise the limit of open files (ulimit -n)" : "check the address under edge.listeners")
        }
    }
}
