import AloftModel

/// What `aloft up` was asked for.
package struct DaemonOptions: Sendable {
    /// Absolute path of the file.
    package var file: String
    /// The environment of the file to lay over it.
    package var environmentName: String?
    package var paths: StatePaths
    /// The environment of `aloft up`: PATH, HOME and LANG are passed on, `${env.X}` looks here.
    package var hostEnvironment: [String: String]
    /// Name of the user whose process this is: changes of the file are in this name.
    package var user: String
    /// Warnings and errors of the log also go to stderr.
    package var writesToStandardError: Bool
    /// Shown each event, in order; must not block.
    package var show: @Sendable (Event) -> Void
    /// Shown the name of each replica whose process has ended, and the last lines that it printed; must not block.
    package var ended: @Sendable (String, [String]) -> Void

    package init(
        file: String, environmentName: String?, paths: StatePaths, hostEnvironment: [String: String],
        user: String, writesToStandardError: Bool, show: @escaping @Sendable (Event) -> Void,
        ended: @escaping @Sendable (String, [String]) -> Void = { _, _ in }
    ) {
        self.file = file
        self.environmentName = environmentName
        self.paths = paths
        self.hostEnvironment = hostEnvironment
        self.user = user
        self.writesToStandardError = writesToStandardError
        self.show = show
        self.ended = ended
    }
}

/// Where a daemon that has just started answers.
package struct StartReport: Sendable, Hashable, Codable {
    package var app: String
    package var pid: Int
    package var urls: [String]
    package var admin: String?
    package var milliseconds: Int
}
