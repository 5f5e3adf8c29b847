/// One thing that happened, as `aloft events` and the terminal show it and the journal keeps it.
package struct Event: Sendable, Hashable, Codable {
    package enum Severity: String, Sendable, Hashable, Codable, CaseIterable {
        /// As planned.
        case notice
        /// Aloft deals with it; somebody may want to know.
        case warning
        /// Somebody must look.
        case error
    }

    package var time: Timestamp
    package var severity: Severity
    /// Closed vocabulary in dotted words: `replica.ready`, `replica.exited`, `daemon.started`, `reload.refused`.
    package var kind: String
    /// What it happened to: `web-2`, `web`, `edge`, `daemon`.
    package var subject: String
    /// One line for people: what, and why where there is a reason.
    package var message: String

    package init(time: Timestamp, severity: Severity, kind: String, subject: String, message: String) {
        self.time = time
        self.severity = severity
        self.kind = kind
        self.subject = subject
        self.message = message
    }
}
