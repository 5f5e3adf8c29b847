import AloftModel

/// When a segment is full, and which segments have to go.
struct Retention: Sendable, Hashable {
    /// A segment is full at this size, unless `maxSize` asks for smaller ones.
    static let segmentSize = 32 << 20
    /// A segment is full at this age, unless `retention` asks for younger ones.
    static let segmentAge: Duration = .seconds(86_400)

    let spec: LogSpec

    /// At most an eighth of what may be kept, so that what is removed at once is a small part of it.
    var segmentSize: Int { min(Self.segmentSize, max(64 << 10, spec.maxSize.bytes / 8)) }

    /// At most a quarter of the time that is kept, so that nothing stays much longer.
    var segmentAge: Duration { min(Self.segmentAge, max(.seconds(60), spec.retention / 4)) }

    func isFull(_ segment: Segment, adding bytes: Int, at now: Timestamp) -> Bool {
        segment.size > 0 && (segment.size + bytes > segmentSize || now - segment.start >= segmentAge)
    }

    /// Segments to remove, oldest first; never the last of a stream, which is being written.
    func expired(_ segments: [LogStream: [Segment]], at now: Timestamp) -> [(stream: LogStream, segment: Segment)] {
        var total = segments.values.joined().reduce(0) { $0 + $1.size }
        // A segment's content is no younger than the start of the next one.
        let closed = segments.flatMap { stream, segments in
            zip(segments, segments.dropFirst()).map { (stream: stream, segment: $0, end: $1.start) }
        }.sorted { ($0.segment.start, $0.segment.number) < ($1.segment.start, $1.segment.number) }
        var expired: [(stream: LogStream, segment: Segment)] = []
        for (stream, segment, end) in closed where total > spec.maxSize.bytes || now - end > spec.retention {
            total -= segment.size
            expired.append((stream, segment))
        }
        return expired
    }
}
