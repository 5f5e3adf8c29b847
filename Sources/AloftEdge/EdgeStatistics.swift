import AloftModel

/// What the edge has counted since it started, all loops together.
package struct EdgeStatistics: Sendable {
    /// Requests that were answered, by what they were and how it went.
    package struct Series: Sendable {
        /// `RouteSpec.template`, or empty where no route fitted.
        package var route: String
        /// Upper case; `_OTHER` for one that HTTP does not define.
        package var method: String
        package var status: Int
        /// `http` or `https`.
        package var scheme: String
        /// `1.0` or `1.1`.
        package var protocolVersion: String
        /// Empty when nothing went wrong at the edge; else such as `connect`, `timeout`, `no_replica`, `client_closed`.
        package var errorType: String
        package var duration: Distribution
        package var requestBytes: UInt64
        package var responseBytes: UInt64
    }

    /// A histogram of seconds over `LatencyBuckets.seconds`.
    package struct Distribution: Sendable, Hashable {
        /// One count a bucket and, last, what was above the highest bound; not cumulative.
        package var counts: [UInt64]
        package var sum: Double

        package init(counts: [UInt64], sum: Double) {
            self.counts = counts
            self.sum = sum
        }

        package var count: UInt64 { counts.reduce(0, +) }
    }

    /// One replica as the edge sees it.
    package struct Backend: Sendable {
        package var replica: ReplicaID
        /// False while it is draining, or left out for a moment after it refused a connection.
        package var inRotation: Bool
        package var requests: UInt64
        package var failures: UInt64
        package var underWay: Int
        package var idleConnections: Int
        package var connectionsOpened: UInt64
        /// From sending the request to the first byte of the answer.
        package var duration: Distribution
    }

    package var series: [Series] = []
    package var backends: [Backend] = []
    /// Sorted by service and release.
    package var releases: [ReleaseCounts] = []
    /// Services of which a request ever had to wait, by name.
    package var holds: [HeldRequests] = []
    /// Requests of all services that had to wait for a replica, and those that waited too long.
    package var held: UInt64 = 0
    package var heldExpired: UInt64 = 0
    /// Requests under way now.
    package var activeRequests = 0
    package var openConnections = 0
    package var acceptedConnections: UInt64 = 0
    /// Closed at once because of `limits.connections` or `limits.connectionsPerAddress`.
    package var refusedConnections: UInt64 = 0
    /// Heads refused by the codec, by its reason.
    package var refusedRequests: [String: UInt64] = [:]
    package var retries: UInt64 = 0
    /// Retries that the budget forbade.
    package var retriesRefused: UInt64 = 0
    package var tlsHandshakeFailures: UInt64 = 0
    package var openTunnels = 0

    package init() {}
}

/// Bounds in seconds of the request histogram, upper inclusive (OpenTelemetry's advice for HTTP).
package enum LatencyBuckets {
    package static let seconds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

    /// The same in nanoseconds.
    static let nanoseconds: [UInt64] = seconds.map { UInt64($0 * 1e9) }
}
