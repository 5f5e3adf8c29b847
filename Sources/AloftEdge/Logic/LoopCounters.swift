import AloftHTTP
import AloftModel

/// What one event loop counts; plain integers, read only on that loop.
struct LoopCounters {
    var activeRequests = 0
    var accepted: UInt64 = 0
    /// Heads and bodies refused, by the reason's number.
    private(set) var refusals = [UInt64](repeating: 0, count: FaultReason.allCases.count)
    var retries: UInt64 = 0
    var retriesRefused: UInt64 = 0
    var tlsHandshakeFailures: UInt64 = 0
    var openTunnels = 0
    private(set) var routes: [String: RouteCounters] = [:]

    mutating func countRefusal(_ reason: FaultReason) { refusals[Int(reason.rawValue)] &+= 1 }

    /// The counters of a route by its template; routes with one template share them, also across reloads.
    mutating func route(_ template: String) -> RouteCounters {
        if let known = routes[template] { return known }
        let fresh = RouteCounters()
        routes[template] = fresh
        return fresh
    }
}

/// The requests of one route, by method, status and the rest.
final class RouteCounters {
    /// What distinguishes series within a route, packed into one word for a fast comparison.
    struct Key: Hashable, Sendable {
        var method: Method
        var status: UInt16
        var isTLS: Bool
        var minorVersion: UInt8
        var errorType: ErrorType
    }

    struct Row {
        let key: Key
        var duration = LatencyHistogram()
        var requestBytes: UInt64 = 0
        var responseBytes: UInt64 = 0
    }

    private(set) var rows: [Row] = []
    private var index: [Key: Int] = [:]
    private var latest = 0

    @inline(__always)
    func count(_ key: Key, nanoseconds: UInt64, requestBytes: Int, responseBytes: Int) {
        if latest >= rows.count || rows[latest].key != key { latest = slot(key) }
        rows[latest].duration.add(nanoseconds)
        rows[latest].requestBytes &+= UInt64(truncatingIfNeeded: requestBytes)
        rows[latest].responseBytes &+= UInt64(truncatingIfNeeded: responseBytes)
    }

    private func slot(_ key: Key) -> Int {
        if let known = index[key] { return known }
        rows.append(Row(key: key))
        index[key] = rows.count - 1
        return rows.count - 1
    }
}

/// What went wrong at the edge, as `error_type` of the metrics and the access log.
enum ErrorType: UInt8, Sendable, Hashable {
    case none, badRequest, tooLarge, headTimeout, noRoute, noReplica, connect, upstreamClosed, upstreamInvalid, timeout
    case clientClosed, shortage

    var name: String {
        switch self {
        case .none: ""
        case .badRequest: "bad_request"
        case .tooLarge: "too_large"
        case .headTimeout: "head_timeout"
        case .noRoute: "no_route"
        case .noReplica: "no_replica"
        case .connect: "connect"
        case .upstreamClosed: "upstream_closed"
        case .upstreamInvalid: "upstream_invalid"
        case .timeout: "timeout"
        case .clientClosed: "client_closed"
        case .shortage: "shortage"
        }
    }
}
