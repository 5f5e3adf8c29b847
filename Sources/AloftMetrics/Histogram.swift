/// Counts of observations in fixed buckets, with their sum.
///
/// A plain value: one per event loop, counted there without locks, merged when scraped.
package struct Histogram: Sendable, Hashable {
    /// Upper bounds of the buckets, inclusive, ascending, finite; one more bucket takes what is larger.
    package let bounds: [Double]
    /// One a bucket, not cumulative; one more than `bounds`.
    package private(set) var counts: [UInt64]
    /// Of all observations.
    package private(set) var sum: Double

    /// Bounds in seconds for HTTP and database durations: OpenTelemetry's advice for `http.server.request.duration`.
    package static let durationBounds: [Double] = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]

    /// - Precondition: bounds are finite and ascending.
    package init(bounds: [Double] = Histogram.durationBounds) {
        self.init(bounds: bounds, counts: [UInt64](repeating: 0, count: bounds.count + 1), sum: 0)
    }

    /// Takes over counts that were made elsewhere, as by the edge's loops.
    ///
    /// - Precondition: bounds are finite and ascending; one more count than bounds.
    package init(bounds: [Double] = Histogram.durationBounds, counts: [UInt64], sum: Double) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds ascend")
        precondition(bounds.allSatisfy(\.isFinite), "the last bucket is implied")
        precondition(counts.count == bounds.count + 1, "one count a bucket")
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }

    /// Number of observations.
    package var count: UInt64 { counts.reduce(0, &+) }

    /// Counts one observation; not-a-number counts as larger than every bound and leaves the sum alone.
    package mutating func observe(_ value: Double) {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        counts[low] &+= 1
        if !value.isNaN { sum += value }
    }

    /// Adds another's counts.
    ///
    /// - Precondition: the same bounds.
    package mutating func merge(_ other: Histogram) {
        precondition(bounds == other.bounds, "histograms merge only with the same bounds")
        for index in counts.indices { counts[index] &+= other.counts[index] }
        sum += other.sum
    }
}
