import AloftModel
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The front door: listens, routes each request to a replica and passes the answer back.
///
/// One event loop a core, each with listening sockets, upstream connections and counters of its own; loops share
/// nothing but an immutable snapshot of the routes and two connection counts.
package final class Edge: Sendable {
    private let group: MultiThreadedEventLoopGroup
    let loops: [EdgeLoop]
    private let listeners: Listeners
    private let gate: ConnectionGate
    private let ports: EdgePorts
    private let firstListeners: [ListenerSpec]
    private let firstWait: UInt64
    /// Held while something is handed to every loop, so that all of them hear two callers in the same order.
    private let handing = Mutex(())
    private let nextProbe = Atomic<Int>(0)

    /// Compiles the plan; opens nothing yet.
    ///
    /// Throws `unknownService` or `certificate` for a plan that can't be served.
    package init(
        spec: EdgeSpec, services: [EdgeService], certificates: [EdgeCertificate], ports: EdgePorts,
        configuration: EdgeConfiguration, logger: Logger
    ) throws(EdgeError) {
        let snapshot = try EdgeSnapshot(
            spec: spec, services: services, certificates: certificates, accessShare: configuration.accessShare)
        let gate = ConnectionGate(limits: spec.limits)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.loops)
        self.group = group
        self.gate = gate
        self.ports = ports
        self.firstListeners = spec.listeners
        self.firstWait = UInt64(clamping: configuration.firstWait.nanoseconds)
        let holds = HoldGate()
        self.loops = group.makeIterator().map { eventLoop in
            EdgeLoop(eventLoop: eventLoop, snapshot: snapshot, gate: gate, holds: holds, ports: ports, logger: logger)
        }
        self.listeners = Listeners(loops: loops, gate: gate)
    }

    /// Opens every listener and returns their addresses, in the order of the file; opens none if one can't be.
    package func start() async throws(EdgeError) -> [Address] {
        let waitsUntil = monotonicNow() &+ firstWait
        for loop in loops { loop.startTicking(firstWaitUntil: waitsUntil) }
        return try await listeners.open(firstListeners)
    }

    /// Takes over a new plan: requests that have begun end as they began, all others see the new one.
    ///
    /// Listeners that stay are not touched, so no connection is lost. Throws, and changes nothing, when a certificate
    /// or a new listener is not to be had.
    package func apply(
        spec: EdgeSpec, services: [EdgeService], certificates: [EdgeCertificate], accessShare: Percent
    ) async throws(EdgeError) -> [Address] {
        let snapshot = try EdgeSnapshot(
            spec: spec, services: services, certificates: certificates, accessShare: accessShare)
        let addresses = try await listeners.replace(with: spec.listeners) {
            for loop in self.loops { loop.publish(snapshot) }
        }
        gate.change(limits: spec.limits)
        // Who waits for this may rely on every later request seeing the new plan.
        for loop in loops { await loop.submit { _ in } }
        return addresses
    }

    /// Puts a replica into rotation on every loop.
    package func admit(_ endpoint: Endpoint) {
        for loop in loops { loop.eventLoop.execute { loop.admit(endpoint) } }
    }

    /// Takes a replica out of rotation on every loop; requests under way go on.
    package func eject(_ replica: ReplicaID) {
        for loop in loops { loop.eventLoop.execute { loop.eject(replica) } }
    }

    /// Shares the requests of `service` between two releases; nil makes all its replicas equal again.
    ///
    /// Returns once every loop follows it. The same split again changes nothing. It stands until it is changed, also
    /// across `apply`, and may come before any replica of its releases, or the plan that names the service, is there.
    package func split(_ split: TrafficSplit?, of service: String) async {
        let followed = handing.withLock { _ in
            loops.map { loop in loop.eventLoop.submit { loop.split(split, of: service) } }
        }
        for (loop, future) in zip(loops, followed) {
            do {
                try await future.get()
            } catch {
                // A loop that was shut down sends no requests.
                loop.logger.debug("a stopped edge was given a split", metadata: ["service": "\(service)"])
            }
        }
    }

    /// Sends one GET to a replica of `release` and reads the whole answer: counted as an attempt like any other, not
    /// as a request of a client.
    ///
    /// Ends after `limit` at the latest. At most `Aside.probeLimit` are under way on a loop.
    package func probe(
        service: String, release: Int, path: String, host: String, fields: [HeaderRules.Field] = [],
        within limit: Duration = .seconds(10)
    ) async -> ProbeOutcome {
        guard let head = ProbeHead(path: path, host: host, fields: fields) else { return .invalid }
        let turn = nextProbe.wrappingAdd(1, ordering: .relaxed).newValue
        let loop = loops[Int(UInt(bitPattern: turn) % UInt(loops.count))]
        do {
            return try await loop.eventLoop.flatSubmit {
                loop.probe(head, service: service, release: release, limit: limit)
            }
            .get()
        } catch {
            return .stopped
        }
    }

    /// Waits until no request is under way to `replica`, at most `within`; returns how many still are.
    package func drained(_ replica: ReplicaID, within limit: Duration) async -> Int {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while true {
            var underWay = 0
            for loop in loops { underWay += await loop.submit { $0.underWay(replica) } }
            if underWay == 0 || clock.now >= deadline { return underWay }
            do {
                try await clock.sleep(for: .milliseconds(10))
            } catch {
                return underWay
            }
        }
    }

    /// The counters of all loops, added up.
    package func statistics() async -> EdgeStatistics {
        var merger = StatisticsMerger()
        for loop in loops { merger.add(await loop.submit { $0.report() }) }
        return merger.merged(gate: gate)
    }

    /// Stops accepting, lets requests end for at most `drain`, then closes what is left.
    ///
    /// The loops go on, since others may still ask about replicas; `close` ends them.
    package func stop(drain: Duration) async {
        await listeners.closeAll()
        for loop in loops { await loop.submit { $0.beginDraining() } }
        let clock = ContinuousClock()
        let deadline = clock.now + drain
        while clock.now < deadline, gate.open > 0 {
            do {
                try await clock.sleep(for: .milliseconds(10))
            } catch {
                break
            }
        }
        for loop in loops { await loop.submit { $0.closeEverything() } }
    }

    /// Ends the loops of an edge that was stopped; nothing may be asked of it any more.
    package func close() async {
        do {
            try await group.shutdownGracefully()
        } catch {
            ports.event(
                Event(
                    time: WallClock.now, severity: .warning, kind: "edge.stopped", subject: "edge",
                    message: "event loops did not end cleanly: \(error)"))
        }
    }
}
