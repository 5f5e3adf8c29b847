import AloftModel

/// Which records; all conditions hold together.
package struct LogQuery: Sendable, Hashable {
    package enum Output: String, Sendable, Hashable, CaseIterable { case stdout, stderr }

    package var streams: Set<LogStream>
    package var service: String?
    /// A replica's name, `web-2`.
    package var replica: String?
    package var output: Output?
    /// At or after this time.
    package var since: Timestamp?
    /// Only the newest so many.
    package var tail: Int?

    package init(
        streams: Set<LogStream> = [.application], service: String? = nil, replica: String? = nil,
        output: Output? = nil, since: Timestamp? = nil, tail: Int? = nil
    ) {
        self.streams = streams
        self.service = service
        self.replica = replica
        self.output = output
        self.since = since
        self.tail = tail
    }
}

/// One JSON line of a log.
package struct LogRecord: Sendable, Hashable {
    package let stream: LogStream
    /// Nil where the line bears no `time` that can be read.
    package let time: Timestamp?
    /// The line without its newline.
    package let line: [UInt8]
}

/// Reads a log folder, across rotations, in time order, also while it is written.
package struct LogReader: Sendable {
    /// Most records that `tail` may ask for; they are held in memory.
    package static let tailLimit = 100_000

    package let directory: String

    package init(directory: String) { self.directory = directory }

    /// The records that fit, oldest first, then the end, or with `follow` those to come, until the task is cancelled.
    ///
    /// With `tail` the segments are read from their ends, and only as far as needed. Reading costs no memory beyond one
    /// block a stream and the `tail` records.
    package func records(_ query: LogQuery, follow: Bool = false) -> LogRecords {
        LogRecords(directory: directory, query: query, follow: follow)
    }
}
