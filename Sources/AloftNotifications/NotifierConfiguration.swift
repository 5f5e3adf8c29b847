/// What the notifier is told by the daemon once, as opposed to by the file.
package struct NotifierConfiguration: Sendable {
    /// Name of this machine, as messages give it and as EHLO says it.
    package var machine: String
    /// `project` of the file.
    package var project: String
    /// Name of the environment, where there is one.
    package var environment: String?
    /// PEM file of certificates that are trusted beside the machine's own roots.
    package var extraRoots: String?
    /// For one try on any channel, from the name lookup to the last byte of the answer; SMTP takes it per command.
    package var timeout: Duration

    package init(
        machine: String, project: String, environment: String? = nil, extraRoots: String? = nil,
        timeout: Duration = .seconds(15)
    ) {
        self.machine = machine
        self.project = project
        self.environment = environment
        self.extraRoots = extraRoots
        self.timeout = timeout
    }
}
