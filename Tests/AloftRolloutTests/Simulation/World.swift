import AloftModel
import AloftRollout

/// How the replicas of one release behave.
struct Behaviour: Sendable {
    var startTime = Duration.seconds(2)
    var neverReady = false
    /// Each replica dies at this age, and is started again a second later.
    var crashAfter: Duration?
    /// Not ready for two seconds, each time it was ready for so long.
    var flapEvery: Duration?
    /// Of 10 000 requests.
    var failures = 0
    var latency = 20

    static let good = Behaviour()
}

/// A small machine: sets of replicas, an edge that shares requests and counts, commands, all on a clock moved by hand.
struct World: Sendable {
    struct Replica: Sendable {
        var born: Duration
        /// Ends then: it drains.
        var ends: Duration?
        var isReady = false
    }

    struct Group: Sendable {
        var desired: Int
        var replicas: [Replica] = []
        var isLeaving = false
        var failure: String?
        var restartAt: Duration?
    }

    static let tick = Duration.milliseconds(200)
    static let drain = Duration.seconds(1)

    var time = Duration.zero
    var wanted: Int
    var requestsPerSecond: Int
    var behaviours: [Int: Behaviour] = [:]
    var groups: [Int: Group] = [:]
    var primary: Int?
    /// A daemon that has just begun has not asked its replicas yet.
    var unseenUntil = Duration.zero
    static let unseen = Duration.seconds(1)
    var split: TrafficSplit?
    var numbers: [Int: ReleaseNumbers] = [:]
    /// Requests for which there was nobody, and all of them.
    var dropped = 0
    var sent = 0
    var failed = 0
    /// The fewest replicas that could be sent requests at any time.
    var fewestServing = Int.max
    var mostReplicas = 0
    var migrationsStarted = 0
    var failingCommands: Set<String> = []
    var failingChecks: Set<GatesSpec.Check> = []
    var hangingCommands: Set<String> = []
    private var owed: [Int: Int] = [:]
    private var owedFailures: [Int: Int] = [:]

    init(wanted: Int = 4, requestsPerSecond: Int = 100, stable: Int? = 1) {
        self.wanted = wanted
        self.requestsPerSecond = requestsPerSecond
        if let stable {
            primary = stable
            let ready = Replica(born: .seconds(-100), isReady: true)
            groups[stable] = Group(desired: wanted, replicas: Array(repeating: ready, count: wanted))
        }
    }

    // MARK: Sets

    func states() -> [SetState] {
        groups.sorted { $0.key < $1.key }.map { release, group in
            SetState(
                release: release, isPrimary: release == primary, desired: group.desired,
                ready: time < unseenUntil ? 0 : ready(release), replicas: group.replicas.count,
                unsure: time < unseenUntil ? ready(release) : 0, failure: group.failure)
        }
    }

    func ready(_ release: Int) -> Int {
        groups[release]?.replicas.filter { $0.isReady && $0.ends == nil }.count ?? 0
    }

    mutating func start(_ release: Int, _ desired: Int) {
        if groups[release] == nil { groups[release] = Group(desired: desired) }
        groups[release]?.isLeaving = false
        if primary == nil { primary = release }
        scale(release, desired)
    }

    /// Replicas that are not ready go first.
    mutating func scale(_ release: Int, _ desired: Int) {
        guard var group = groups[release] else { return }
        group.desired = desired
        let living = group.replicas.indices.filter { group.replicas[$0].ends == nil }
        let order = living.sorted { left, right in
            (group.replicas[left].isReady ? 1 : 0, left) < (group.replicas[right].isReady ? 1 : 0, right)
        }
        for index in order.prefix(max(0, living.count - desired)) { group.replicas[index].ends = time + Self.drain }
        groups[release] = group
        fill(release)
    }

    mutating func promote(_ release: Int) { primary = release }

    mutating func remove(_ release: Int) {
        guard release != primary, groups[release] != nil else { return }
        scale(release, 0)
        groups[release]?.isLeaving = true
    }

