import AloftModel

/// Tails the output files of all replicas into the application log.
///
/// Each replica's stdout and stderr are O_APPEND files in its folder. A line becomes one JSON record; the offset past the
/// last record written is kept in a sidecar file (`stdout.offset`), so that a daemon that was killed goes on where it was:
/// each line at least once, none lost. Consumed blocks are given back to the file system, so the file's size grows but
/// its disk use does not. One thread serves all replicas, round-robin with a byte budget a turn.
///
/// A new generation may append to the same file or put a new file in its place; it must not truncate it.
package final class SpoolReader: Sendable {
    /// Lines kept in memory for each replica.
    package static let lastLineCount = 20
    /// Of so many generations of a name, the newest ones: those of two releases, and of one that ended.
    static let lastLineGenerations = 3

    let shared: SpoolShared

    /// Starts nothing.
    package init(store: LogStore, now: @escaping @Sendable () -> Timestamp) {
        shared = SpoolShared(store: store, now: now)
    }

    /// Starts the reading thread; call once.
    package func start() throws(LogError) { try shared.start() }

    /// Reads a replica's `stdout` and `stderr` in `directory` from their sidecar offsets on.
    ///
    /// Missing files are made (mode 0600, O_APPEND), so this may come before or after the process is started.
    /// Call ``finish(_:)`` for the one before in the same folder; if it was not, lines may come twice. Before ``start()``
    /// it waits, after ``stop()`` nothing happens.
    package func attach(_ replica: ReplicaID, directory: String) throws(LogError) {
        try shared.attach(replica, directory: directory)
    }

    /// After the replica's exit: reads both files to their end, writes the records, and lets go of the files.
    ///
    /// Returns when done, or after 5 s when the log cannot be written; what is left is read by the next `attach`.
    /// The files are then empty, so they may be removed or used again. The last lines stay until ``forget(_:)``, so that a
    /// replica that cannot start still shows why.
    package func finish(_ replica: ReplicaID) async { await shared.finish(replica) }

    /// The newest lines of a replica, oldest first, both outputs together; each cut at 1 KiB.
    package func lastLines(_ replica: ReplicaID) -> [String] { shared.lastLines(replica) }

    /// Those of the newest process of this name that has printed any.
    package func lastLines(_ name: String) -> [String] { shared.lastLines(name) }

    /// Drops the last lines of a replica that is gone for good.
    package func forget(_ replica: String) { shared.forget(replica) }

    package func statistics() -> SpoolStatistics { shared.statistics() }

    /// Reads what is there (for at most 2 s), writes it and ends the thread; the replicas go on writing to their files.
    package func stop() async { await shared.stop() }
}

/// What the reader has done since it was made.
package struct SpoolStatistics: Sendable, Hashable {
    package var lines: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Bytes given up because a replica wrote faster than they could be read.
    package var droppedBytes: UInt64 = 0
    /// Failed reads, offset writes and watches.
    package var errors: UInt64 = 0
    package var replicas: Int = 0
}
