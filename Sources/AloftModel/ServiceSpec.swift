/// One entry of `services`: a command that Aloft runs as a number of replicas.
package struct ServiceSpec: Sendable, Hashable {
    package enum Listen: String, Sendable, Hashable, CaseIterable {
        /// `$PORT` on 127.0.0.1.
        case port
        /// `$SOCKET`, a Unix socket in the state directory.
        case unix
        /// No address: a worker, which takes its work from elsewhere.
        case nothing = "none"
    }

    package var name: String
    /// Program and arguments, never a shell string; at least one element, or none where the container's image says it.
    package var command: [Template]
    /// Nil where the replicas are processes of this machine.
    package var container: ContainerSpec?
    /// Absolute working directory.
    package var directory: String
    /// Patterns of gitignore(5), from the directory: no part of an artifact, and no code that makes a release another one.
    package var ignore: [String]
    package var listen: Listen
    /// Nil: whoever started Aloft.
    package var user: UserSpec?
    /// Names of services that must be ready before this one starts, and that stop after it.
    package var dependsOn: [String] = []
    /// The signal at which its processes read their own configuration again; nil where none does that.
    package var reload: StopSpec.Signal?
    /// Whether a route of the file leads here; one without is never asked for a connection that nobody would make.
    package var isRouted = true
    /// In the order of the file; names are unique.
    package var environment: [EnvironmentVariable]
    package var resources: Resources
    package var probes: Probes
    package var restart: RestartSpec
    package var stop: StopSpec
    package var scaling: ScalingSpec
    package var release: ReleaseSpec?
    package var deploy: DeploySpec
    /// Dotenv files of which `environment` overrides what it names too; a later file wins over an earlier one.
    package var envFiles: [EnvironmentFile] = []
    /// What `envFiles` held: of the file's own words as it was read, of a release as it was kept. Not part of any text.
    package var fileVariables = FileVariables()

    package init(
        name: String, command: [Template], container: ContainerSpec? = nil, directory: String, ignore: [String] = [],
        listen: Listen,
        environment: [EnvironmentVariable], resources: Resources, probes: Probes, restart: RestartSpec, stop: StopSpec,
        scaling: ScalingSpec, release: ReleaseSpec? = nil, deploy: DeploySpec = DeploySpec(), user: UserSpec? = nil,
        dependsOn: [String] = [], reload: StopSpec.Signal? = nil
    ) {
        self.name = name
        self.command = command
        self.container = container
        self.directory = directory
        self.ignore = ignore
        self.listen = listen
        self.environment = environment
        self.resources = resources
        self.probes = probes
        self.restart = restart
        self.stop = stop
        self.scaling = scaling
        self.release = release
        self.deploy = deploy
        self.user = user
        self.dependsOn = dependsOn
        self.reload = reload
    }
}

/// `user`: whose rights the processes of a service have.
package struct UserSpec: Sendable, Hashable {
    /// A name, or a number.
    package var name: String
    /// The user's own group where the file names none.
    package var group: String?

    package init(name: String, group: String? = nil) {
        self.name = name
        self.group = group
    }
}

/// `env`: one variable of a replica's environment.
package struct EnvironmentVariable: Sendable, Hashable {
    package var name: String
    package var value: Template

    package init(name: String, value: Template) {
        self.name = name
        self.value = value
    }
}

/// `resources`: what a replica asks for and what it may not exceed (Kubernetes' words).
package struct Resources: Sendable, Hashable {
    package struct Amount: Sendable, Hashable {
        package var cpu: CPUQuantity?
        package var memory: ByteSize?

        package init(cpu: CPUQuantity? = nil, memory: ByteSize? = nil) {
            self.cpu = cpu
            self.memory = memory
        }
    }

    package struct Limits: Sendable, Hashable {
        package var cpu: CPUQuantity?
        package var memory: ByteSize?
        /// Soft limit of each process; nil is what Aloft was started with.
        package var openFiles: Int?

        package init(cpu: CPUQuantity? = nil, memory: ByteSize? = nil, openFiles: Int? = nil) {
            self.cpu = cpu
            self.memory = memory
            self.openFiles = openFiles
        }
    }

    /// CPU becomes the cgroup's weight, memory its soft limit.
    package var requests: Amount
    /// CPU becomes the cgroup's quota, memory its hard limit.
    package var limits: Limits

    package init(requests: Amount = Amount(), limits: Limits = Limits()) {
        self.requests = requests
        self.limits = limits
    }
}

