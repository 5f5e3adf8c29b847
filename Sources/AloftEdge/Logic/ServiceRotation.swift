import AloftModel

/// The replicas of one service that are in rotation, on one event loop, and the choice among them.
///
/// Without a split all replicas are one pool. With one, those of its two releases are a pool each; replicas of other
/// releases stay in rotation and are sent nothing.
final class ServiceRotation {
    let name: String
    /// Out of rotation with requests still under way.
    private(set) var draining: [Backend] = []
    var budget = RetryBudget()
    var ledger = ReleaseLedger()

    private var all = ReplicaPool()
    private(set) var split: TrafficSplit?
    /// The same as `split != nil`, in one byte.
    private(set) var isSplit = false
    private var choice = ReleaseChoice(canaryShare: 0, start: 0)
    private var stable = ReplicaPool()
    private var canary = ReplicaPool()

    /// Of the plan; nil holds nothing.
    var hold: HoldRule?
    /// Requests that wait for a replica, in order of arrival.
    var waiting: [Exchange] = []
    var held: UInt64 = 0
    var heldExpired: UInt64 = 0
    var holdsRefused: UInt64 = 0
    /// Some of those waiting were let go, and the others will be.
    var isReleasing = false

    /// Basis points of the plan; 0 copies nothing.
    var mirrorShare = 0
    private var mirrorCounter = ShareCounter(start: 0)
    private var probed = 0
    /// Requests of the edge's own that are under way: a lane counts while there are some.
    var asides = 0

    init(name: String) { self.name = name }

    var backends: [Backend] { all.backends }

    // MARK: Who is in rotation

    func admit(_ endpoint: Endpoint) {
        if let same = all.backends.first(where: { $0.endpoint == endpoint }) {
            same.suspendedUntil = 0
            return
        }
        if let back = draining.firstIndex(where: { $0.endpoint == endpoint }) {
            let backend = draining.remove(at: back)
            backend.isDraining = false
            backend.suspendedUntil = 0
            regroup(all.backends + [backend])
        } else {
            regroup(all.backends + [Backend(endpoint: endpoint)])
        }
    }

    /// Returns the backend that left, if there was one.
    func eject(_ replica: ReplicaID, now: UInt64 = 0) -> Backend? {
        guard let index = all.backends.firstIndex(where: { $0.endpoint.replica == replica }) else { return nil }
        var rest = all.backends
        let backend = rest.remove(at: index)
        backend.isDraining = true
        if backend.underWay > 0 { draining.append(backend) } else { ledger.retire(backend, now: now) }
        regroup(rest)
        return backend
    }

    /// Forgets a draining backend whose last request has ended; what it counted stays.
    func forget(_ backend: Backend, now: UInt64 = 0) {
        guard let index = draining.firstIndex(where: { $0 === backend }) else { return }
        draining.remove(at: index)
        ledger.retire(backend, now: now)
    }

    private func regroup(_ backends: [Backend]) {
        all.replace(with: backends)
        let share = Backend.idleOfService / max(1, backends.count)
        for backend in backends { backend.idleLimit = max(Backend.keptLong, share) }
        guard let split else { return }
        stable.replace(with: backends.filter { $0.endpoint.release == split.stable })
        canary.replace(with: backends.filter { $0.endpoint.release == split.canary && split.canary != split.stable })
    }

    // MARK: The choice

    /// Takes over the shares; replicas of either release may come later. The same split again changes nothing.
    func follow(_ split: TrafficSplit?, random: inout QuickRandom) {
        guard split != self.split else { return }
        let isNew = self.split == nil
        self.split = split
        isSplit = split != nil
        guard let split else {
            stable = ReplicaPool()
            canary = ReplicaPool()
            return
        }
        let share = split.canary == split.stable ? 0 : split.canaryShare.basisPoints
        if isNew {
            choice = ReleaseChoice(canaryShare: share, start: random.below(10_000))
            mirrorCounter = ShareCounter(start: random.below(10_000))
        } else {
            choice.change(canaryShare: share)
        }
        regroup(all.backends)
    }

    /// Chooses a replica; nil when none that may be sent this request is in rotation.
    ///
    /// `avoided` is where it failed before: another replica is preferred, and never one of the canary.
    @inline(never)
    func pick(
        _ balance: ServiceRoute.Balance, lane: Lane = .any, client: UInt64, avoided: Backend?, now: UInt64,
        random: inout QuickRandom
    ) -> Backend? {
        guard isSplit || asides > 0 else {
            return all.pick(balance, client: client, avoided: avoided, now: now, random: &random)
        }
        return pickRelease(balance, lane: lane, client: client, avoided: avoided, now: now, random: &random)
    }

