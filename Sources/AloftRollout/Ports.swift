import AloftModel
import AloftSystem

/// What `Rollouts` needs from the rest of Aloft; the daemon adapts compute, edge, journal and checks to it.
package struct RolloutPorts: Sendable {
    package var sets: any ReplicaSets
    package var traffic: any Traffic
    package var store: any RolloutStore
    package var commands: any CommandRunner
    package var checks: any Checks
    package var clock: any TimeSource
    /// The service as a release describes it: read from its file text, environment and overrides. Asked again after a
    /// restart, so it must give the same for the same release.
    package var spec: @Sendable (Release) async throws -> ServiceSpec
    /// Replicas that the service should have now, both releases of a rolling one together; asked at each observation.
    package var wanted: @Sendable (_ service: String) async -> Int
    /// Told of every change of state, from any thread; must not block. After a crash the last one may come a second
    /// time, equal in every field.
    package var event: @Sendable (Event) -> Void

    package init(
        sets: any ReplicaSets, traffic: any Traffic, store: any RolloutStore, commands: any CommandRunner,
        checks: any Checks, clock: any TimeSource = SystemTime(),
        spec: @escaping @Sendable (Release) async throws -> ServiceSpec,
        wanted: @escaping @Sendable (_ service: String) async -> Int, event: @escaping @Sendable (Event) -> Void
    ) {
        self.sets = sets
        self.traffic = traffic
        self.store = store
        self.commands = commands
        self.checks = checks
        self.clock = clock
        self.spec = spec
        self.wanted = wanted
        self.event = event
    }
}

/// The sets of replicas of a service, one for each release that has any. Every call may be made again and changes
/// nothing then. An error is tried again at the next observation, and fails the rollout at `progressDeadline`.
package protocol ReplicaSets: Sendable {
    func sets(of service: String) async -> [SetState]
    /// Makes a set of this release, or changes the number of one that exists. The first set of a service is its primary.
    func start(_ spec: ServiceSpec, release: Int, desired: Int) async throws
    /// Changes the number of one set. Replicas that are not ready are the first to go.
    func scale(_ service: String, release: Int, to desired: Int) async throws
    /// From now on this set is what the service runs; touches no process.
    func promote(_ service: String, release: Int) async throws
    /// Drains and stops a set that is not primary. `sets` lists it until its last process has ended.
    func remove(_ service: String, release: Int) async throws
}

/// One set as it is observed.
package struct SetState: Sendable, Hashable {
    package var release: Int
    package var isPrimary: Bool
    package var desired: Int
    /// In rotation.
    package var ready: Int
    /// Found by a daemon that has just begun and not asked yet: nobody knows whether they are as ready as they were.
    package var unsure: Int
    /// Processes that exist, those that start and those that drain among them.
    package var replicas: Int
    /// How often a replica of it that had been ready has ended by itself. Only how it grows is looked at: one that ends
    /// and is ready again between two looks would not be seen otherwise.
    package var crashes: Int
    /// Why replicas of it are not ready, or else how one of them ended before it was started again, in one line:
    /// "web-3 exited with code 1 after 30 s: …".
    package var failure: String?
    /// Of the replica that tried most often: processes in a row that ended before they were ready.
    package var failedStarts: Int
    /// A replica ended before it was ready and is not started again.
    package var isStuck: Bool
    /// What that replica printed last that says why; oldest first.
    package var output: [String]

    package init(
        release: Int, isPrimary: Bool, desired: Int, ready: Int, replicas: Int, unsure: Int = 0,
        crashes: Int = 0,
        failure: String? = nil, failedStarts: Int = 0, isStuck: Bool = false, output: [String] = []
    ) {
        self.release = release
        self.isPrimary = isPrimary
        self.desired = desired
        self.ready = ready
        self.replicas = replicas
        self.unsure = unsure
        self.crashes = crashes
        self.failure = failure
        self.failedStarts = failedStarts
        self.isStuck = isStuck
        self.output = output
    }
}

/// The edge: who is sent how much, and how it went.
package protocol Traffic: Sendable {
    /// Returns once every request that begins follows it; nil treats all replicas alike.
    func split(_ split: TrafficSplit?, of service: String) async
    /// What each release was sent since the edge began; a number that went back means that the edge began anew.
    func numbers(of service: String) async -> [Int: ReleaseNumbers]
    /// Sends so many GET requests through the edge's own path to the release's replicas, which count like any other.
    /// Returns once they are answered or given up, within a few seconds.
    func probe(_ service: String, release: Int, path: String, requests: Int) async
}

/// The journal's releases and rollouts. Each call is durable once it returns.
package protocol RolloutStore: Sendable {
    /// All releases of the service, by number.
    func releases(of service: String) async throws -> [Release]
    /// In one transaction: adds or replaces these releases, and, unless nil, the one rollout of its service.
    func save(_ releases: [Release], rollout: RolloutState?) async throws
    /// The last rollout of each service, ended or not.
    func rollouts() async throws -> [RolloutState]
    func removeReleases(of service: String, numbers: [Int]) async throws
}

/// Runs gates and migrations: in the release's directory and environment, each as a process group of its own.
package protocol CommandRunner: Sendable {
    /// - Parameter line: Told of each line of output as it comes.
    func run(_ command: ReleaseCommand, line: @escaping @Sendable (String) -> Void) async -> CommandResult
    /// Ends what a daemon that was killed left running of this command; returns once nothing of it runs.
    func endRemains(of command: ReleaseCommand) async
}

/// One command of one release.
package struct ReleaseCommand: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, Codable { case gate, migration }

    package var kind: Kind
    /// The gate's name, or `release`.
    package var name: String
    package var run: [Template]
    /// The whole group is killed after so long.
    package var timeout: Duration
    /// The service as this release describes it: directory, environment, container.
    package var spec: ServiceSpec
    package var release: Int

    package init(
        kind: Kind, name: String, run: [Template], timeout: Duration, spec: ServiceSpec, release: Int
    ) {
        self.kind = kind
        self.name = name
        self.run = run
        self.timeout = timeout
        self.spec = spec
        self.release = release
    }
}

/// How a command ended.
package struct CommandResult: Sendable, Hashable {
    package var passed: Bool
    /// One line: "exit code 1", "killed after 10m", "no such program: rspec".
    package var detail: String

    package init(passed: Bool, detail: String) {
        self.passed = passed
        self.detail = detail
    }
}

/// The checks that `gates.after` names.
package protocol Checks: Sendable {
    /// Must end by itself within a minute.
    func check(_ check: GatesSpec.Check, service: String, release: Int) async -> CheckResult
}

package struct CheckResult: Sendable, Hashable {
    package var outcome: GateRecord.Outcome
    /// One line: "p95 612 ms, allowed 500 ms", "the file has no certificate".
    package var detail: String

    package init(_ outcome: GateRecord.Outcome, _ detail: String) {
        self.outcome = outcome
        self.detail = detail
    }
}
