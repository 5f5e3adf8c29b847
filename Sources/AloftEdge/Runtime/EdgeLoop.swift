import AloftHTTP
import AloftModel
import Logging
import NIOCore

/// Everything one event loop owns: connections, replicas in rotation, counters, scratch memory.
///
/// SAFETY: all mutable state is touched on `eventLoop` only; the methods for other threads say so and hop.
final class EdgeLoop: @unchecked Sendable {
    let eventLoop: any EventLoop
    let gate: ConnectionGate
    let holds: HoldGate
    let ports: EdgePorts
    let logger: Logger

    private(set) var snapshot: EdgeSnapshot
    /// By the number that routes of `snapshot` use.
    private(set) var rotations: [ServiceRotation] = []
    /// By the number of the route; the last one is for requests that no route fits.
    private(set) var routeCounters: [RouteCounters] = []
    private var rotationsByName: [String: ServiceRotation] = [:]
    /// Requests of services without replicas wait until then, monotonic nanoseconds.
    private(set) var firstWaitUntil: UInt64 = 0
    /// Requests of the edge's own, under way or ready for the next one.
    var asides = Asides()

    var counters = LoopCounters()
    var random: QuickRandom
    private(set) var isDraining = false
    /// No connection to a replica is kept any more.
    private(set) var isClosed = false

    /// Heads are parsed into these; they hold nothing between two calls.
    var requestHead = RequestHead()
    var responseHead = ResponseHead()
    /// Answers are put together here; a write that can't finish at once keeps its own storage.
    var scratch = ByteBuffer()
    private var spares: [ByteBuffer] = []

    private var connections: [ClientConnection] = []
    private var accessLines: [UInt8] = []
    private var lastShortage: UInt64 = 0
    private var ticks = 0
    private var ticker: RepeatedTask?
    private var date: (second: Int64, text: [UInt8]) = (-1, [])

    init(
        eventLoop: any EventLoop, snapshot: EdgeSnapshot, gate: ConnectionGate, holds: HoldGate, ports: EdgePorts,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.snapshot = snapshot
        self.gate = gate
        self.holds = holds
        self.ports = ports
        self.logger = logger
        self.random = QuickRandom(seed: UInt64.random(in: 1...UInt64.max))
        adopt(snapshot)
    }

    // MARK: From other threads

    /// Makes `snapshot` the one for requests that begin from now on.
    func publish(_ snapshot: EdgeSnapshot) {
        eventLoop.execute { self.adopt(snapshot) }
    }

    /// Runs `body` on the loop and returns what it gives; a loop that has shut down is read where it stands.
    func submit<Value: Sendable>(_ body: @escaping @Sendable (EdgeLoop) -> Value) async -> Value {
        do {
            return try await eventLoop.submit { body(self) }.get()
        } catch {
            return body(self)
        }
    }

    func startTicking(firstWaitUntil: UInt64) {
        eventLoop.execute {
            self.firstWaitUntil = firstWaitUntil
            self.ticker = self.eventLoop.scheduleRepeatedTask(initialDelay: Self.tick, delay: Self.tick) { _ in
                self.onTick()
            }
        }
    }

    // MARK: On the loop

    static let tick = TimeAmount.milliseconds(100)
    private static let accessBatch = 64 * 1024
    private static let maximumSpares = 64

    private func adopt(_ snapshot: EdgeSnapshot) {
        self.snapshot = snapshot
        forgetUnusedRotations()
        rotations = snapshot.services.map { service in
            let rotation = rotation(named: service.name)
            rotation.hold = service.hold.map(HoldRule.init)
            rotation.mirrorShare = service.mirror?.basisPoints ?? 0
            return rotation
        }
        routeCounters = snapshot.routes.map { counters.route($0.template) } + [counters.route("")]
    }

    /// A service that left the plan is kept until its last replica was ejected, its last request has ended and no
    /// split of it stands.
    private func forgetUnusedRotations() {
        let named = Set(snapshot.services.map(\.name))
        rotationsByName = rotationsByName.filter { name, rotation in
            named.contains(name) || !rotation.backends.isEmpty || !rotation.draining.isEmpty || rotation.isSplit
                || !rotation.waiting.isEmpty
        }
    }

    /// The rotation of a service, made if the plan does not name it yet.
    func rotation(named name: String) -> ServiceRotation {
        if let known = rotationsByName[name] { return known }
        let fresh = ServiceRotation(name: name)
        rotationsByName[name] = fresh
        return fresh
    }

    func rotation(ofKnown name: String) -> ServiceRotation? { rotationsByName[name] }

    /// Those of requests that no route fits.
    var unroutedCounters: RouteCounters { routeCounters[routeCounters.count - 1] }

    var everyRotation: [ServiceRotation] { Array(rotationsByName.values) }

    /// A replica may come before the plan that names its service.
    func admit(_ endpoint: Endpoint) {
        let rotation = rotation(named: endpoint.replica.service)
        rotation.admit(endpoint)
        releaseHeld(rotation)
    }

    func eject(_ replica: ReplicaID) {
        guard let backend = rotationsByName[replica.service]?.eject(replica, now: monotonicNow()) else { return }
        closeIdle(of: backend)
    }

