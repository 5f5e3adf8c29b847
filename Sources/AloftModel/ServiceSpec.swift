/// One entry of `services`: a command that Aloft runs as a number of replicas.
package struct ServiceSpec: Sendable, Hashable {
    package enum Listen: String, Sendable, Hashable, CaseIterable {
        /// `$PORT` on 127.0.0.1.
        case port
        /// `$SOCKET`, a Unix socket in the state directory.
        case unix
    }

    package var name: String
    /// Program and arguments, never a shell string; at least one element, or none where the container's image says it.
    package var command: [Template]
    /// Nil where the replicas are processes of this machine.
    package var container: ContainerSpec?
    /// Absolute working directory.
    package var directory: String
    package var listen: Listen
    /// In the order of the file; names are unique.
    package var environment: [EnvironmentVariable]
    package var resources: Resources
    package var probes: Probes
    package var restart: RestartSpec
    package var stop: StopSpec
    package var scaling: ScalingSpec
    package var release: ReleaseSpec?
    package var deploy: DeploySpec

    package init(
        name: String, command: [Template], container: ContainerSpec? = nil, directory: String, listen: Listen,
        environment: [EnvironmentVariable], resources: Resources, probes: Probes, restart: RestartSpec, stop: StopSpec,
        scaling: ScalingSpec, release: ReleaseSpec? = nil, deploy: DeploySpec = DeploySpec()
    ) {
        self.name = name
        self.command = command
        self.container = container
        self.directory = directory
        self.listen = listen
        self.environment = environment
        self.resources = resources
        self.probes = probes
        self.restart = restart
        self.stop = stop
        self.scaling = scaling
        self.release = release
        self.deploy = deploy
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
        case httpGet(path: String)
        /// A connection to the replica that is accepted passes.
        case tcpSocket
        /// A command in the service's directory, with the replica's environment, that exits 0 passes.
        case exec([Template])
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

/// `stop`: leave rotation, let requests end for at most `drain`, SIGTERM, wait for at most `grace`, SIGKILL.
package struct StopSpec: Sendable, Hashable {
    package var drain: Duration
    package var grace: Duration

    package init(drain: Duration, grace: Duration) {
        self.drain = drain
        self.grace = grace
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
