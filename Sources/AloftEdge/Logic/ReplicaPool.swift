import AloftModel

/// Replicas of which one is chosen for a request.
struct ReplicaPool {
    private(set) var backends: [Backend] = []
    private var cursor = 0
    private var ring = HashRing()

    var isEmpty: Bool { backends.isEmpty }

    /// Takes `backends` in place of those it had.
    mutating func replace(with backends: [Backend]) {
        self.backends = backends
        if cursor >= backends.count { cursor = 0 }
        ring = HashRing(backends.map(\.endpoint.replica.name))
    }

    /// Chooses a replica, another than `avoided` while there is one; nil when there is none at all.
    ///
    /// Suspended replicas are chosen only when all are: better a try than a certain refusal.
    @inline(__always)
    mutating func pick(
        _ balance: ServiceRoute.Balance, client: UInt64, avoided: Backend?, now: UInt64, random: inout QuickRandom
    ) -> Backend? {
        let count = backends.count
        guard count > 1 else { return backends.first }
        return pickOfMany(balance, client: client, avoided: avoided, now: now, random: &random)
    }

    private mutating func pickOfMany(
        _ balance: ServiceRoute.Balance, client: UInt64, avoided: Backend?, now: UInt64, random: inout QuickRandom
    ) -> Backend? {
        let count = backends.count
        let start: Int
        switch balance {
        case .roundRobin:
            start = cursor
            cursor = cursor &+ 1 < count ? cursor &+ 1 : 0
        case .leastRequests, .ewma:
            let first = random.below(count)
            var second = random.below(count - 1)
            if second >= first { second += 1 }
            let (one, other) = (usable(backends[first], avoided, now), usable(backends[second], avoided, now))
            if one, other {
                return lighter(backends[first], backends[second], byLatency: balance == .ewma)
            }
            if one { return backends[first] }
            if other { return backends[second] }
            start = first
        case .hash:
            start = ring.index(of: client)
        }
        for step in 0..<count {
            let index = start &+ step < count ? start &+ step : start &+ step &- count
            if usable(backends[index], avoided, now) { return backends[index] }
        }
        for backend in backends where backend !== avoided { return backend }
        return backends[start]
    }

    @inline(__always)
    private func usable(_ backend: Backend, _ avoided: Backend?, _ now: UInt64) -> Bool {
        backend !== avoided && backend.suspendedUntil <= now
    }

    @inline(__always)
    private func lighter(_ one: Backend, _ other: Backend, byLatency: Bool) -> Backend {
        guard byLatency else { return other.underWay < one.underWay ? other : one }
        let oneCost = (one.load.nanoseconds + 1) * Double(one.underWay + 1)
        let otherCost = (other.load.nanoseconds + 1) * Double(other.underWay + 1)
        return otherCost < oneCost ? other : one
    }
}

/// Consistent hashing: each replica owns the arcs of a ring that end at its points, so that one more or one fewer
/// replica moves only its own share of clients (Karger et al., 1997).
struct HashRing: Sendable {
    private static let pointsEach = 128

    private var points: [(hash: UInt64, index: Int)] = []

    init() {}

    /// Two replicas of one name, as while a release takes over, get points of their own.
    init(_ names: [String]) {
        points.reserveCapacity(names.count * Self.pointsEach)
        var seen: [String: UInt64] = [:]
        for (index, name) in names.enumerated() {
            var hash = ByteHash()
            for byte in name.utf8 { hash.add(byte) }
            let twin = seen[name, default: 0]
            seen[name] = twin + 1
            let base = twin == 0 ? hash.value : PeerAddress.mix(hash.value ^ twin)
            for point in 0..<Self.pointsEach {
                points.append((PeerAddress.mix(base &+ UInt64(point) &* 0x9e37_79b9_7f4a_7c15), index))
            }
        }
        points.sort { $0.hash < $1.hash }
    }

    /// The owner of a key's hash; 0 for an empty ring.
    func index(of hash: UInt64) -> Int {
        guard !points.isEmpty else { return 0 }
        var low = 0
        var high = points.count
        while low < high {
            let middle = (low + high) / 2
            if points[middle].hash < hash { low = middle + 1 } else { high = middle }
        }
        return points[low == points.count ? 0 : low].index
    }
}
