import AloftModel
import Foundation
import Logging
import Synchronization
import Testing

@testable import AloftEdge

/// A live edge on a loopback port, for tests that speak to it over sockets of their own.
///
/// SAFETY: what changes is behind the mutex.
final class Rig: @unchecked Sendable {
    let edge: Edge
    let port: Int
    let ports: [Int]

    /// What the edge said through its ports.
    private struct Told {
        var log: [UInt8] = []
        var unreachable: [ReplicaID] = []
        var events: [Event] = []
        var wanted: [String] = []
        var warnings: [String] = []
    }

    init(_ plan: Plan, loops: Int) throws {
        let box = Box()
        edge = try Edge(
            spec: plan.spec, services: plan.edgeServices, certificates: plan.certificates,
            ports: EdgePorts(
                accessLog: { bytes in box.told.withLock { $0.log += bytes } },
                unreachable: { replica in box.told.withLock { $0.unreachable.append(replica) } },
                event: { event in box.told.withLock { $0.events.append(event) } },
                wanted: { service in box.told.withLock { $0.wanted.append(service) } }),
            configuration: EdgeConfiguration(loops: loops, accessShare: plan.accessShare, firstWait: plan.firstWait),
            logger: Logger(label: "edge") { _ in
                Warnings { text in box.told.withLock { $0.warnings.append(text) } }
            })
        let edge = self.edge
        let addresses = try waiting { try await edge.start() }
        ports = addresses.map(\.port)
        port = ports[0]
        self.box = box
    }

    /// Keeps what the edge's logger is told from `warning` up, with its metadata.
    private struct Warnings: LogHandler {
        let tell: @Sendable (String) -> Void
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.warning

        init(_ tell: @escaping @Sendable (String) -> Void) { self.tell = tell }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let values = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted()
            tell(([event.message.description] + values).joined(separator: " "))
        }
    }

    private final class Box: Sendable { let told = Mutex(Told()) }
    private let box: Box

    var log: String { box.told.withLock { String(decoding: $0.log, as: UTF8.self) } }
    var unreachable: [ReplicaID] { box.told.withLock { $0.unreachable } }
    var wanted: [String] { box.told.withLock { $0.wanted } }
    var warnings: [String] { box.told.withLock { $0.warnings } }

    func connect(receiveBuffer: Int32? = nil) throws -> Wire {
        try Wire(to: .port(port), receiveBuffer: receiveBuffer)
    }

    /// Sends one request on a connection of its own and reads the answer.
    func ask(_ request: String, head: Bool = false) throws -> Answer {
        let wire = try connect()
        try wire.send(request)
        return try wire.answer(head: head)
    }

    func get(_ path: String, fields: String = "") throws -> Answer {
        try ask("GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
    }

    /// Puts an upstream into rotation as replica `index` and waits until every loop knows.
    @discardableResult
    func admit(_ upstream: Upstream, _ index: Int = 1, service: String = "web", release: Int = 0) -> ReplicaID {
        let replica = ReplicaID(service: service, index: index, generation: 1)
        switch upstream.target {
        case .port(let port): edge.admit(Endpoint(replica: replica, address: .port(port), release: release))
        case .unix(let path): edge.admit(Endpoint(replica: replica, address: .unix(path), release: release))
        }
        _ = statistics()
        return replica
    }

    func split(_ split: TrafficSplit?, of service: String = "web") {
        let edge = self.edge
        waiting { await edge.split(split, of: service) }
    }

    func statistics() -> EdgeStatistics {
        let edge = self.edge
        return waiting { await edge.statistics() }
    }

    func apply(_ plan: Plan) throws -> [Address] {
        let edge = self.edge
        return try waiting {
            try await edge.apply(
                spec: plan.spec, services: plan.edgeServices, certificates: plan.certificates,
                accessShare: plan.accessShare)
        }
    }

    /// Stops the edge's only loop while `body` runs, so that what happens in the meantime is met in one turn, in order.
    func withLoopStopped(_ body: () throws -> Void) rethrows {
        let stopped = DispatchSemaphore(value: 0)
        let goes = DispatchSemaphore(value: 0)
        edge.loops[0].eventLoop.execute {
            stopped.signal()
            goes.wait()
        }
        stopped.wait()
        defer { goes.signal() }
        try body()
    }

    /// Nothing is under way any more, and no client is connected.
    func isQuiet() -> Bool {
        let now = statistics()
        return now.activeRequests == 0 && now.openConnections == 0 && now.openTunnels == 0
            && now.backends.allSatisfy { $0.underWay == 0 }
    }

    func stop(drain: Duration = .seconds(5)) {
        let edge = self.edge
        waiting {
            await edge.stop(drain: drain)
            await edge.close()
        }
    }
}

