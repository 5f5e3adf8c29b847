import Foundation
import GRDB

/// Opening of the journal's file: permissions, durability, tables.
enum JournalFile {
    /// "Alof" in SQLite's header tells the journal from any other SQLite file.
    private static let applicationID = 0x416C_6F66

    static func open(path: String, access: Journal.Access) throws(JournalError) -> DatabasePool {
        do {
            switch access {
            case .readWrite: return try openForWriting(path)
            case .readOnly: return try openForReading(path)
            }
        } catch {
            throw JournalError(error, path: path, doing: "opening the journal")
        }
    }

    private static func openForWriting(_ path: String) throws -> DatabasePool {
        try makePrivate(path)
        var configuration = Configuration()
        configuration.label = "aloft.journal"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { database in
            // Each connection keeps pages for itself, by default up to 2 MB: the daemon would grow with its journal.
            try database.execute(sql: "PRAGMA cache_size = -256")
            // The log beside the file shrinks back to this after a checkpoint.
            try database.execute(sql: "PRAGMA journal_size_limit = 4194304")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        let migrator = migrator()
        try pool.read { database in try check(database, path, migrator) }
        try pool.writeWithoutTransaction { database in
            // The pool opens with NORMAL, where a power cut may take the last transactions back.
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        try migrator.migrate(pool)
        return pool
    }

    private static func openForReading(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "aloft.journal"
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let pool = try DatabasePool(path: path, configuration: configuration)
        let migrator = migrator()
        try pool.read { database in
            try check(database, path, migrator)
            guard try migrator.hasCompletedMigrations(database) else {
                throw JournalError(
                    .cannotOpen, "the journal \(path) was written by an older Aloft; `aloft up` brings it up to date")
            }
        }
        return pool
    }

    /// Makes an empty file that only its owner reads; SQLite gives its side files the same mode.
    private static func makePrivate(_ path: String) throws {
        let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw JournalError(
                errno == ENOSPC ? .full : .cannotOpen,
                "cannot open the journal \(path): \(reason); the state directory must exist and be writable "
                    + "(set ALOFT_STATE to use another)")
        }
        Foundation.close(descriptor)
    }

    private static func check(_ database: Database, _ path: String, _ migrator: DatabaseMigrator) throws {
        let identifier = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        guard identifier == applicationID || tables == 0 else {
            throw JournalError(
                .corrupt, "\(path) is an SQLite file of another program; move it away, then start Aloft again")
        }
        guard try !migrator.hasBeenSuperseded(database) else {
            throw JournalError(
                .newerVersion,
                "the journal \(path) was written by a newer Aloft; use that version, or move the file away to begin anew "
                    + "(running replicas are then not adopted: stop them first)")
        }
    }

    /// Each step runs once, in this order, in its own transaction. Published steps never change; add one.
    static func migrator() -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1-foundation") { database in
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            try database.execute(
                sql: """
                    CREATE TABLE replicas (
                        key TEXT NOT NULL PRIMARY KEY,
                        json TEXT NOT NULL,
                        updated INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE facts (
                        key TEXT NOT NULL PRIMARY KEY,
                        value TEXT NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE events (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        time INTEGER NOT NULL,
                        severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 2),
                        kind TEXT NOT NULL,
                        subject TEXT NOT NULL,
                        message TEXT NOT NULL
                    );
                    """)
        }
        migrator.registerMigration("2-releases") { database in
            try database.execute(
                sql: """
                    CREATE TABLE releases (
                        service TEXT NOT NULL,
                        number INTEGER NOT NULL CHECK (number > 0),
                        json TEXT NOT NULL,
                        PRIMARY KEY (service, number)
                    ) WITHOUT ROWID;
                    CREATE TABLE rollouts (
                        service TEXT NOT NULL PRIMARY KEY,
                        json TEXT NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE outbox (
                        id TEXT NOT NULL PRIMARY KEY,
                        json TEXT NOT NULL
                    ) WITHOUT ROWID;
                    """)
        }
        return migrator
    }
}
