import AloftModel

/// What the edge needs from outside.
package struct EdgePorts: Sendable {
    /// Takes whole JSON lines of the access log, gathered per loop for at most 200 ms; nil turns the log off.
    /// Must not block: it is called on event loops.
    package var accessLog: (@Sendable ([UInt8]) -> Void)?
    /// Told of a replica that refused a connection or closed it without an answer, at most once a second each.
    package var unreachable: @Sendable (ReplicaID) -> Void
    package var event: @Sendable (Event) -> Void
    /// Told of a service with `hold` that has requests waiting for a first replica: at most once a second each, again
    /// while they wait. Must not block: it is called on event loops.
    package var wanted: @Sendable (_ service: String) -> Void

    package init(
        accessLog: (@Sendable ([UInt8]) -> Void)?, unreachable: @escaping @Sendable (ReplicaID) -> Void,
        event: @escaping @Sendable (Event) -> Void, wanted: @escaping @Sendable (_ service: String) -> Void = { _ in }
    ) {
        self.accessLog = accessLog
        self.unreachable = unreachable
        self.event = event
        self.wanted = wanted
    }
}

/// A certificate ready for use: the chain, leaf first, and its key, both PEM.
package struct EdgeCertificate: Sendable, Hashable {
    package var hosts: [HostPattern]
    package var certificateChainPEM: [UInt8]
    package var privateKeyPEM: [UInt8]

    package init(hosts: [HostPattern], certificateChainPEM: [UInt8], privateKeyPEM: [UInt8]) {
        self.hosts = hosts
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
    }
}

/// What the machine decides rather than the file.
package struct EdgeConfiguration: Sendable {
    /// Event loops, each with a listening socket of its own; usually one per core.
    package var loops: Int
    /// Share of requests in the access log (`logs.access`).
    package var accessShare: Percent
    /// For so long after `start` requests of any service without replicas wait instead of being answered with 503, at
    /// most `firstWaitLimit` of them: after a restart the replicas that still run are found only little by little.
    package var firstWait: Duration

    package static let firstWaitLimit = 1000

    package init(loops: Int, accessShare: Percent, firstWait: Duration = .seconds(2)) {
        self.loops = max(1, loops)
        self.accessShare = accessShare
        self.firstWait = max(.zero, firstWait)
    }

    /// As many loops as cores, or as `ALOFT_EDGE_LOOPS` asks for: 1 to 256, for measuring and for shared machines.
    package static func loops(asked: String?, cores: Int) -> Int {
        guard let asked, let count = Int(asked), (1...256).contains(count) else { return cores }
        return count
    }
}
