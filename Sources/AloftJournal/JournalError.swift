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
