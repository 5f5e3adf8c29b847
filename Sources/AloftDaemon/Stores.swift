import AloftJournal
import AloftLogs
import AloftModel
import AloftSystem
import Logging

/// What lies on the disk: lock, journal and logs, opened in that order and closed in the reverse.
struct Stores: Sendable {
    let paths: StatePaths
    let lock: LockFile
    let journal: Journal
    let logs: LogStore
    let log: DaemonLog
    let spool: SpoolReader

    /// Takes the state directory or throws; leaves nothing open then.
    static func open(
        _ paths: StatePaths, logs spec: LogSpec, events: EventQueue, writesToStandardError: Bool
    ) throws(DaemonError) -> Stores {
        let lock = try takeLock(paths)
        let journal: Journal
        let logs: LogStore
        let spool: SpoolReader
        do {
            journal = try Journal(path: paths.journal)
        } catch {
            throw DaemonError(.state, error.message)
        }
        do {
            logs = try LogStore(
                directory: paths.logs, spec: spec, now: { .now }, event: { events.publish($0) })
            spool = SpoolReader(store: logs, now: { .now })
            try spool.start()
        } catch {
            close(journal)
            throw DaemonError(.state, error.message)
        }
        let log = DaemonLog(store: logs, level: spec.level, writesToStandardError: writesToStandardError)
        return Stores(paths: paths, lock: lock, journal: journal, logs: logs, log: log, spool: spool)
    }

    /// Writes what waits and lets go of everything.
    func close() async {
        await spool.stop()
        await logs.close()
        Self.close(journal)
    }

    private static func takeLock(_ paths: StatePaths) throws(DaemonError) -> LockFile {
        do {
            try Directories.make(paths.directory)
        } catch {
            throw DaemonError(
                .state, "the state directory cannot be made: \(error)", hint: DaemonError.accessHint(paths.directory))
        }
        do throws(LockFile.Failure) {
            return try LockFile(paths.lock)
        } catch {
            throw DaemonError(error, directory: paths.directory)
        }
    }

    /// A journal whose last bytes could not be written is reported; there is nothing else left to do.
    private static func close(_ journal: Journal) {
        do {
            try journal.close()
        } catch {
            OwnProcess.write(Array("aloft: \(error.message)\n".utf8), to: 2)
        }
    }
}

extension DaemonError {
    fileprivate init(_ failure: LockFile.Failure, directory: String) {
        switch failure {
        case .held(_, let pid):
            self.init(
                .alreadyRunning,
                "another daemon\(pid.map { " (pid \($0))" } ?? "") runs on the state directory \(directory)",
                hint: "see it with `aloft status`, change it with `aloft reload`, or end it with `aloft down`")
        case .system(let error):
            self.init(
                .state, "the state directory cannot be used: \(error)", hint: Self.accessHint(directory))
        }
    }

    fileprivate static func accessHint(_ directory: String) -> String {
        guard let owner = UserName.otherOwner(of: directory) else {
            return "give this user write access there, or set ALOFT_STATE to a folder of its own"
        }
        return "\(directory) belongs to the user \(owner): start Aloft as that user, or set ALOFT_STATE to a folder of "
            + "\(UserName.current)'s own"
    }
}
