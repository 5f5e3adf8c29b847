import AloftModel

/// One replica as one event loop sees it.
final class Backend {
    let endpoint: Endpoint
    /// Requests this loop has sent and not yet seen the end of.
    var underWay = 0
    var requests: UInt64 = 0
    /// Refused, broken off, nonsense, too late, or an answer that was thrown away for another try.
    var failures: UInt64 = 0
    /// What a release is judged by: answers of 5xx count too, and no attempt twice.
    private(set) var attemptFailures: UInt64 = 0
    /// Those of `attemptFailures` that ended without the head of an answer.
    private var unanswered: UInt64 = 0
    var connectionsOpened: UInt64 = 0
    var latency = LatencyHistogram()
    /// The same on a finer scale, for the release: one count a bucket of `LatencyDigest`.
    private let samples: UnsafeMutablePointer<UInt64>
    var load = DecayingMean()
    /// Left out of rotation until then (monotonic nanoseconds): it refused a connection.
    var suspendedUntil: UInt64 = 0
    /// When `EdgePorts.unreachable` was last told of it.
    var lastReported: UInt64 = 0
    var isDraining = false
    /// Until then (monotonic nanoseconds) each of its connections carries one request: it sent bytes beyond an answer.
    var distrustedUntil: UInt64 = 0
    /// When the log was last told of a refused answer, and how many were refused since.
    var lastRefusal: UInt64 = 0
    var refusalsUntold: UInt64 = 0
    /// Kept-alive connections with nothing under way; the last one used is taken first.
    var idle: [UpstreamConnection] = []
    /// Most of `idle`; its share of what the service keeps.
    var idleLimit = Backend.idleOfService

    /// Idle connections of one service on one loop, shared among its replicas.
    static let idleOfService = 512
    /// Idle connections of one replica that are kept as long as the replica keeps them; more go once they are not needed.
    static let keptLong = 16

    init(endpoint: Endpoint) {
        self.endpoint = endpoint
        samples = .allocate(capacity: LatencyDigest.buckets)
        samples.initialize(repeating: 0, count: LatencyDigest.buckets)
    }

    deinit { samples.deallocate() }

    var digest: LatencyDigest {
        LatencyDigest(counts: Array(UnsafeBufferPointer(start: samples, count: LatencyDigest.buckets)))
    }

    /// Attempts that came to a result: an answer or a failure. One that its client gave up is neither.
    var judged: UInt64 {
        (0..<LatencyDigest.buckets).reduce(into: unanswered) { $0 &+= samples[$1] }
    }

    /// Whether connections to it are kept for the next request.
    func keeps(now: UInt64) -> Bool { !isDraining && distrustedUntil <= now && idle.count < idleLimit }

    /// An idle connection with nothing in it, or nil.
    @inline(__always)
    func takeIdle() -> UpstreamConnection? {
        while let connection = idle.popLast() {
            if connection.isQuiet { return connection }
            connection.closeIdle()
        }
        return nil
    }

    /// The replica did not do its part in an attempt; `isAnswered` where the head of an answer below 500 had come.
    func attemptFailed(isAnswered: Bool) {
        attemptFailures &+= 1
        if !isAnswered { unanswered &+= 1 }
    }

    /// The head of an answer came `latency` nanoseconds after the request was sent.
    @inline(__always)
    func answered(_ status: Int, after latency: UInt64, now: UInt64) {
        self.latency.add(latency)
        samples[LatencyDigest.bucket(latency)] &+= 1
        if status >= 500 { attemptFailures &+= 1 }
        load.add(latency, now: now)
    }
}

/// Mean latency that halves the weight of the past every `halfLife`; rises at once (Twitter Finagle's peak EWMA).
struct DecayingMean: Sendable {
    private static let halfLife: Double = 5e9

    private(set) var nanoseconds: Double = 0
    private var updated: UInt64 = 0

    mutating func add(_ sample: UInt64, now: UInt64) {
        let value = Double(sample)
        if value >= nanoseconds || updated == 0 {
            nanoseconds = value
        } else {
            let weight = Self.decay(Double(now &- updated) / Self.halfLife)
            nanoseconds = nanoseconds * weight + value * (1 - weight)
        }
        updated = now
    }

    /// 2^-x for x >= 0 to three digits, which is all a choice of two needs.
    private static func decay(_ x: Double) -> Double {
        guard x < 60 else { return 0 }
        let whole = x.rounded(.down)
        let part = x - whole
        let fraction = 1 - part * (0.6931 - part * (0.2402 - part * 0.0529))
        return fraction / Double(UInt64(1) << UInt64(whole))
    }
}