/// `probes`: Kubernetes' three. Each is absent unless the file asks for it.
package struct Probes: Sendable, Hashable {
    /// Must pass once before the other two start; failing for too long restarts the replica.
    package var startup: ProbeSpec?
    /// In rotation only while it passes.
    package var readiness: ProbeSpec?
    /// Failing restarts the replica.
    package var liveness: ProbeSpec?

    package init(startup: ProbeSpec? = nil, readiness: ProbeSpec? = nil, liveness: ProbeSpec? = nil) {
        self.startup = startup
        self.readiness = readiness
        self.liveness = liveness
    }
}

/// How one probe asks, how often, and how many answers decide.
package struct ProbeSpec: Sendable, Hashable {
    package enum Check: Sendable, Hashable {
        /// GET of this path on the replica passes with a status of 200 to 399.
        case httpGet(HTTPProbe)
        /// A connection to the replica that is accepted passes.
        case tcpSocket
        /// A command in the service's directory, with the replica's environment, that exits 0 passes.
        case exec([Template])

        package static func httpGet(path: String) -> Check { .httpGet(HTTPProbe(path: path)) }
    }

    package var check: Check
    package var period: Duration
    package var timeout: Duration
    package var initialDelay: Duration
    /// Consecutive passes that turn failed into passed.
    package var successThreshold: Int
    /// Consecutive failures that turn passed into failed.
    package var failureThreshold: Int

    package init(
        check: Check, period: Duration, timeout: Duration, initialDelay: Duration, successThreshold: Int,
        failureThreshold: Int
    ) {
        self.check = check
        self.period = period
        self.timeout = timeout
        self.initialDelay = initialDelay
        self.successThreshold = successThreshold
        self.failureThreshold = failureThreshold
    }
}

/// `probes.*.httpGet`: what is asked.
package struct HTTPProbe: Sendable, Hashable {
    package var path: String
    /// The Host field; nil is `localhost`.
    package var host: String?
    /// Further fields, in the order of the file.
    package var headers: [HeaderRules.Field]

    package init(path: String, host: String? = nil, headers: [HeaderRules.Field] = []) {
        self.path = path
        self.host = host
        self.headers = headers
    }
}

/// `restart`: whether and how soon a replica that ended is started again.
package struct RestartSpec: Sendable, Hashable {
    package enum Policy: String, Sendable, Hashable, CaseIterable { case always, onFailure, never }

    package var policy: Policy
    package var backoff: Backoff

    /// Waits double from `initial` to `max`; a replica that stayed ready for `resetAfter` starts again at `initial`.
    package struct Backoff: Sendable, Hashable {
        package var initial: Duration
        package var max: Duration
        package var resetAfter: Duration

        package init(initial: Duration, max: Duration, resetAfter: Duration) {
            self.initial = initial
            self.max = max
            self.resetAfter = resetAfter
        }
    }

    package init(policy: Policy, backoff: Backoff) {
        self.policy = policy
        self.backoff = backoff
    }
}

/// `stop`: leave rotation, let requests end for at most `drain`, the signal, wait for at most `grace`, SIGKILL.
package struct StopSpec: Sendable, Hashable {
    /// Signals that ask a process for something and that it may handle as it likes.
    package enum Signal: String, Sendable, Hashable, CaseIterable {
        case term = "TERM"
        case int = "INT"
        case quit = "QUIT"
        case hup = "HUP"
        case usr1 = "USR1"
        case usr2 = "USR2"
        case winch = "WINCH"
    }

    package var drain: Duration
    package var grace: Duration
    package var signal: Signal

    package init(drain: Duration, grace: Duration, signal: Signal = .term) {
        self.drain = drain
        self.grace = grace
        self.signal = signal
    }
}

/// `replicas: N`, or `scaling` with bounds that metrics, schedules and `aloft scale` move between.
package struct ScalingSpec: Sendable, Hashable {
    package var minReplicas: Int
    package var maxReplicas: Int
    /// Replicas in rotation that no restart, deploy or scaling goes below, while that many are in rotation at all.
    package var minAvailable: Int
    /// Empty leaves the number to schedules and people.
    package var metrics: [ScalingMetric]
    package var behavior: ScalingBehavior
    package var idle: IdleSpec?
    package var schedule: [ScalingSchedule]

    package init(
        minReplicas: Int, maxReplicas: Int, minAvailable: Int, metrics: [ScalingMetric] = [],
        behavior: ScalingBehavior = ScalingBehavior(), idle: IdleSpec? = nil, schedule: [ScalingSchedule] = []
    ) {
        self.minReplicas = minReplicas
        self.maxReplicas = maxReplicas
        self.minAvailable = minAvailable
        self.metrics = metrics
        self.behavior = behavior
        self.idle = idle
        self.schedule = schedule
    }
}
