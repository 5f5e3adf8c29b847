import AloftModel
import AloftSystem

/// All spool files and the order in which they are read. Confined to the reading thread; waits for nothing.
final class SpoolTable {
    /// Files that inotify cannot watch are looked at so often.
    private static let unwatchedPeriod: Duration = .milliseconds(250)
    /// Watched ones too, for what the system may have failed to tell.
    private static let sweepPeriod: Duration = .seconds(30)
    /// While the log cannot be written.
    private static let retryPeriod: Duration = .seconds(1)
    /// `finish` ends after this time even if the log cannot be written.
    static let finishTime: Duration = .seconds(5)

    struct Key: Hashable {
        let replica: ReplicaID
        let output: LogQuery.Output
    }

    private struct Entry {
        var file: SpoolFile
        var watch: Int32?
        var isDirty = true
        /// When it is read next even if nobody says it has changed.
        var due: MonotonicTime
        /// After a failure: not to be read before.
        var rests: MonotonicTime?
        /// Records handed on, not known to be written: their ticket and the offset after them.
        var underway: (ticket: LogStore.Ticket, offset: Int)?
        var deadline: MonotonicTime?
    }

    private let store: LogStore
    private let wall: @Sendable () -> Timestamp
    private let report: (ReplicaID, [String]) -> Void
    private(set) var statistics = SpoolStatistics()
    private var entries: [Key: Entry] = [:]
    /// Round-robin order.
    private var order: [Key] = []
    private var watches: [Int32: Key] = [:]
    private var watch = FileWatch()
    private var isStuck = false

    /// - Parameter report: is given the newest lines of a replica.
    init(
        store: LogStore, wall: @escaping @Sendable () -> Timestamp, report: @escaping (ReplicaID, [String]) -> Void
    ) {
        self.store = store
        self.wall = wall
        self.report = report
    }

    /// For poll(2): readable when a file has changed.
    var watchNumber: Int32 { watch.number }

    func contains(_ replica: ReplicaID) -> Bool { entries.keys.contains { $0.replica == replica } }

    /// Takes files over, also from an earlier generation that had the very same ones and that nobody has finished.
    ///
    /// Generations with files of their own are read side by side, as two releases have them.
    func attach(_ replica: ReplicaID, _ files: [(output: LogQuery.Output, file: SpoolFile)], now: MonotonicTime) {
        for (output, file) in files {
            for other in order where entries[other]?.file.path == file.path { remove(other) }
            let key = Key(replica: replica, output: output)
            let watch = watch.add(file.path)
            if let watch { watches[watch] = key } else { statistics.errors += 1 }
            entries[key] = Entry(file: file, watch: watch, due: now)
            order.append(key)
        }
        statistics.replicas = Set(order.map(\.replica)).count
    }

    /// Reads a replica's files to their end in the rounds to come, and lets go of them there.
    func finish(_ replica: ReplicaID, now: MonotonicTime) {
        for key in order where key.replica == replica {
            entries[key]?.isDirty = true
            entries[key]?.deadline = now + Self.finishTime
        }
    }

    /// Notes what has changed on disk.
    func noteChanges() {
        for change in watch.changes() {
            switch change {
            case .file(let number):
                if let key = watches[number] { entries[key]?.isDirty = true }
            case .any:
                for key in order { entries[key]?.isDirty = true }
            }
        }
    }

    /// Gives each file that has something to read one turn, writes the records, and commits what is written.
    ///
    /// - Returns: when to come again if nothing changes meanwhile.
    func round(now: MonotonicTime) -> MonotonicTime {
        for key in order { turn(key, now) }
        if entries.values.contains(where: { $0.underway != nil }) { isStuck = !store.write() }
        if isStuck { for key in order { relieve(key) } }
        for key in order { settle(key, now) }
        // The next round begins with another file.
        if order.count > 1 { order.append(order.removeFirst()) }
        return nextRound(now)
    }

