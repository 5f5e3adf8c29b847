import AloftModel
import AloftSystem

/// What is known of one service.
struct ServiceFacts: Sendable {
    let name: String
    /// What the service runs; `apply` compares with it.
    var primary: SetFacts
    /// Other sets beside it, by release: a canary, a set that is kept or that leaves.
    var others: [Int: SetFacts] = [:]
    /// The last generation of each index, counted over all sets, so that no two processes share a folder or a cgroup.
    var generations: [Int: Int] = [:]
    /// Who is sent requests; nil: every set alike.
    var split: TrafficSplit?
    /// A replica of it was started or found: from then on it waits for no other service.
    var hasBegun = false
    /// It was said that it waits.
    var isHeld = false
    /// The file has it no more; forgotten once its replicas are gone.
    var isRemoved = false
    /// The next time the planner is asked though nothing happened.
    var wakeAt: MonotonicTime?

    init(_ primary: SetFacts) {
        name = primary.spec.name
        self.primary = primary
    }

    subscript(release: Int) -> SetFacts? {
        get { release == primary.release ? primary : others[release] }
        set {
            if release != primary.release {
                others[release] = newValue
            } else if let newValue {
                primary = newValue
            }
        }
    }

    /// The primary first, then by release.
    var sets: [SetFacts] { [primary] + others.values.sorted { $0.release < $1.release } }

    func isInRotation(_ set: SetFacts) -> Bool {
        if set.isUnknown { return false }
        guard let split else { return true }
        return (split.weights[set.release] ?? 0) > 0
    }

    /// Changes which set is the primary and nothing else.
    mutating func promote(_ release: Int) {
        guard release != primary.release, var next = others.removeValue(forKey: release) else { return }
        next.isLeaving = false
        others[primary.release] = primary
        primary = next
    }

    /// Whatever ended or waits starts again, whatever runs is replaced.
    mutating func startAnew() {
        primary.startAnew()
        for release in others.keys { others[release]?.startAnew() }
    }
}

/// What is known of the replicas of one release.
struct SetFacts: Sendable {
    var release: Int
    var spec: ServiceSpec
    /// Values of `${env.NAME}` when the set was made: a later one is for later sets.
    let host: [String: String]
    var digest: String
    /// Indexes that should have a replica, lowest first.
    var wanted: [Int]
    /// One more for each restart asked for; a process of an older one is replaced.
    var epoch = 0
    var slots: [Int: SlotFacts] = [:]
    /// Replicas that had been ready and ended by themselves; not those of an older configuration, which are replaced.
    var crashes = 0
    /// Goes once that leaves enough others; forgotten when its last process has ended.
    var isLeaving = false
    /// Found after a crash, and nobody has said what it is: it goes at once.
    var isUnknown = false

    init(_ target: ServiceTarget, desired: Int, host: [String: String]) {
        release = target.release
        spec = target.spec
        self.host = host
        digest = SpecDigest.of(target.spec, host: host)
        wanted = desired > 0 ? Array(1...desired) : []
    }

    var desired: Int { isLeaving ? 0 : wanted.count }

    /// Adds the lowest indexes that are free, or takes the highest away, those that are not ready before the others.
    mutating func resize(to count: Int, ready: Set<Int>) {
        if count < wanted.count {
            let keep = wanted.sorted { (ready.contains($0) ? 0 : 1, $0) < (ready.contains($1) ? 0 : 1, $1) }
            wanted = keep.prefix(count).sorted()
        } else {
            fill(from: wanted, to: count)
        }
    }

    /// Goes on with the indexes that were found after a crash.
    mutating func keep(_ found: Set<Int>) {
        fill(from: found.sorted().prefix(wanted.count), to: wanted.count)
    }

    private mutating func fill(from indexes: some Collection<Int>, to count: Int) {
        var chosen = Set(indexes)
        var next = 1
        while chosen.count < count {
            chosen.insert(next)
            next += 1
        }
        wanted = chosen.sorted()
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
    /// Processes in a row that ended by themselves before they were ready, or could not be made.
    var failedStarts = 0
    var since = Timestamp(nanoseconds: 0)

    mutating func forgive() {
        backoff.reset()
        notBefore = nil
        isFinished = false
        failedStarts = 0
    }
}

/// What is known of one process.
struct ReplicaFacts: Sendable {
    let id: ReplicaID
    /// The release that it runs.
    let release: Int
    /// The release of the set that looks after it: another one only while it is replaced for want of a rollout.
    var set: Int
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
    /// It was said that it listens elsewhere than it should.
    var isKnownToListenElsewhere = false
    /// What `status` says.
    var shown = UsageMeter()
    /// What the autoscaler is told: an interval of its own, however often somebody looks at `status`.
    var measured = UsageMeter()

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

/// Cores used between two measurements.
struct UsageMeter: Sendable {
    private(set) var last: (usage: ProcessUsage, at: MonotonicTime)?
    /// Nil before there were two.
    private(set) var cores: Double?

    /// An average over a second at least, however often somebody asks.
    mutating func measured(_ usage: ProcessUsage, at now: MonotonicTime) {
        guard let last else {
            self.last = (usage, now)
            return
        }
        let time = now - last.at
        guard time >= .seconds(1) else { return }
        // Processes of a group that ended take their time with them.
        let used = max(0, usage.cpuNanoseconds - last.usage.cpuNanoseconds)
        cores = Double(used) / Double(time.nanoseconds)
        self.last = (usage, now)
    }
}

/// Somebody who waits for the facts to be of a kind.
struct Waiter {
    let isDone: (isolated Compute) -> Bool
    let continuation: CheckedContinuation<Bool, Never>
}