    func underWay(_ replica: ReplicaID) -> Int {
        guard let rotation = rotationsByName[replica.service] else { return 0 }
        return (rotation.backends + rotation.draining).first { $0.endpoint.replica == replica }?.underWay ?? 0
    }

    /// A request to `backend` has ended.
    func released(_ backend: Backend) {
        backend.underWay -= 1
        if backend.isDraining, backend.underWay == 0 {
            rotationsByName[backend.endpoint.replica.service]?.forget(backend, now: monotonicNow())
        }
    }

    /// Tells that this process can open no more connections, at most every ten seconds.
    func reportShortage(now: UInt64) {
        guard now &- lastShortage >= 10_000_000_000 else { return }
        lastShortage = now
        ports.event(
            Event(
                time: WallClock.now, severity: .error, kind: "edge.shortage", subject: "edge",
                message:
                    "no descriptor or port is left to reach a replica: raise the limit of open files (ulimit -n) or "
                    + "lower edge.limits.connections"))
    }

    func joined(_ connection: ClientConnection) {
        connection.position = connections.count
        connections.append(connection)
        counters.accepted &+= 1
    }

    func left(_ connection: ClientConnection) {
        guard connection.position >= 0 else { return }
        let last = connections.removeLast()
        if last !== connection {
            connections[connection.position] = last
            last.position = connection.position
        }
        connection.position = -1
    }

    func beginDraining() {
        isDraining = true
        dismissHeld()
        for connection in connections { connection.drain() }
    }

    func closeEverything() {
        isClosed = true
        ticker?.cancel()
        for connection in connections { connection.abort() }
        asides.endAll()
        for rotation in rotationsByName.values {
            for backend in rotation.backends + rotation.draining { closeIdle(of: backend) }
        }
        flushAccessLog()
    }

    // MARK: Scratch memory

    /// An empty buffer for a request on its way; give it back with `recycle`.
    @inline(__always)
    func spareBuffer() -> ByteBuffer {
        if var buffer = spares.popLast() {
            buffer.clear()
            return buffer
        }
        return ByteBufferAllocator().buffer(capacity: 1024)
    }

    @inline(__always)
    func recycle(_ buffer: ByteBuffer) {
        if spares.count < Self.maximumSpares, buffer.storageCapacity <= 16 * 1024 { spares.append(buffer) }
    }

    /// The Date field's value, made once a second.
    func httpDate() -> [UInt8] {
        let now = WallClock.now
        let second = now.nanoseconds / 1_000_000_000
        if second != date.second { date = (second, WallClock.httpDate(now)) }
        return date.text
    }

    // MARK: Access log

    /// Whether a request is one of those that are logged.
    @inline(__always)
    func samples(_ threshold: UInt64) -> Bool {
        guard threshold > 0, ports.accessLog != nil else { return false }
        return threshold >= 1 << 32 || random.next() >> 32 < threshold
    }

    func log(_ line: [UInt8]) {
        accessLines += line
        if accessLines.count >= Self.accessBatch { flushAccessLog() }
    }

    private func flushAccessLog() {
        guard !accessLines.isEmpty, let sink = ports.accessLog else { return }
        sink(accessLines)
        accessLines.removeAll(keepingCapacity: true)
    }

    // MARK: Time

    private func onTick() {
        ticks &+= 1
        let now = monotonicNow()
        // Backwards, because a connection that is closed leaves its place to the last one.
        var index = connections.count - 1
        while index >= 0 {
            if index < connections.count, connections[index].deadline <= now { connections[index].timedOut(now: now) }
            index -= 1
        }
        asides.tick(now: now)
        if ticks % 2 == 0 { flushAccessLog() }
        if ticks % 10 == 0 {
            closeUnused(now: now)
            tendRotations(now: now)
        }
    }

    // MARK: Reports

    func report() -> LoopReport {
        var report = LoopReport()
        for (route, counted) in counters.routes {
            for row in counted.rows {
                report.series.append(
                    LoopReport.Series(
                        route: route, key: row.key, duration: row.duration, requestBytes: row.requestBytes,
                        responseBytes: row.responseBytes))
            }
        }
        let now = monotonicNow()
        for rotation in rotationsByName.values {
            report.add(releasesOf: rotation)
            for backend in rotation.backends + rotation.draining {
                report.backends.append(
                    LoopReport.BackendReport(
                        replica: backend.endpoint.replica,
                        inRotation: !backend.isDraining && backend.suspendedUntil <= now, requests: backend.requests,
                        failures: backend.failures, underWay: backend.underWay, idleConnections: backend.idle.count,
                        connectionsOpened: backend.connectionsOpened, latency: backend.latency))
            }
        }
        report.activeRequests = counters.activeRequests
        report.accepted = counters.accepted
        report.refusals = counters.refusals
        report.retries = counters.retries
        report.retriesRefused = counters.retriesRefused
        report.tlsHandshakeFailures = counters.tlsHandshakeFailures
        report.openTunnels = counters.openTunnels
        return report
    }
}
