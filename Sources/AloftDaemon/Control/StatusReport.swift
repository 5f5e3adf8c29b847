import AloftModel

/// `GET /v1/status`: everything that runs, as the daemon sees it at one moment.
package struct StatusReport: Sendable, Hashable, Codable {
    package enum State: String, Sendable, Hashable, Codable { case starting, running, stopping }

    package var app: String
    package var region: String?
    package var environment: String?
    /// Absolute path of the file that the daemon was started with.
    package var file: String
    /// First twelve digits of the SHA-256 of the effective file that runs.
    package var digest: String
    package var version: String
    package var pid: Int
    package var state: State
    package var startedAt: Timestamp
    /// The daemon's clock when it answered; ages are counted from here, so that the client's clock does not matter.
    package var now: Timestamp
    /// Where the edge answers, in the order of the file's listeners.
    package var urls: [String]
    /// Metrics and health; nil where the file says `admin: off`.
    package var admin: String?
    package var edge: EdgeReport
    package var services: [ServiceReport]
    /// Through which people are told, in the order of the file; nil from a daemon older than the command that asks.
    package var channels: [ChannelReport]?

    package init(
        app: String, region: String? = nil, environment: String? = nil, file: String, digest: String, version: String,
        pid: Int, state: State, startedAt: Timestamp, now: Timestamp, urls: [String], admin: String? = nil,
        edge: EdgeReport, services: [ServiceReport], channels: [ChannelReport]? = nil
    ) {
        self.app = app
        self.region = region
        self.environment = environment
        self.file = file
        self.digest = digest
        self.version = version
        self.pid = pid
        self.state = state
        self.startedAt = startedAt
        self.now = now
        self.urls = urls
        self.admin = admin
        self.edge = edge
        self.services = services
        self.channels = channels
    }
}

/// What the edge has done since the daemon started.
package struct EdgeReport: Sendable, Hashable, Codable {
    package var openConnections: Int
    package var activeRequests: Int
    package var requests: Int
    /// Answers with a status of 500 or more, the edge's own included.
    package var failures: Int

    package init(openConnections: Int, activeRequests: Int, requests: Int, failures: Int) {
        self.openConnections = openConnections
        self.activeRequests = activeRequests
        self.requests = requests
        self.failures = failures
    }
}

package struct ServiceReport: Sendable, Hashable, Codable {
    package var name: String
    package var desired: Int
    /// Replicas in rotation; `done` ones are not among them.
    package var ready: Int
    /// Bounds of `aloft scale`.
    package var minReplicas: Int
    package var maxReplicas: Int
    /// Replicas in rotation that no restart and no scaling goes below.
    package var minAvailable: Int
    /// Replicas are being replaced.
    package var updating: Bool
    /// `port` or `unix`.
    package var listen: String
    /// What comes in of late; nil from a daemon older than the command that asks.
    package var traffic: TrafficReport?
    /// What of `resources.limits` nothing holds its replicas to, one sentence each.
    package var unenforced: [String]?
    package var replicas: [ReplicaReport]
    /// The release that is current; nil before there is one.
    package var release: Int?
    /// The rollout under way, or the last one where it was frozen.
    package var rollout: RolloutReport?
    /// What its next release waits for: `waits for its image ghcr.io/acme/api:1.4`.
    package var waitsFor: String?
    /// Variables that `aloft deploy --set` has set over the file; nil where there are none.
    package var set: [String]?
    /// Why the number of replicas is what it is, where Aloft chooses it: `8: p95 612 ms over 500 ms for 2m; step 2`.
    package var scaling: ScalingReport?

    package init(
        name: String, desired: Int, ready: Int, minReplicas: Int, maxReplicas: Int, minAvailable: Int,
        updating: Bool = false, listen: String, replicas: [ReplicaReport], release: Int? = nil,
        rollout: RolloutReport? = nil, waitsFor: String? = nil, scaling: ScalingReport? = nil,
        set: [String]? = nil, traffic: TrafficReport? = nil, unenforced: [String]? = nil
    ) {
        self.name = name
        self.desired = desired
        self.ready = ready
        self.minReplicas = minReplicas
        self.maxReplicas = maxReplicas
        self.minAvailable = minAvailable
        self.updating = updating
        self.listen = listen
        self.replicas = replicas
        self.release = release
        self.rollout = rollout
        self.waitsFor = waitsFor
        self.scaling = scaling
        self.set = set
        self.traffic = traffic
        self.unenforced = unenforced
    }

    /// Replicas that ended with exit code 0 and are not started again.
    package var done: Int { replicas.count { $0.state == "done" } }
}