    /// Whether everything on disk is read and in the log.
    var isDrained: Bool { entries.values.allSatisfy { !$0.isDirty && $0.underway == nil } }

    /// Lets everything be read once more, as at the end.
    func markAll() { for key in order { entries[key]?.isDirty = true } }

    private func turn(_ key: Key, _ now: MonotonicTime) {
        guard var entry = entries[key], entry.isDirty || entry.due <= now else { return }
        if let rests = entry.rests, rests > now { return }
        entry.rests = nil
        entry.due = now + (entry.watch == nil ? Self.unwatchedPeriod : Self.sweepPeriod)
        let needed = SpoolFile.turnLimit + SpoolFile.recordLimit
        if store.room(.application) < needed { isStuck = !store.write() }
        guard store.room(.application) >= needed else {
            entry.isDirty = true
            entries[key] = entry
            return
        }
        do throws(SystemError) {
            let turn = try entry.file.turn(wall: wall(), now: now, isFinishing: entry.deadline != nil)
            entry.isDirty = turn.hasMore
            if let holdsSince = entry.file.holdsSince { entry.due = min(entry.due, holdsSince + SpoolFile.holdTime) }
            handOn(turn, of: key, &entry)
        } catch {
            statistics.errors += 1
            entry.rests = now + Self.retryPeriod
            entry.isDirty = true
        }
        entries[key] = entry
    }

    /// Unread output may be what fills the disk: then only giving it up makes room for the log.
    private func relieve(_ key: Key) {
        guard var entry = entries[key] else { return }
        do throws(SystemError) {
            guard try OwnProcess.diskSpace(at: entry.file.path).free < SpoolFile.turnLimit else { return }
            try entry.file.relieve()
        } catch {
            statistics.errors += 1
        }
        entries[key] = entry
    }

    private func handOn(_ turn: SpoolFile.Turn, of key: Key, _ entry: inout Entry) {
        statistics.lines += UInt64(turn.lines)
        statistics.bytes += UInt64(turn.bytes)
        statistics.droppedBytes += UInt64(turn.droppedBytes)
        if !turn.lastLines.isEmpty { report(key.replica, turn.lastLines) }
        guard !turn.records.isEmpty else { return }
        // There was room, and nobody else offers; a store that was closed meanwhile takes nothing, and the offset stays.
        if let ticket = store.offer(.application, turn.records) { entry.underway = (ticket, entry.file.consumed) }
    }

    /// Commits what is written; lets go of a finished file.
    private func settle(_ key: Key, _ now: MonotonicTime) {
        guard var entry = entries[key] else { return }
        if let (ticket, offset) = entry.underway, store.isWritten(ticket) {
            entry.underway = nil
            do throws(SystemError) {
                try entry.file.commit(offset, isIdle: !entry.isDirty)
            } catch {
                // Not committed: after a restart these lines come twice rather than never.
                statistics.errors += 1
            }
        }
        entries[key] = entry
        guard let deadline = entry.deadline else { return }
        let isDone = !entry.isDirty && entry.underway == nil
        guard isDone || now >= deadline else { return }
        if isDone, entry.file.committed == entry.file.consumed {
            do throws(SystemError) { try entry.file.retire() } catch { statistics.errors += 1 }
        }
        remove(key)
    }

    private func remove(_ key: Key) {
        if let number = entries[key]?.watch {
            watch.remove(number)
            watches[number] = nil
        }
        entries[key] = nil
        order.removeAll { $0 == key }
        statistics.replicas = Set(order.map(\.replica)).count
    }

    private func nextRound(_ now: MonotonicTime) -> MonotonicTime {
        if isStuck { return now + Self.retryPeriod }
        var next = now + Self.sweepPeriod
        for entry in entries.values { next = min(next, max(entry.isDirty ? now : entry.due, entry.rests ?? now)) }
        return next
    }
}
