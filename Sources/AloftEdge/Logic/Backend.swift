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
    var attemptFailures: UInt64 = 0
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
    /// Kept-alive connections with nothing under way; the last one used is taken first.
    var idle: [UpstreamConnection] = []

    init(endpoint: Endpoint) {
        self.endpoint = endpoint
        samples = .allocate(capacity: LatencyDigest.buckets)
        samples.initialize(repeating: 0, count: LatencyDigest.buckets)
    }

    deinit { samples.deallocate() }

    var digest: LatencyDigest {
        LatencyDigest(counts: Array(UnsafeBufferPointer(start: samples, count: LatencyDigest.buckets)))
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