/// The requests of one service over the last minute, or since the daemon started.
package struct TrafficReport: Sendable, Hashable, Codable {
    /// How long was counted.
    package var seconds: Double
    package var requestsPerSecond: Double
    /// Share of the requests that were answered with 500 or more, 0 to 1; nil without requests.
    package var errorShare: Double?
    /// Seconds from sending a request to a replica to the head of its answer, which 95% did not exceed; nil without any.
    package var p95: Double?

    package init(seconds: Double, requestsPerSecond: Double, errorShare: Double? = nil, p95: Double? = nil) {
        self.seconds = seconds
        self.requestsPerSecond = requestsPerSecond
        self.errorShare = errorShare
        self.p95 = p95
    }
}

/// What the autoscaler thinks of one service.
package struct ScalingReport: Sendable, Hashable, Codable {
    package struct Metric: Sendable, Hashable, Codable {
        /// `cpu`, `memory`, `requestsPerReplica`, `latency p95`, the series' name.
        package var name: String
        /// `64%`; nil while it is missing.
        package var current: String?
        package var target: String

        package init(name: String, current: String?, target: String) {
            self.name = name
            self.current = current
            self.target = target
        }
    }

    package var reason: String
    package var metrics: [Metric]
    /// Replicas over time, oldest first, at most 240.
    package var history: [Int]

    package init(reason: String, metrics: [Metric], history: [Int]) {
        self.reason = reason
        self.metrics = metrics
        self.history = history
    }
}

package struct ReplicaReport: Sendable, Hashable, Codable {
    /// `web-2`: the service and its index.
    package var name: String
    /// One more for each process started under this name.
    package var generation: Int
    /// Number of the release that it runs; 0 where none is known.
    package var release: Int
    /// `starting startup probing ready unready draining stopping backingOff done exited failed`.
    package var state: String
    package var inRotation: Bool
    package var since: Timestamp
    package var pid: Int?
    /// `127.0.0.1:41234` or `unix:/path`.
    package var address: String?
    /// Cores used since the last time somebody asked; 1.5 is a core and a half.
    package var cpu: Double?
    /// Processor time since its process started.
    package var cpuSeconds: Double?
    /// Bytes of the replica's processes that cannot be taken back for free.
    package var memory: Int?
    /// Starts after the first one, since this daemon started.
    package var restarts: Int
    /// Its process was started by an earlier daemon.
    package var adopted: Bool
    /// False while it still runs an older configuration.
    package var current: Bool
    /// Requests that the edge has with it right now, and has sent it since the daemon started.
    package var activeRequests: Int?
    package var requests: Int?
    /// What holds it to `resources.limits`: `cgroup2 cgroup1 rlimit none`.
    package var limits: String
    /// Why it is in this state, where there is a reason.
    package var reason: String?
    /// How its last process ended.
    package var lastExit: String?
    /// When it is started again.
    package var nextStart: Timestamp?
    package var probes: [ProbeReport]
    /// What it printed last that may say why it is not ready, oldest first, at most ten.
    package var lastLines: [String]
    /// It ended as often in a row before it was ready as `deploy.maxCrashes` bears; nil from an older daemon.
    package var isCrashLooping: Bool?

    package init(
        name: String, generation: Int, release: Int = 0, state: String, inRotation: Bool,
        since: Timestamp, pid: Int? = nil,
        address: String? = nil, cpu: Double? = nil, cpuSeconds: Double? = nil, memory: Int? = nil, restarts: Int = 0,
        adopted: Bool = false, current: Bool = true, activeRequests: Int? = nil, requests: Int? = nil,
        limits: String = "none", reason: String? = nil, lastExit: String? = nil, nextStart: Timestamp? = nil,
        probes: [ProbeReport] = [], lastLines: [String] = [], isCrashLooping: Bool? = nil
    ) {
        self.name = name
        self.generation = generation
        self.release = release
        self.state = state
        self.inRotation = inRotation
        self.since = since
        self.pid = pid
        self.address = address
        self.cpu = cpu
        self.cpuSeconds = cpuSeconds
        self.memory = memory
        self.restarts = restarts
        self.adopted = adopted
        self.current = current
        self.activeRequests = activeRequests
        self.requests = requests
        self.limits = limits
        self.reason = reason
        self.lastExit = lastExit
        self.nextStart = nextStart
        self.probes = probes
        self.lastLines = lastLines
        self.isCrashLooping = isCrashLooping
    }
}

/// What one probe was answered last.
package struct ProbeReport: Sendable, Hashable, Codable {
    /// `startup`, `readiness` or `liveness`.
    package var kind: String
    /// Nil before the first answer.
    package var passed: Bool?
    /// `HTTP 503: "warming up"`, `connection refused`.
    package var answer: String
    /// Answers in a row with this result.
    package var streak: Int

    package init(kind: String, passed: Bool?, answer: String, streak: Int) {
        self.kind = kind
        self.passed = passed
        self.answer = answer
        self.streak = streak
    }
}
