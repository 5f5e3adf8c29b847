import GRDB

/// Why the journal could not do what was asked, and what to do about it.
package struct JournalError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// The file cannot be made, read or written: path, permission, read-only disk, another program's lock.
        case cannotOpen
        /// The file is not a journal or is damaged.
        case corrupt
        /// No room on the disk; nothing of the write was kept.
        case full
        /// A newer Aloft has written it.
        case newerVersion
        /// Used after ``Journal/close()``.
        case closed
        /// Anything else SQLite says.
        case failed
    }

    package let code: Code
    /// What failed, why, and what to do; one line.
    package let message: String

    package var description: String { message }
}

extension JournalError {
    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Gives SQLite's error a code and says what to do.
    init(_ error: any Error, path: String, doing: String) {
        if let error = error as? JournalError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.failed, "\(doing) in \(path) failed: \(error)")
            return
        }
        let code = Code(error)
        self.init(code, "\(doing) in \(path) failed: \(error.message ?? "\(error.resultCode)"); \(code.advice(path))")
    }
}

extension JournalError.Code {
    fileprivate init(_ error: DatabaseError) {
        switch error.resultCode {
        case .SQLITE_FULL: self = .full
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_BUSY, .SQLITE_LOCKED: self = .cannotOpen
        case .SQLITE_MISUSE: self = .closed
        // A full disk shows first where SQLite lengthens the file it shares with readers.
        case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHMSIZE: self = .full
        default: self = .failed
        }
    }

    fileprivate func advice(_ path: String) -> String {
        switch self {
        case .cannotOpen: "check that the file and its folder are writable and that no other program holds it"
        case .corrupt:
            "the journal is damaged: move \(path)* away and start again (running replicas are then not adopted: "
                + "stop them first)"
        case .full: "free space on its disk; nothing of this write was kept"
        case .newerVersion: "use the newer Aloft"
        case .closed: "the journal was closed before"
        case .failed: "look at the disk and at the system's log"
        }
    }
}
