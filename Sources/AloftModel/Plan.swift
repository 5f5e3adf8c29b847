/// The effective file: every default filled in, the chosen environment laid over it, every reference checked.
///
/// All that Aloft does is a reading of one plan: the runtime, `aloft plan`, the difference to what runs.
package struct Plan: Sendable, Hashable {
    package var app: String
    package var region: String?
    /// The environment of `environments` that was laid over the file, if one was asked for.
    package var environment: String?
    /// Absolute folder of the file; relative paths of the file start here.
    package var directory: String
    /// In the order of the file; names are unique.
    package var services: [ServiceSpec]
    package var edge: EdgeSpec
    package var logs: LogSpec
    package var notifications: NotificationSpec
    /// All of `environments`, in the order of the file.
    package var environments: [EnvironmentRules]
    /// In the order of the file; no name is a service's.
    package var jobs: [JobSpec] = []

    package init(
        app: String, region: String? = nil, environment: String? = nil, directory: String, services: [ServiceSpec],
        edge: EdgeSpec, logs: LogSpec, notifications: NotificationSpec = NotificationSpec(),
        environments: [EnvironmentRules] = []
    ) {
        self.app = app
        self.region = region
        self.environment = environment
        self.directory = directory
        self.services = services
        self.edge = edge
        self.logs = logs
        self.notifications = notifications
        self.environments = environments
    }
}

/// `logs`: what is written, how much of it is kept.
package struct LogSpec: Sendable, Hashable {
    package enum Level: String, Sendable, Hashable, CaseIterable { case debug, info, notice, warning, error }

    /// Segments older than this are removed.
    package var retention: Duration
    /// Oldest segments are removed once all of them together are larger than this.
    package var maxSize: ByteSize
    /// Least severe level of Aloft's own log that is written.
    package var level: Level
    /// Share of requests in the access log: 0 is off, 10 000 basis points is every request.
    package var access: Percent

    package init(retention: Duration, maxSize: ByteSize, level: Level, access: Percent) {
        self.retention = retention
        self.maxSize = maxSize
        self.level = level
        self.access = access
    }
}