    private mutating func fill(_ release: Int) {
        guard var group = groups[release] else { return }
        if let restartAt = group.restartAt, restartAt > time { return }
        group.restartAt = nil
        while group.replicas.filter({ $0.ends == nil }).count < group.desired {
            group.replicas.append(Replica(born: time))
        }
        groups[release] = group
    }

    // MARK: Time

    mutating func advance() {
        time += Self.tick
        for release in groups.keys.sorted() { age(release) }
        carry()
        let serving = groups.keys.filter { split == nil || (split?.weights[$0] ?? 0) > 0 }.map(ready).reduce(0, +)
        fewestServing = min(fewestServing, serving)
        mostReplicas = max(mostReplicas, groups.values.map { $0.replicas.filter { $0.ends == nil }.count }.reduce(0, +))
    }

    private mutating func age(_ release: Int) {
        guard var group = groups[release] else { return }
        let behaviour = behaviours[release] ?? .good
        group.replicas.removeAll { $0.ends.map { $0 <= time } ?? false }
        for index in group.replicas.indices where group.replicas[index].ends == nil {
            let age = time - group.replicas[index].born
            var isReady = age >= behaviour.startTime && !behaviour.neverReady
            if let flap = behaviour.flapEvery, isReady {
                let cycle = (flap + .seconds(2)).milliseconds
                isReady = (age - behaviour.startTime).milliseconds % cycle < flap.milliseconds
            }
            group.replicas[index].isReady = isReady
        }
        if behaviour.neverReady { group.failure = "probe failed: connection refused" }
        if let limit = behaviour.crashAfter {
            let before = group.replicas.count
            group.replicas.removeAll { $0.ends == nil && time - $0.born >= limit }
            if group.replicas.count < before {
                group.failure = "exited with code 1 after \(limit.quantity)"
                group.restartAt = time + .seconds(1)
            }
        }
        groups[release] = group.isLeaving && group.replicas.isEmpty ? nil : group
        fill(release)
    }

    /// Shares the requests of one tick, exactly: what does not divide is owed to the next tick.
    private mutating func carry() {
        let count = requestsPerSecond * Int(Self.tick.milliseconds) / 1000
        sent += count
        var weights: [Int: Int] = [:]
        if let split {
            weights = split.weights
        } else {
            for release in groups.keys where ready(release) > 0 { weights[release] = ready(release) * 1000 }
        }
        let sum = weights.values.reduce(0, +)
        guard sum > 0 else {
            dropped += count
            return
        }
        for (release, weight) in weights.sorted(by: { $0.key < $1.key }) where weight > 0 {
            owed[release, default: 0] += count * weight
            let share = (owed[release] ?? 0) / sum
            owed[release, default: 0] -= share * sum
            deliver(share, to: release)
        }
    }

    mutating func deliver(_ count: Int, to release: Int) {
        guard count > 0 else { return }
        let behaviour = behaviours[release] ?? .good
        guard ready(release) > 0 else {
            dropped += count
            failed += count
            numbers[release, default: ReleaseNumbers()].requests += count
            numbers[release, default: ReleaseNumbers()].failures += count
            return
        }
        owedFailures[release, default: 0] += count * behaviour.failures
        let failures = (owedFailures[release] ?? 0) / 10_000
        owedFailures[release, default: 0] -= failures * 10_000
        failed += failures
        var total = numbers[release] ?? ReleaseNumbers()
        total.requests += count
        total.failures += failures
        total.latency.buckets[behaviour.latency * 1000, default: 0] += count
        numbers[release] = total
    }

    /// The daemon is killed and another one starts: the edge has counted nothing yet and knows no shares; of the
    /// replicas only those are kept that are found to belong to a set.
    mutating func restart(primary: Int?, targets: [(Int, Int)]) {
        numbers = [:]
        split = nil
        unseenUntil = time + Self.unseen
        self.primary = primary
        let known = Set(targets.map(\.0) + [primary].compactMap { $0 })
        for release in groups.keys where !known.contains(release) { groups[release] = nil }
        if let primary, groups[primary] == nil { groups[primary] = Group(desired: wanted) }
        for release in groups.keys { groups[release]?.isLeaving = false }
    }
}
