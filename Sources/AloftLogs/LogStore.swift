import AloftModel
import Dispatch
import Synchronization

/// Which of Aloft's logs a record is in; each is a folder of segments.
package enum LogStream: String, Sendable, Hashable, CaseIterable {
    /// What replicas write to stdout and stderr.
    case application
    /// One record a request, from the edge.
    case access
    /// Aloft's own.
    case daemon
}

/// What the store has done since it was opened, for metrics and `status`.
package struct LogStatistics: Sendable, Hashable {
    /// Bytes written to segments.
    package var writtenBytes: UInt64 = 0
    /// Records lost because the queue was full.
    package var droppedRecords: UInt64 = 0
    /// Failed attempts to write.
    package var writeErrors: UInt64 = 0
    /// Ends without a newline, left by a crash, that were cut off at open.
    package var tornRecords: UInt64 = 0
    /// Segments removed by age or size.
    package var removedSegments: UInt64 = 0
    /// Bytes now waiting in memory.
    package var queuedBytes: Int = 0
    /// Bytes of all segments on disk.
    package var storedBytes: Int = 0
}

/// Why the logs cannot be opened or read.
package struct LogError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What failed, why, and what to do; one line.
    package let message: String

    package var description: String { message }
}

/// An append-only store of JSON lines, in segment files that are rotated and thinned out.
///
/// `append` never blocks on the disk and never fails: records wait in a bounded queue (8 MiB a stream) and are written
/// together within 100 ms. While the disk refuses, they wait; once the queue is full, new ones are dropped, counted, and
/// the loss is said in the log itself when writing works again. One process may write a folder (`daemon.lock` sees to it).
package final class LogStore: Sendable {
    /// Proof that records were taken, to ask later whether they are written.
    package struct Ticket: Sendable, Hashable {
        let stream: LogStream
        /// Bytes taken by the stream up to and with these.
        let position: UInt64
    }

    let core: LogStoreCore
    /// Runs the writes, one at a time.
    private let queue = DispatchQueue(label: "aloft.logs")

    /// Opens the folder, cutting off what a crash has torn.
    ///
    /// - Parameters:
    ///   - now: the wall clock.
    ///   - event: told once when writing begins to fail (`logs.failing`) and once when it works again (`logs.recovered`);
    ///     called from the writing thread, must not block.
    /// - Throws: when the folder cannot be made or read, or a segment cannot be opened.
    package init(
        directory: String, spec: LogSpec, now: @escaping @Sendable () -> Timestamp,
        event: @escaping @Sendable (Event) -> Void
    ) throws(LogError) {
        core = try LogStoreCore(directory: directory, spec: spec, now: now, event: event)
    }

    /// Queues whole lines, each with its newline; what does not fit is dropped and counted.
    package func append(_ stream: LogStream, _ lines: [UInt8]) {
        if case .schedule(let delay) = core.append(stream, lines) { schedule(after: delay) }
    }

    /// Queues whole lines if they fit beside the other producers' share; nil changes nothing, so ask again later.
    ///
    /// For a producer that can wait. Nothing is scheduled: the caller calls ``write()``.
    package func offer(_ stream: LogStream, _ lines: [UInt8]) -> Ticket? {
        core.offer(stream, lines)
    }

    /// Bytes that `offer` would take now.
    package func room(_ stream: LogStream) -> Int { core.room(stream) }

    /// Whether the records of a ticket are in their segment (written, not necessarily synced to the disk).
    package func isWritten(_ ticket: Ticket) -> Bool { core.isWritten(ticket) }

    /// Writes all that is queued, in the calling thread; true if nothing is left.
    @discardableResult
    package func write() -> Bool { core.drain() }

    /// Waits until what is queued now is written, or one attempt has failed; true if nothing is left.
    @discardableResult
    package func flush() async -> Bool {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.core.drain()) }
        }
    }

    /// Rotates and removes by age; `append` does so too, this is for quiet times. Cheap; call about once a minute.
    package func maintain() { core.maintain() }

    /// Takes a new retention and size from a reloaded file.
    package func apply(_ spec: LogSpec) { core.apply(spec) }

    package func statistics() -> LogStatistics { core.statistics() }

    /// Writes what is queued, syncs and closes; later appends are dropped and counted.
    package func close() async {
        await withCheckedContinuation { continuation in
            queue.async {
                self.core.close()
                continuation.resume()
            }
        }
    }

    private func schedule(after delay: Duration) {
        queue.asyncAfter(deadline: .now() + .milliseconds(Int(delay.milliseconds))) { [weak self] in
            guard let self else { return }
            if case .schedule(let next) = core.drainScheduled() { schedule(after: next) }
        }
    }
}