    @inline(never)
    private func pickRelease(
        _ balance: ServiceRoute.Balance, lane: Lane, client: UInt64, avoided: Backend?, now: UInt64,
        random: inout QuickRandom
    ) -> Backend? {
        if case .release(let release) = lane { return pick(release: Int(release), now: now) }
        guard isSplit else {
            return all.pick(balance, client: client, avoided: avoided, now: now, random: &random)
        }
        let side: ReleaseChoice.Side
        if avoided != nil {
            side = choice.share(of: .stable) > 0 ? .stable : .canary
        } else {
            side = choice.choose(lane)
        }
        let first = pick(from: side, balance, client: client, avoided: avoided, now: now, random: &random)
        if let first, first !== avoided, first.suspendedUntil <= now { return first }
        let other: ReleaseChoice.Side = side == .stable ? .canary : .stable
        guard mayStandIn(other),
            let second = pick(from: other, balance, client: client, avoided: avoided, now: now, random: &random)
        else { return first }
        let isBetter = second !== avoided && second.suspendedUntil <= now
        return first == nil || isBetter ? second : first
    }

    /// Stable is known to be good, so it is there for a canary that has nobody even where all requests go to that one; a
    /// canary is sent nothing before it has a share.
    private func mayStandIn(_ side: ReleaseChoice.Side) -> Bool { side == .stable || choice.share(of: side) > 0 }

    private func pick(
        from side: ReleaseChoice.Side, _ balance: ServiceRoute.Balance, client: UInt64, avoided: Backend?, now: UInt64,
        random: inout QuickRandom
    ) -> Backend? {
        switch side {
        case .stable: stable.pick(balance, client: client, avoided: avoided, now: now, random: &random)
        case .canary: canary.pick(balance, client: client, avoided: avoided, now: now, random: &random)
        }
    }

    /// Each replica of one release in turn, whatever the shares: for requests of the edge's own.
    func pick(release: Int, now: UInt64) -> Backend? {
        let candidates = all.backends.filter { $0.endpoint.release == release }
        guard !candidates.isEmpty else { return nil }
        probed = (probed &+ 1) % candidates.count
        let start = probed
        for step in 0..<candidates.count {
            let candidate = candidates[(start + step) % candidates.count]
            if candidate.suspendedUntil <= now { return candidate }
        }
        return candidates[start]
    }

    /// Whether a request without a wish of its own would find a replica.
    var isServing: Bool {
        guard isSplit else { return !all.isEmpty }
        return !stable.isEmpty || !canary.isEmpty && choice.share(of: .canary) > 0
    }

    /// The release that is sent a copy of a request which `backend` was chosen for; nil for most.
    func mirrorTarget(of backend: Backend) -> Int? {
        guard let split, backend.endpoint.release == split.stable, !canary.isEmpty,
            mirrorCounter.takes(basisPoints: mirrorShare)
        else { return nil }
        return split.canary
    }

    // MARK: Counters

    /// Each release that has counters or replicas.
    func releaseRows() -> [Int: ReleaseLedger.Row] {
        var rows = ledger.rows
        for backend in all.backends + draining {
            rows[backend.endpoint.release, default: ReleaseLedger.Row()].requests &+= backend.judged
            rows[backend.endpoint.release]?.failures &+= backend.attemptFailures
            rows[backend.endpoint.release]?.digest.merge(backend.digest)
        }
        return rows
    }

    /// Keeps the ledger within its bounds; releases with replicas and those of the split stay.
    func tidy(now: UInt64) {
        var kept = Set((all.backends + draining).map(\.endpoint.release))
        if let split { kept.formUnion([split.stable, split.canary]) }
        ledger.forget(except: kept, now: now)
    }
}

/// How many requests of a service may wait, and how long.
struct HoldRule: Sendable, Hashable {
    var maxPending: Int
    /// Nanoseconds.
    var maxWait: UInt64

    init(_ hold: EdgeService.Hold) {
        maxPending = max(0, hold.maxPending)
        maxWait = UInt64(clamping: hold.maxWait.nanoseconds)
    }
}
