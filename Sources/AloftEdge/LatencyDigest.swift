/// Counts of durations on a logarithmic scale whose octaves are cut into eight: quantiles to within 7%.
///
/// From 2^17 ns (131 µs) to 2^37 ns (137 s); what is shorter or longer is counted as such. A sample costs one
/// increment, two digests add up and subtract bucket by bucket (the log-linear scale of HdrHistogram).
package struct LatencyDigest: Sendable, Hashable, Codable {
    private static let firstOctave = 17
    private static let lastOctave = 37
    static let buckets = (lastOctave - firstOctave) * 8 + 2

    /// The first is for shorter ones, the last for longer ones.
    private(set) var counts = [UInt64](repeating: 0, count: buckets)

    package init() {}

    /// - Precondition: One count a bucket.
    init(counts: [UInt64]) {
        precondition(counts.count == Self.buckets)
        self.counts = counts
    }

    mutating func add(nanoseconds: UInt64) {
        counts[Self.bucket(nanoseconds)] &+= 1
    }

    /// Counts one duration; a negative one as zero.
    package mutating func add(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return add(nanoseconds: 0) }
        guard seconds < 1000 else { return add(nanoseconds: .max) }
        add(nanoseconds: UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000)
    }

    package var count: UInt64 { counts.reduce(0, &+) }

    /// The duration that `fraction` of the samples did not exceed: 0.95 is p95; nil without samples.
    ///
    /// The middle of the bucket in which it lies; below 131 µs and above 137 s those bounds.
    package func quantile(_ fraction: Double) -> Duration? {
        let total = count
        guard total > 0 else { return nil }
        let share = min(1, max(0, fraction.isNaN ? 1 : fraction))
        let rank = min(total, max(1, UInt64((Double(total) * share).rounded(.up))))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen &+= count
            if seen >= rank { return .nanoseconds(Int64(Self.middle(index))) }
        }
        return nil
    }

    /// Counts by the upper end of their bucket in microseconds, the last one's being 137 s; empty buckets are left out.
    package var countsByMicroseconds: [Int: Int] {
        var result: [Int: Int] = [:]
        for (index, count) in counts.enumerated() where count > 0 {
            result[Int(Self.upperEnd(index) / 1000), default: 0] += Int(clamping: count)
        }
        return result
    }

    /// What was added since `earlier`; a bucket that went down gives nothing.
    package func subtracting(_ earlier: LatencyDigest) -> LatencyDigest {
        var result = self
        for index in counts.indices { result.counts[index] -= min(counts[index], earlier.counts[index]) }
        return result
    }

    package func merging(_ other: LatencyDigest) -> LatencyDigest {
        var result = self
        result.merge(other)
        return result
    }

    package mutating func merge(_ other: LatencyDigest) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
    }

    @inline(__always)
    static func bucket(_ nanoseconds: UInt64) -> Int {
        let octave = 63 &- nanoseconds.leadingZeroBitCount
        if octave < firstOctave { return 0 }
        if octave >= lastOctave { return buckets &- 1 }
        let eighth = Int(truncatingIfNeeded: nanoseconds >> UInt64(truncatingIfNeeded: octave &- 3)) & 7
        return (octave &- firstOctave) &* 8 &+ eighth &+ 1
    }

    private static func upperEnd(_ bucket: Int) -> UInt64 {
        if bucket == 0 { return 1 << UInt64(firstOctave) }
        if bucket == buckets - 1 { return 1 << UInt64(lastOctave) }
        let octave = UInt64(firstOctave + (bucket - 1) / 8)
        return (9 + UInt64(bucket - 1) % 8) * (UInt64(1) << (octave - 3))
    }

    private static func middle(_ bucket: Int) -> UInt64 {
        if bucket == 0 { return 1 << UInt64(firstOctave) }
        if bucket == buckets - 1 { return 1 << UInt64(lastOctave) }
        let octave = UInt64(firstOctave + (bucket - 1) / 8)
        let width = UInt64(1) << (octave - 3)
        return (8 + UInt64(bucket - 1) % 8) * width + width / 2
    }
}

extension LatencyDigest {
    private enum CodingKeys: CodingKey { case counts }

    /// Refuses one of another size.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let counts = try container.decode([UInt64].self, forKey: .counts)
        guard counts.count == Self.buckets else {
            throw DecodingError.dataCorruptedError(
                forKey: .counts, in: container, debugDescription: "expected \(Self.buckets) buckets")
        }
        self.counts = counts
    }
}
