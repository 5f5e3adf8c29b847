import AloftModel

/// Decides which lines of a stream a query wants, and when they were written.
struct RecordFilter {
    /// Records of a stream may be out of order by so much: the edge hands its lines over in batches.
    static let disorder: Duration = .seconds(10)

    private let query: LogQuery
    private let stream: LogStream
    private(set) var lastTime: Timestamp?

    init(query: LogQuery, stream: LogStream) {
        self.query = query
        self.stream = stream
    }

    /// The line as a record, if it is wanted.
    mutating func record(_ line: ArraySlice<UInt8>) -> LogRecord? {
        guard !line.isEmpty else { return nil }
        let needsAll = query.service != nil || query.replica != nil || query.output != nil
        let fields = RecordFields(line, timeOnly: !needsAll)
        let time = fields.time.flatMap { Timestamp(rfc3339: String(decoding: $0, as: UTF8.self)) }
        lastTime = time ?? lastTime
        guard fits(query.service, fields.service), fits(query.replica, fields.replica),
            fits(query.output?.rawValue, fields.stream)
        else { return nil }
        // A line without a time is taken to be of the time of its neighbour.
        if let since = query.since, let time = lastTime, time < since { return nil }
        return LogRecord(stream: stream, time: time, line: Array(line))
    }

    /// Read backwards: everything that follows is older than what is wanted.
    var isPast: Bool {
        guard let since = query.since, let lastTime else { return false }
        return since - lastTime > Self.disorder
    }

    private func fits(_ wanted: String?, _ value: ArraySlice<UInt8>?) -> Bool {
        guard let wanted else { return true }
        return value?.elementsEqual(wanted.utf8) ?? false
    }
}
