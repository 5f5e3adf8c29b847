import AloftModel

/// What one release was sent, and how it went: totals since the edge began, or the difference of two of them.
package struct ReleaseNumbers: Sendable, Hashable, Codable {
    package var requests: Int
    /// Answered with 5xx by the replica, or not at all.
    package var failures: Int
    /// Time to the first byte.
    package var latency: LatencyCounts

    package init(requests: Int = 0, failures: Int = 0, latency: LatencyCounts = LatencyCounts()) {
        self.requests = requests
        self.failures = failures
        self.latency = latency
    }

    /// 0 without requests.
    package var errorRate: Double { requests == 0 ? 0 : Double(failures) / Double(requests) }

    /// What came since an earlier total; where a number went back the edge began anew, and all of it is new.
    package func since(_ earlier: ReleaseNumbers) -> ReleaseNumbers {
        guard requests >= earlier.requests, failures >= earlier.failures else { return self }
        return ReleaseNumbers(
            requests: requests - earlier.requests, failures: failures - earlier.failures,
            latency: latency.since(earlier.latency))
    }
}

/// A histogram of times, as counts by the upper end of their bucket.
package struct LatencyCounts: Sendable, Hashable, Codable {
    /// Upper end of a bucket in microseconds → how many; empty buckets are left out.
    package var buckets: [Int: Int]

    package init(_ buckets: [Int: Int] = [:]) { self.buckets = buckets }

    package var total: Int { buckets.values.reduce(0, +) }

    package func since(_ earlier: LatencyCounts) -> LatencyCounts {
        LatencyCounts(
            buckets.reduce(into: [:]) { result, entry in
                let left = entry.value - (earlier.buckets[entry.key] ?? 0)
                if left > 0 { result[entry.key] = left }
            })
    }

    /// The upper end of the bucket that holds the quantile (nearest rank); nil where nothing was counted.
    package func quantile(_ quantile: Quantile) -> Duration? {
        let total = self.total
        guard total > 0 else { return nil }
        let rank = max(1, (total * quantile.percent.basisPoints + 9_999) / 10_000)
        var seen = 0
        for (end, count) in buckets.sorted(by: { $0.key < $1.key }) {
            seen += count
            if seen >= rank { return .microseconds(end) }
        }
        return nil
    }
}
