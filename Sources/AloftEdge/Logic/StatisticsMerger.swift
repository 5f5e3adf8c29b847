import AloftHTTP
import AloftModel

/// What one loop tells of itself, as values that may leave it.
struct LoopReport: Sendable {
    struct Series: Sendable {
        var route: String
        var key: RouteCounters.Key
        var duration: LatencyHistogram
        var requestBytes: UInt64
        var responseBytes: UInt64
    }

    struct BackendReport: Sendable {
        var replica: ReplicaID
        var inRotation: Bool
        var requests: UInt64
        var failures: UInt64
        var underWay: Int
        var idleConnections: Int
        var connectionsOpened: UInt64
        var latency: LatencyHistogram
    }

    var series: [Series] = []
    var backends: [BackendReport] = []
    var activeRequests = 0
    var accepted: UInt64 = 0
    var refusals: [UInt64] = []
    var releases: [EdgeStatistics.ReleaseCounts] = []
    var holds: [EdgeStatistics.HeldRequests] = []
    var retries: UInt64 = 0
    var retriesRefused: UInt64 = 0
    var tlsHandshakeFailures: UInt64 = 0
    var openTunnels = 0

    mutating func add(releasesOf rotation: ServiceRotation) {
        for (release, row) in rotation.releaseRows() {
            releases.append(
                EdgeStatistics.ReleaseCounts(
                    service: rotation.name, release: release, requests: row.requests, failures: row.failures,
                    latency: row.digest, mirrored: row.mirrored, mirrorsDropped: row.mirrorsDropped))
        }
        guard rotation.held > 0 || rotation.holdsRefused > 0 else { return }
        holds.append(
            EdgeStatistics.HeldRequests(
                service: rotation.name, waiting: rotation.waiting.count, held: rotation.held,
                heldExpired: rotation.heldExpired, holdsRefused: rotation.holdsRefused))
    }
}

/// Adds up the reports of all loops.
struct StatisticsMerger {
    private struct SeriesKey: Hashable {
        let route: String
        let key: RouteCounters.Key
    }

    private var series: [SeriesKey: LoopReport.Series] = [:]
    private struct ReleaseKey: Hashable {
        let service: String
        let release: Int
    }

    private var backends: [ReplicaID: LoopReport.BackendReport] = [:]
    private var releases: [ReleaseKey: EdgeStatistics.ReleaseCounts] = [:]
    private var holds: [String: EdgeStatistics.HeldRequests] = [:]
    private var total = EdgeStatistics()

    mutating func add(_ report: LoopReport) {
        for row in report.series {
            let key = SeriesKey(route: row.route, key: row.key)
            guard var sum = series[key] else {
                series[key] = row
                continue
            }
            sum.duration.merge(row.duration)
            sum.requestBytes &+= row.requestBytes
            sum.responseBytes &+= row.responseBytes
            series[key] = sum
        }
        for row in report.backends { add(row) }
        for row in report.releases { add(row) }
        for row in report.holds { add(row) }
        total.activeRequests += report.activeRequests
        total.acceptedConnections &+= report.accepted
        for (reason, count) in zip(FaultReason.allCases, report.refusals) where count > 0 {
            total.refusedRequests["\(reason)", default: 0] &+= count
        }
        total.retries &+= report.retries
        total.retriesRefused &+= report.retriesRefused
        total.tlsHandshakeFailures &+= report.tlsHandshakeFailures
        total.openTunnels += report.openTunnels
    }

    private mutating func add(_ row: LoopReport.BackendReport) {
        guard var sum = backends[row.replica] else {
            backends[row.replica] = row
            return
        }
        sum.inRotation = sum.inRotation && row.inRotation
        sum.requests &+= row.requests
        sum.failures &+= row.failures
        sum.underWay += row.underWay
        sum.idleConnections += row.idleConnections
        sum.connectionsOpened &+= row.connectionsOpened
        sum.latency.merge(row.latency)
        backends[row.replica] = sum
    }

    private mutating func add(_ row: EdgeStatistics.ReleaseCounts) {
        let key = ReleaseKey(service: row.service, release: row.release)
        guard var sum = releases[key] else {
            releases[key] = row
            return
        }
        sum.requests &+= row.requests
        sum.failures &+= row.failures
        sum.latency.merge(row.latency)
        sum.mirrored &+= row.mirrored
        sum.mirrorsDropped &+= row.mirrorsDropped
        releases[key] = sum
    }

    private mutating func add(_ row: EdgeStatistics.HeldRequests) {
        var sum = holds[row.service] ?? EdgeStatistics.HeldRequests(service: row.service)
        sum.waiting += row.waiting
        sum.held &+= row.held
        sum.heldExpired &+= row.heldExpired
        sum.holdsRefused &+= row.holdsRefused
        holds[row.service] = sum
    }

    /// The sum, in a stable order.
    func merged(gate: ConnectionGate) -> EdgeStatistics {
        var result = total
        result.openConnections = gate.open
        result.refusedConnections = gate.refused
        result.series = series.values.map { row in
            EdgeStatistics.Series(
                route: row.route, method: row.key.method.label, status: Int(row.key.status),
                scheme: row.key.isTLS ? "https" : "http", protocolVersion: row.key.minorVersion == 0 ? "1.0" : "1.1",
                errorType: row.key.errorType.name, duration: row.duration.distribution,
                requestBytes: row.requestBytes, responseBytes: row.responseBytes)
        }
        .sorted { ($0.route, $0.method, $0.status, $0.errorType) < ($1.route, $1.method, $1.status, $1.errorType) }
        result.backends = backends.values.map { row in
            EdgeStatistics.Backend(
                replica: row.replica, inRotation: row.inRotation, requests: row.requests, failures: row.failures,
                underWay: row.underWay, idleConnections: row.idleConnections,
                connectionsOpened: row.connectionsOpened, duration: row.latency.distribution)
        }
        .sorted { ($0.replica.service, $0.replica.index) < ($1.replica.service, $1.replica.index) }
        result.releases = releases.values.sorted { ($0.service, $0.release) < ($1.service, $1.release) }
        result.holds = holds.values.sorted { $0.service < $1.service }
        result.held = result.holds.reduce(0) { $0 &+ $1.held }
        result.heldExpired = result.holds.reduce(0) { $0 &+ $1.heldExpired }
        return result
    }
}

extension Method {
    /// As metrics carry it (OpenTelemetry's `http.request.method`).
    var label: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .trace: "TRACE"
        case .connect: "CONNECT"
        case .other: "_OTHER"
        }
    }
}