/// The file of a test.
struct Plan: Sendable {
    var listeners = [ListenerSpec(address: Address(host: "127.0.0.1", port: 0))]
    var trusted: [Network] = []
    var timeouts = EdgeTimeouts(
        requestHead: .seconds(10), idle: .seconds(30), request: .seconds(15), connect: .seconds(5))
    var limits = EdgeLimits(
        head: .kibibytes(16), body: .mebibytes(64), connections: 2000, connectionsPerAddress: 2000)
    var headers = HeaderRules()
    var forwarding = ForwardingSpec()
    var halfClose = EdgeSpec.HalfClose.abort
    var routes = [Plan.route()]
    var services = ["web"]
    /// Those of `services` of which more is to be said than the name.
    var described: [EdgeService] = []
    var firstWait: Duration = .zero
    var certificates: [EdgeCertificate] = []
    var minVersion = TLSSpec.Version.tls12
    var accessShare = Percent(0)

    var edgeServices: [EdgeService] {
        services.map { name in described.first { $0.name == name } ?? EdgeService(name: name) }
    }

    var spec: EdgeSpec {
        EdgeSpec(
            listeners: listeners, admin: nil, tls: TLSSpec(minVersion: minVersion, certificates: []),
            trustedProxies: trusted, timeouts: timeouts, limits: limits, headers: headers, forwarding: forwarding,
            halfClose: halfClose,
            routes: routes)
    }

    static func route(
        _ path: PathPattern = .prefix("/"), service: String = "web", attempts: Int = 2,
        on: [RetrySpec.Condition] = [.connect], budget: Int = 100, timeout: Duration = .seconds(15)
    ) -> RouteSpec {
        RouteSpec(
            match: RouteMatch(path: path),
            action: .service(
                ServiceRoute(
                    service: service, balance: .roundRobin,
                    retry: RetrySpec(attempts: attempts, on: on, budget: Percent(budget)), timeout: timeout)))
    }

    static func respond(_ path: String, _ body: String, status: Int = 200) -> RouteSpec {
        RouteSpec(
            match: RouteMatch(path: .exact(path)),
            action: .respond(RespondSpec(status: status, body: body, contentType: "text/plain")))
    }
}

/// Runs `body` against a fresh edge, with one loop and with two, on a thread that may block; afterwards nothing may be
/// left under way.
func live(
    _ plan: Plan = Plan(), loops: [Int] = [1, 2], sourceLocation: SourceLocation = #_sourceLocation,
    _ body: @escaping @Sendable (Rig) throws -> Void
) async throws {
    for count in loops {
        try await onOwnThread {
            let rig = try Rig(plan, loops: count)
            defer { rig.stop(drain: .milliseconds(200)) }
            try body(rig)
            try eventually("nothing is under way with \(count) loops", sourceLocation) { rig.isQuiet() }
        }
    }
}

/// Runs blocking code on a thread of its own, so that Swift's few stay free.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try body() }) }
        thread.stackSize = 1 << 20
        thread.start()
    }
}

/// The way back: waits on a test's own thread for what only async code can tell.
func waiting<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () async throws(Failure) -> Value
) throws(Failure) -> Value {
    let done = DispatchSemaphore(value: 0)
    let result = Mutex<Result<Value, Failure>?>(nil)
    Task.detached {
        let outcome: Result<Value, Failure>
        do throws(Failure) { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        result.withLock { $0 = outcome }
        done.signal()
    }
    done.wait()
    guard let outcome = result.withLock({ $0 }) else { preconditionFailure("signalled without a result") }
    return try outcome.get()
}

/// Waits for a state; records an issue when it does not come in `limit` seconds.
func eventually(
    _ what: String, _ sourceLocation: SourceLocation = #_sourceLocation, within limit: Double = 20,
    _ holds: () throws -> Bool
) throws {
    let end = Date().addingTimeInterval(limit)
    while try !holds() {
        guard Date() < end else {
            Issue.record("never happened: \(what)", sourceLocation: sourceLocation)
            throw WireError.timedOut(what)
        }
        usleep(5000)
    }
}
