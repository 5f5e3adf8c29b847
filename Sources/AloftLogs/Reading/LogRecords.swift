import AloftModel
import AloftSystem

/// Records as they are read; see ``LogReader/records(_:follow:)``. Throws ``LogError``.
package struct LogRecords: AsyncSequence, Sendable {
    package typealias Element = LogRecord

    let directory: String
    let query: LogQuery
    let follow: Bool

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(records: self) }

    package struct AsyncIterator: AsyncIteratorProtocol {
        /// How often the folder is looked at for more.
        private static let followPeriod: Duration = .milliseconds(100)
        /// Lines or blocks read before other tasks of this thread get a turn.
        private static let burst = 1024

        private let records: LogRecords
        private var merge: ForwardMerge?
        /// The tail, newest first; taken from its end.
        private var tail: [LogRecord] = []
        private var work = 0

        init(records: LogRecords) { self.records = records }

        /// The next record; nil at the end, or, when following, once the task is cancelled.
        ///
        /// Runs where the caller runs: a change of thread for each record would cost ten times what reading it does.
        package mutating func next(isolation actor: isolated (any Actor)? = #isolation) async throws -> LogRecord? {
            do {
                if merge == nil { try await begin() }
                if let record = tail.popLast() { return record }
                return try await nextForward()
            } catch let error as SystemError {
                throw LogError(message: "the logs in \(records.directory) cannot be read: \(error)")
            } catch is CancellationError where records.follow {
                return nil
            }
        }

        private nonisolated(nonsending) mutating func begin() async throws {
            let (directory, query) = (records.directory, records.query)
            guard let count = query.tail else {
                merge = try ForwardMerge(directory: directory, query: query)
                return
            }
            var backward = try BackwardMerge(directory: directory, query: query)
            let limit = Swift.min(Swift.max(0, count), LogReader.tailLimit)
            search: while tail.count < limit {
                switch try backward.step() {
                case .record(let record): tail.append(record)
                case .working: try await rest()
                case .end: break search
                }
            }
            merge = try ForwardMerge(directory: directory, query: query, from: backward.ends)
        }

        private nonisolated(nonsending) mutating func nextForward() async throws -> LogRecord? {
            // The tail is all of what was asked for.
            if records.query.tail != nil, !records.follow { return nil }
            while true {
                switch try merge?.step() ?? .end {
                case .record(let record): return record
                case .working: try await rest()
                case .end:
                    guard records.follow else { return nil }
                    try await Task.sleep(for: Self.followPeriod)
                }
            }
        }

        private nonisolated(nonsending) mutating func rest() async throws {
            work += 1
            guard work % Self.burst == 0 else { return }
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}

/// One piece of the work of merging.
enum MergeStep {
    case record(LogRecord)
    case working
    case end
}

/// Streams put together in the order of time, oldest first.
struct ForwardMerge {
    private struct Source {
        var cursor: ForwardCursor
        var filter: RecordFilter
        var head: LogRecord?
        var isAtEnd = false
    }

    private var sources: [Source] = []

    init(directory: String, query: LogQuery, from ends: [LogStream: LogPosition]? = nil) throws(SystemError) {
        for stream in LogStream.allCases where query.streams.contains(stream) {
            let folder = directory + "/" + stream.rawValue
            let cursor =
                if let end = ends?[stream] {
                    try ForwardCursor(folder: folder, from: end)
                } else {
                    try ForwardCursor(folder: folder, since: query.since)
                }
            sources.append(Source(cursor: cursor, filter: RecordFilter(query: query, stream: stream)))
        }
    }

    mutating func step() throws(SystemError) -> MergeStep {
        for index in sources.indices where sources[index].head == nil && !sources[index].isAtEnd {
            switch try sources[index].cursor.step() {
            case .line(let line): sources[index].head = sources[index].filter.record(line)
            case .working: break
            case .end: sources[index].isAtEnd = true
            }
            return .working
        }
        // Those at their end may have more when asked next time.
        for index in sources.indices { sources[index].isAtEnd = false }
        let oldest = sources.indices.filter { sources[$0].head != nil }.min { time(sources[$0]) < time(sources[$1]) }
        guard let oldest, let record = sources[oldest].head else { return .end }
        sources[oldest].head = nil
        return .record(record)
    }

    private func time(_ source: Source) -> Timestamp {
        source.head?.time ?? source.filter.lastTime ?? Timestamp(nanoseconds: .min)
    }
}

/// Streams put together in the order of time, newest first.
struct BackwardMerge {
    private struct Source {
        var cursor: BackwardCursor
        var filter: RecordFilter
        var head: LogRecord?
        var isAtEnd = false
    }

    private var sources: [LogStream: Source] = [:]

    init(directory: String, query: LogQuery) throws(SystemError) {
        for stream in query.streams {
            sources[stream] = Source(
                cursor: try BackwardCursor(folder: directory + "/" + stream.rawValue),
                filter: RecordFilter(query: query, stream: stream))
        }
    }

    /// Where each stream ended at the start.
    var ends: [LogStream: LogPosition] { sources.mapValues(\.cursor.end) }

    mutating func step() throws(SystemError) -> MergeStep {
        for stream in LogStream.allCases {
            guard var source = sources[stream], source.head == nil, !source.isAtEnd else { continue }
            switch try source.cursor.step() {
            case .line(let line):
                source.head = source.filter.record(line)
                source.isAtEnd = source.filter.isPast
            case .working: break
            case .end: source.isAtEnd = true
            }
            sources[stream] = source
            return .working
        }
        let heads = LogStream.allCases.filter { sources[$0]?.head != nil }
        guard let newest = heads.max(by: { time($0) < time($1) }), let record = sources[newest]?.head else {
            return .end
        }
        sources[newest]?.head = nil
        return .record(record)
    }

    private func time(_ stream: LogStream) -> Timestamp {
        sources[stream]?.head?.time ?? sources[stream]?.filter.lastTime ?? Timestamp(nanoseconds: .max)
    }
}
