/// Why a daemon did not start, or could not do what it was asked.
package struct DaemonError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// The file has errors; `message` is the whole report.
        case invalidFile
        /// Another daemon has the state directory.
        case alreadyRunning
        /// The state directory, the journal or the logs cannot be made or written.
        case state
        /// An address cannot be listened on.
        case listen
        /// A certificate cannot be used.
        case certificate
        /// Replicas could not be taken over.
        case compute
        /// The system gives this process too little to work with.
        case resources
    }

    package let code: Code
    /// What failed and why.
    package let message: String
    /// What to do; nil where `message` says it.
    package let hint: String?

    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    package var description: String { message + (hint.map { "\n  fix: \($0)" } ?? "") }
}
