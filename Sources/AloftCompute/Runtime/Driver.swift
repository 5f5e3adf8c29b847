import AloftModel
import AloftSystem

/// How replicas are made and ended: as processes, or in containers.
package protocol Driver: Sendable {
    /// Makes ready to start replicas and ends what an earlier daemon left that no record tells of.
    ///
    /// - Returns: Output of replicas that no record tells of, still to be read; `forget` removes it.
    func prepare(known: [AdoptionRecord]) async throws(ComputeStartError) -> [Leftover]
    /// Starts a replica and returns once its program runs. Leaves nothing behind where it fails.
    func launch(_ order: LaunchOrder) async throws(LaunchFailure) -> any RunningReplica
    /// Takes over a replica that an earlier daemon started, or what is left of it.
    func adopt(_ record: AdoptionRecord) async -> any RunningReplica
    func forget(_ leftover: Leftover) async throws
    /// Measures all at once; one that can't be measured is left out.
    func measure(_ replicas: [any RunningReplica]) async -> [ReplicaID: ProcessUsage]
    /// Who would hold a replica with these resources to them.
    func enforcement(of resources: Resources) -> Enforcement
    /// Runs a command of a service for which this driver is needed, a container, to its end or time limit.
    func run(
        _ command: ServiceCommand, output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome
    /// Makes such a command ready for somebody else's process to become.
    func launch(_ command: ServiceCommand, isInteractive: Bool) async throws(LaunchFailure) -> CommandLaunch
    /// Ends what a daemon that was killed left of such a command, by its mark.
    func endCommand(_ mark: String) async throws(LaunchFailure)
    /// The image that a reference means now, by a name that stays the same: what a release is made of.
    func resolveImage(_ spec: ContainerSpec, service: String) async throws(LaunchFailure) -> String
    /// Removes what was built for a service and is none of these ids; how many names of images were removed.
    func removeBuiltImages(of service: String, keeping kept: Set<String>) async throws(LaunchFailure) -> Int
    /// Called when all replicas have ended and none will be started.
    func close() async
}

/// One replica that was started, until `sweep` has removed the last of it.
package protocol RunningReplica: Sendable {
    var record: AdoptionRecord { get }
    /// Where it answers as its own processes see it: in a container the port may be another.
    var innerAddress: ReplicaAddress { get }
    var hasEnded: Bool { get }
    /// Waits for its end. Nil where the task is cancelled first.
    func ended() async -> LastExit.Cause?
    /// Those that run now, as this machine numbers them; the first is in its network namespace.
    func processes() -> [Int32]
    /// To all its processes.
    func signal(_ number: Int32) throws
    /// To its first process alone.
    func signalLeader(_ number: Int32) throws
    /// Kills what is left. What could not be killed is in the result, one line each.
    func killRemains() async -> [String]
    /// Removes its files; called after its output was read.
    func removeFiles() async -> [String]
    /// Runs a command beside it, with its environment and under its limits.
    func exec(_ command: [String], environment: LaunchPlan, timeout: Duration) async -> ExecOutcome
    /// The same for a person: what it prints on both streams is handed on as it comes, all of it. While `output` waits,
    /// so does the command.
    func exec(
        _ command: [String], environment: LaunchPlan, timeout: Duration,
        output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome
}

extension Driver {
    /// A driver without containers says so.
    package func resolveImage(_ spec: ContainerSpec, service: String) async throws(LaunchFailure) -> String {
        throw LaunchFailure("`\(service)`: there is nothing here that runs containers")
    }

    /// A driver without containers has built nothing.
    package func removeBuiltImages(of service: String, keeping kept: Set<String>) async throws(LaunchFailure) -> Int {
        0
    }

    /// A driver that knows no such commands says so.
    package func launch(
        _ command: ServiceCommand, isInteractive: Bool
    ) async throws(LaunchFailure) -> CommandLaunch {
        throw LaunchFailure("commands cannot be run in containers of `\(command.spec.name)`")
    }

    /// A driver that runs no such commands left none.
    package func endCommand(_ mark: String) async throws(LaunchFailure) {}

    /// A driver that knows no such commands says so.
    package func run(
        _ command: ServiceCommand, output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome {
        .notStarted("commands cannot be run in containers of `\(command.spec.name)`")
    }
}

extension RunningReplica {
    package var innerAddress: ReplicaAddress { record.address }

    package func signalLeader(_ number: Int32) throws { try signal(number) }
    /// A driver that knows no more tells of the first process.
    package func processes() -> [Int32] { hasEnded ? [] : [record.process.pid] }

    /// Hands on what was kept of the output once the command has ended.
    package func exec(
        _ command: [String], environment: LaunchPlan, timeout: Duration,
        output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome {
        let outcome = await exec(command, environment: environment, timeout: timeout)
        switch outcome {
        case .ended(_, let bytes), .timedOut(let bytes): if !bytes.isEmpty { await output(bytes) }
        case .notStarted: break
        }
        return outcome
    }
}

/// What a driver needs to know to start a replica.
package struct LaunchOrder: Sendable {
    package var id: ReplicaID
    package var service: ServiceSpec
    /// Values of `${env.NAME}`.
    package var host: [String: String]
    package var specDigest: String
    /// Port of the process before it, kept where it is free.
    package var preferredPort: Int?

    package init(
        id: ReplicaID, service: ServiceSpec, host: [String: String], specDigest: String, preferredPort: Int?
    ) {
        self.id = id
        self.service = service
        self.host = host
        self.specDigest = specDigest
        self.preferredPort = preferredPort
    }
}

/// Why a replica could not be started: one line that says what to do where that is known.
package struct LaunchFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}

/// Output that nobody reads any more.
package struct Leftover: Sendable, Hashable {
    package var id: ReplicaID
    package var directory: String
    package var stdoutPath: String
    package var stderrPath: String
}

/// How a command beside a replica ended.
package enum ExecOutcome: Sendable, Hashable {
    /// With the beginning of what it printed.
    case ended(ProcessEnding, output: [UInt8])
    case timedOut(output: [UInt8])
    case notStarted(String)
}

/// Why supervision could not begin.
package enum ComputeStartError: Error, Sendable, CustomStringConvertible {
    /// The state directory, or what the system must provide.
    case system(SystemError)
    /// The journal.
    case store(any Error)
    case alreadyRunning

    package var description: String {
        switch self {
        case .system(let error): "cannot supervise replicas: \(error)"
        case .store(let error): "cannot read which replicas run: \(error)"
        case .alreadyRunning: "replicas are supervised already"
        }
    }
}
