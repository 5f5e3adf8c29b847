/// What waits to be written, a queue for each stream; all of it is short and happens under one lock.
struct LogQueues: Sendable {
    /// Bytes a stream may have waiting; one more record is dropped.
    static let capacity = 8 << 20
    /// Of it, what producers that can wait may use.
    static let offerCapacity = capacity / 2
    /// So much waiting is written at once rather than after the pause.
    static let urgentSize = 1 << 20

    enum Scheduling: Sendable, Hashable {
        case none
        case schedule(after: Duration)
    }

    private struct Queue {
        var pending: [UInt8] = []
        /// Bytes ever taken and ever written; the difference waits, here or at the writer.
        var taken: UInt64 = 0
        var written: UInt64 = 0
        /// Lost and not yet said in the log.
        var unsaid: UInt64 = 0

        var waiting: Int { Int(taken - written) }

        mutating func take(_ lines: [UInt8]) {
            pending.append(contentsOf: lines)
            taken += UInt64(lines.count)
        }
    }

    private var queues: [LogStream: Queue] = Dictionary(
        uniqueKeysWithValues: LogStream.allCases.map { ($0, Queue()) })
    private var isScheduled = false
    private var isUrgent = false
    private(set) var isClosed = false
    private(set) var dropped: UInt64 = 0

    var waiting: Int { queues.values.reduce(0) { $0 + $1.waiting } }

    /// Takes lines or drops them.
    mutating func append(_ stream: LogStream, _ lines: [UInt8], pause: Duration) -> Scheduling {
        guard !lines.isEmpty else { return .none }
        let fits = !isClosed && self[stream].waiting + lines.count <= Self.capacity
        if fits {
            self[stream].take(lines)
        } else {
            let records = lines.reduce(into: UInt64(0)) { $0 += $1 == UInt8(ascii: "\n") ? 1 : 0 }
            self[stream].unsaid += records
            dropped += records
            if isClosed { return .none }
        }
        return scheduling(pause, isUrgent: self[stream].pending.count >= Self.urgentSize)
    }

    /// Takes lines where they fit into the share of those that can wait.
    mutating func offer(_ stream: LogStream, _ lines: [UInt8]) -> LogStore.Ticket? {
        guard !isClosed, self[stream].waiting + lines.count <= Self.offerCapacity else { return nil }
        self[stream].take(lines)
        return LogStore.Ticket(stream: stream, position: self[stream].taken)
    }

    /// Bytes that `offer` would take now.
    func room(_ stream: LogStream) -> Int { isClosed ? 0 : max(0, Self.offerCapacity - self[stream].waiting) }

    func isWritten(_ ticket: LogStore.Ticket) -> Bool { self[ticket.stream].written >= ticket.position }

    /// Hands over what waits; from now on another write may be scheduled.
    mutating func takePending() -> [LogStream: [UInt8]] {
        isScheduled = false
        isUrgent = false
        var pending: [LogStream: [UInt8]] = [:]
        for stream in LogStream.allCases where !self[stream].pending.isEmpty {
            pending[stream] = self[stream].pending
            self[stream].pending = []
        }
        return pending
    }

    /// A write is scheduled, so `append` need not ask for one.
    mutating func scheduled() { isScheduled = true }

    mutating func wrote(_ stream: LogStream, _ bytes: Int) { self[stream].written += UInt64(bytes) }

    /// Records lost since this was asked last.
    mutating func takeUnsaid(_ stream: LogStream) -> UInt64 {
        defer { self[stream].unsaid = 0 }
        return self[stream].unsaid
    }

    /// Takes a line of the store's own, whether or not there is room: there is at most one a write.
    mutating func say(_ stream: LogStream, _ line: [UInt8]) { self[stream].take(line) }

    mutating func close() { isClosed = true }

    private mutating func scheduling(_ pause: Duration, isUrgent urgent: Bool) -> Scheduling {
        if urgent, !isUrgent {
            isUrgent = true
            isScheduled = true
            return .schedule(after: .zero)
        }
        guard !isScheduled else { return .none }
        isScheduled = true
        return .schedule(after: pause)
    }

    private subscript(stream: LogStream) -> Queue {
        // Every stream has a queue from the start.
        get { queues[stream] ?? Queue() }
        _modify { yield &queues[stream, default: Queue()] }
    }
}
