import AloftModel
import AloftSystem

/// What is known of one service.
struct ServiceFacts: Sendable {
    var spec: ServiceSpec
    var digest: String
    var desired: Int
    /// One more for each restart asked for; a process of an older one is replaced.
    var epoch = 0
    var slots: [Int: SlotFacts] = [:]
    /// The file has it no more; forgotten once its replicas are gone.
    var isRemoved = false
    /// The next time the planner is asked though nothing happened.
    var wakeAt: MonotonicTime?

    init(_ spec: ServiceSpec, host: [String: String]) {
        self.spec = spec
        digest = SpecDigest.of(spec, host: host)
        desired = spec.scaling.minReplicas
    }

    /// Whatever ended or waits starts again, whatever runs is replaced.
    mutating func startAnew() {
        epoch += 1
        forgive()
    }

    /// What failed before says nothing about what comes.
    mutating func forgive() {
        for index in slots.keys { slots[index]?.forgive() }
    }
}

/// What is known of one index of a service, apart from its processes.
struct SlotFacts: Sendable {
    var backoff = Backoff()
    var notBefore: MonotonicTime?
    var isFinished = false
    /// The last attempt did not get as far as a process.
    var hasFailed = false
    var lastExit: LastExit?
    var lastGeneration = 0
    /// Port of the last process that was ready: kept while it is free.
    var lastPort: Int?
    var starts = 0
    var since = Timestamp(nanoseconds: 0)

    mutating func forgive() {
        backoff.reset()
        notBefore = nil
        isFinished = false
    }
}

/// What is known of one process.
struct ReplicaFacts: Sendable {
    let id: ReplicaID
    var machine: ReplicaMachine
    var digest: String
    var epoch: Int
    var steps: AsyncStream<ReplicaRunner.Step>.Continuation
    var running: (any RunningReplica)?
    var adoptedAt: MonotonicTime?
    var begun: MonotonicTime
    /// When it got into its present state, for people.
    var since: Timestamp
    var answers: [ProbeKind: ProbeStatus] = [:]
    var stopReason: ServicePlanner.Reason?
    var cause: LastExit.Cause?
    var isBeingChecked = false
    var lastUsage: (usage: ProcessUsage, at: MonotonicTime)?
    /// Cores used between the last two measurements.
    var cores: Double?

    /// How long a replica that was adopted is believed to be as ready as it was before the daemon ended.
    static let adoptionTrust = Duration.seconds(3)
}

extension ReplicaFacts {
    /// The phase in the words of `status`.
    var publicState: ReplicaState {
        switch machine.phase {
        case .launching: .starting
        case .startup: .startup
        case .probing, .admitting: .probing
        case .ready: .ready
        case .unready: .unready
        case .draining: .draining
        case .terminating, .killing, .sweeping, .gone: .stopping
        }
    }
}

/// Somebody who waits for the facts to be of a kind.
struct Waiter {
    let isDone: (isolated Compute) -> Bool
    let continuation: CheckedContinuation<Bool, Never>
}
