import AloftSystem

/// What `Compute` is told about the machine it runs on.
package struct ComputeConfiguration: Sendable {
    /// Absolute; replicas live in `run/` below it.
    package var stateDirectory: String
    /// The environment of `aloft up`: PATH, HOME and LANG are passed on, `${env.X}` looks here.
    package var hostEnvironment: [String: String]
    package var clock: any TimeSource
    /// Where replicas' cgroups are made; `.discover` looks for what can be written.
    package var cgroups: CgroupChoice

    package enum CgroupChoice: Sendable {
        case discover
        /// No cgroups, as on a machine where none can be written.
        case off
    }

    package init(
        stateDirectory: String, hostEnvironment: [String: String], clock: any TimeSource = SystemTime(),
        cgroups: CgroupChoice = .discover
    ) {
        self.stateDirectory = stateDirectory
        self.hostEnvironment = hostEnvironment
        self.clock = clock
        self.cgroups = cgroups
    }
}
