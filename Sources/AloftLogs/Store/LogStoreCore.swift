import AloftModel
import AloftSystem
import Synchronization

/// The store without its clockwork: queues, writers, and what is said about failures.
///
/// Two locks: `queues` is held for moments by anybody; `files` is held while writing, by one thread at a time, and never
/// taken under `queues`. Events are told with neither held, since the listener may append.
final class LogStoreCore: Sendable {
    /// Records wait so long for company.
    static let pause: Duration = .milliseconds(100)
    /// Between attempts while the disk refuses.
    static let retryPause: Duration = .seconds(1)
    private static let maintenancePeriod: Duration = .seconds(60)

    private struct Files {
        var writers: [LogStream: StreamWriter]
        var retention: Retention
        var maintained: Timestamp
        var isFailing = false
        var statistics = LogStatistics()
    }

    private let queues = Mutex(LogQueues())
    private let files: Mutex<Files>
    private let now: @Sendable () -> Timestamp
    private let event: @Sendable (Event) -> Void

    init(
        directory: String, spec: LogSpec, now: @escaping @Sendable () -> Timestamp,
        event: @escaping @Sendable (Event) -> Void
    ) throws(LogError) {
        self.now = now
        self.event = event
        var writers: [LogStream: StreamWriter] = [:]
        do throws(SystemError) {
            for stream in LogStream.allCases {
                writers[stream] = try StreamWriter(folder: directory + "/" + stream.rawValue)
            }
        } catch {
            throw LogError(
                message:
                    "the logs in \(directory) cannot be opened: \(error); the state directory must be writable and "
                    + "have room")
        }
        var opened = Files(writers: writers, retention: Retention(spec: spec), maintained: now())
        opened.statistics.tornRecords = UInt64(writers.values.reduce(0) { $0 + $1.tornRecords })
        files = Mutex(opened)
        maintain()
    }

    func append(_ stream: LogStream, _ lines: [UInt8]) -> LogQueues.Scheduling {
        queues.withLock { $0.append(stream, lines, pause: Self.pause) }
    }

    func offer(_ stream: LogStream, _ lines: [UInt8]) -> LogStore.Ticket? {
        queues.withLock { $0.offer(stream, lines) }
    }

    func room(_ stream: LogStream) -> Int { queues.withLock { $0.room(stream) } }

    func isWritten(_ ticket: LogStore.Ticket) -> Bool { queues.withLock { $0.isWritten(ticket) } }

    /// Writes all that waits; true if nothing is left.
    func drain() -> Bool {
        let (isDone, events) = files.withLock { files in
            var events: [Event] = []
            var isDone = pass(&files, &events)
            // Only now that writing works is there a place to say what was lost.
            if isDone, sayLosses() { isDone = pass(&files, &events) }
            let isDue = now() - files.maintained >= Self.maintenancePeriod
            if isDue || storedBytes(files) > files.retention.spec.maxSize.bytes { maintain(&files) }
            return (isDone, events)
        }
        events.forEach(event)
        return isDone
    }

    /// `drain` for the scheduler, which is told when to come again.
    func drainScheduled() -> LogQueues.Scheduling {
        if drain() { return .none }
        queues.withLock { $0.scheduled() }
        return .schedule(after: Self.retryPause)
    }

    func maintain() { files.withLock { maintain(&$0) } }

    func apply(_ spec: LogSpec) {
        files.withLock { files in
            files.retention = Retention(spec: spec)
            maintain(&files)
        }
    }

    func statistics() -> LogStatistics {
        var statistics = files.withLock { files in
            var statistics = files.statistics
            statistics.storedBytes = storedBytes(files)
            return statistics
        }
        queues.withLock { queues in
            statistics.droppedRecords = queues.dropped
            statistics.queuedBytes = queues.waiting
        }
        return statistics
    }

    func close() {
        _ = drain()
        queues.withLock { $0.close() }
        // Whatever came between the two.
        _ = drain()
        files.withLock { files in
            for writer in files.writers.values {
                do throws(SystemError) { try writer.sync() } catch { files.statistics.writeErrors += 1 }
            }
            files.writers = [:]
        }
    }

    private func pass(_ files: inout Files, _ events: inout [Event]) -> Bool {
        let pending = queues.withLock { $0.takePending() }
        var failure: SystemError?
        for stream in LogStream.allCases {
            // Closed: what is left over waits for nobody.
            guard files.writers[stream] != nil else { continue }
            if let lines = pending[stream] { files.writers[stream]?.add(lines) }
            guard let (written, error) = files.writers[stream]?.write(files.retention, at: now()) else { continue }
            files.statistics.writtenBytes += UInt64(written)
            queues.withLock { $0.wrote(stream, written) }
            if let error {
                files.statistics.writeErrors += 1
                failure = error
            }
        }
        note(failure, &files, &events)
        return failure == nil
    }

    /// Tells the first failure of a row, and its end.
    private func note(_ failure: SystemError?, _ files: inout Files, _ events: inout [Event]) {
        if let failure, !files.isFailing {
            files.isFailing = true
            events.append(
                Event(
                    time: now(), severity: .error, kind: "logs.failing", subject: "logs",
                    message:
                        "logs cannot be written: \(failure); records wait in memory (8 MiB a log), then are dropped; "
                        + "tried again every second"))
        } else if failure == nil, files.isFailing {
            files.isFailing = false
            let dropped = queues.withLock { $0.dropped }
            events.append(
                Event(
                    time: now(), severity: .notice, kind: "logs.recovered", subject: "logs",
                    message: "logs are written again; \(dropped) records were lost since the start"))
        }
    }

    /// Queues a record in each stream that lost some; false if none did.
    private func sayLosses() -> Bool {
        let time = now()
        return queues.withLock { queues in
            var isAny = false
            for stream in LogStream.allCases {
                let lost = queues.takeUnsaid(stream)
                guard lost > 0, !queues.isClosed else { continue }
                queues.say(stream, RecordWriter.loss(of: lost, at: time))
                isAny = true
            }
            return isAny
        }
    }

    private func maintain(_ files: inout Files) {
        let time = now()
        files.maintained = time
        do throws(SystemError) {
            for stream in LogStream.allCases {
                try files.writers[stream]?.rotateIfOld(files.retention, at: time)
            }
            for (stream, segment) in files.retention.expired(files.writers.mapValues(\.segments), at: time) {
                try files.writers[stream]?.remove(segment)
                files.statistics.removedSegments += 1
            }
        } catch {
            // Counted; the next maintenance tries again.
            files.statistics.writeErrors += 1
        }
    }

    private func storedBytes(_ files: Files) -> Int {
        files.writers.values.reduce(0) { $0 + $1.segments.reduce(0) { $0 + $1.size } }
    }
}
