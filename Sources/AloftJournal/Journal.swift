import AloftModel
import GRDB

/// Aloft's durable memory: replicas that run, events, and small facts, in one SQLite file.
///
/// Each write is one transaction that is on the disk when the call returns: WAL with `synchronous=FULL`, so a power cut
/// loses nothing that was acknowledged. Writes are serialised, reads run beside them. A write that was begun is finished
/// even when the calling task is cancelled: a shutdown has things to record.
package final class Journal: Sendable {
    package enum Access: Sendable, Hashable {
        /// Makes the file when it is missing; one process at a time.
        case readWrite
        /// For looking at a journal, whether or not a daemon writes it.
        case readOnly
    }

    /// Events kept; with each new one past it the oldest goes.
    package static let eventLimit = 100_000

    let pool: DatabasePool
    let path: String
    let eventLimit: Int

    /// Opens or makes the journal and brings its tables up to date.
    ///
    /// - Throws: `cannotOpen`, `corrupt`, `full`, or `newerVersion` for a journal that a newer Aloft has written.
    package convenience init(path: String, access: Access = .readWrite) throws(JournalError) {
        try self.init(path: path, access: access, eventLimit: Journal.eventLimit)
    }

    init(path: String, access: Access, eventLimit: Int) throws(JournalError) {
        pool = try JournalFile.open(path: path, access: access)
        self.path = path
        self.eventLimit = eventLimit
    }

    /// Waits for writes under way and closes the file; every later call throws `closed`.
    package func close() throws(JournalError) {
        do { try pool.close() } catch { throw JournalError(error, path: path, doing: "closing") }
    }
}
