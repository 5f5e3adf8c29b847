/// Counts durations by the bounds of `LatencyBuckets`; one loop's own, without locks.
struct LatencyHistogram: Sendable {
    private(set) var counts = [UInt64](repeating: 0, count: LatencyBuckets.seconds.count + 1)
    private(set) var nanoseconds: UInt64 = 0

    @inline(__always)
    mutating func add(_ duration: UInt64) {
        nanoseconds &+= duration
        // Most answers of a healthy service fall into the first bucket.
        if duration <= 5_000_000 {
            counts[0] &+= 1
        } else {
            addSlow(duration)
        }
    }

    private mutating func addSlow(_ duration: UInt64) {
        let bounds = LatencyBuckets.nanoseconds
        var index = 1
        while index < bounds.count, duration > bounds[index] { index += 1 }
        counts[index] &+= 1
    }

    mutating func merge(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
        nanoseconds &+= other.nanoseconds
    }

    var distribution: EdgeStatistics.Distribution {
        EdgeStatistics.Distribution(counts: counts, sum: Double(nanoseconds) / 1e9)
    }
}
