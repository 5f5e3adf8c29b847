import AloftModel

/// What the replicas that have left did, by release, so that a release's counters outlive its replicas.
struct ReleaseLedger: Sendable {
    struct Row: Sendable {
        var requests: UInt64 = 0
        var failures: UInt64 = 0
        var digest = LatencyDigest()
        var mirrored: UInt64 = 0
        var mirrorsDropped: UInt64 = 0
        /// When it was last written to, monotonic nanoseconds.
        var touched: UInt64 = 0
    }

    static let limit = 64
    /// One hour.
    private static let memory: UInt64 = 3_600_000_000_000

    private(set) var rows: [Int: Row] = [:]

    /// Takes over what a replica has counted; it counts no more.
    mutating func retire(_ backend: Backend, now: UInt64) {
        change(backend.endpoint.release, now: now) { row in
            row.requests &+= backend.judged
            row.failures &+= backend.attemptFailures
            row.digest.merge(backend.digest)
        }
    }

    mutating func countMirror(_ release: Int, isDropped: Bool, now: UInt64) {
        change(release, now: now) { row in
            if isDropped { row.mirrorsDropped &+= 1 } else { row.mirrored &+= 1 }
        }
    }

    private mutating func change(_ release: Int, now: UInt64, _ body: (inout Row) -> Void) {
        body(&rows[release, default: Row()])
        rows[release]?.touched = now
    }

    /// Drops releases that are not in `kept` and were last written to an hour ago; past the limit, the oldest.
    mutating func forget(except kept: Set<Int>, now: UInt64) {
        rows = rows.filter { kept.contains($0.key) || now &- $0.value.touched < Self.memory }
        let surplus = rows.count - Self.limit
        guard surplus > 0 else { return }
        let oldest = rows.filter { !kept.contains($0.key) }.sorted {
            ($0.value.touched, $0.key) < ($1.value.touched, $1.key)
        }
        for (release, _) in oldest.prefix(surplus) { rows[release] = nil }
    }
}
