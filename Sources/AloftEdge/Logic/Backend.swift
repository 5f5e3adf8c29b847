import AloftModel

/// One replica as one event loop sees it.
final class Backend {
    let endpoint: Endpoint
    /// Requests this loop has sent and not yet seen the end of.
    var underWay = 0
    var requests: UInt64 = 0
    var failures: UInt64 = 0
    var connectionsOpened: UInt64 = 0
    var latency = LatencyHistogram()
    var load = DecayingMean()
    /// Left out of rotation until then (monotonic nanoseconds): it refused a connection.
    var suspendedUntil: UInt64 = 0
    /// When `EdgePorts.unreachable` was last told of it.
    var lastReported: UInt64 = 0
    var isDraining = false
    /// Kept-alive connections with nothing under way; the last one used is taken first.
    var idle: [UpstreamConnection] = []

    init(endpoint: Endpoint) { self.endpoint = endpoint }
}

/// Mean latency that halves the weight of the past every `halfLife`; rises at once (Twitter Finagle's peak EWMA).
struct DecayingMean: Sendable {
    private static let halfLife: Double = 5e9

    private(set) var nanoseconds: Double = 0
    private var updated: UInt64 = 0

    mutating func add(_ sample: UInt64, now: UInt64) {
        let value = Double(sample)
        if value >= nanoseconds || updated == 0 {
            nanoseconds = value
        } else {
            let weight = Self.decay(Double(now &- updated) / Self.halfLife)
            nanoseconds = nanoseconds * weight + value * (1 - weight)
        }
        updated = now
    }

    /// 2^-x for x >= 0 to three digits, which is all a choice of two needs.
    private static func decay(_ x: Double) -> Double {
        guard x < 60 else { return 0 }
        let whole = x.rounded(.down)
        let part = x - whole
        let fraction = 1 - part * (0.6931 - part * (0.2402 - part * 0.0529))
        return fraction / Double(UInt64(1) << UInt64(whole))
    }
}

/// The replicas of one service that are in rotation, on one event loop, and the choice among them.
final class ServiceRotation {
    let name: String
    private(set) var backends: [Backend] = []
    /// Out of rotation with requests still under way.
    private(set) var draining: [Backend] = []
    var budget = RetryBudget()
    private var cursor = 0
    private var ring = HashRing()

    init(name: String) { self.name = name }

    func admit(_ endpoint: Endpoint) {
        if let same = backends.first(where: { $0.endpoint == endpoint }) {
            same.suspendedUntil = 0
            return
        }
        if let back = draining.firstIndex(where: { $0.endpoint == endpoint }) {
            let backend = draining.remove(at: back)
            backend.isDraining = false
            backend.suspendedUntil = 0
            backends.append(backend)
        } else {
            backends.append(Backend(endpoint: endpoint))
        }
        ring = HashRing(backends.map(\.endpoint.replica.name))
    }

    /// Returns the backend that left, if there was one.
    func eject(_ replica: ReplicaID) -> Backend? {
        guard let index = backends.firstIndex(where: { $0.endpoint.replica == replica }) else { return nil }
        let backend = backends.remove(at: index)
        backend.isDraining = true
        if backend.underWay > 0 { draining.append(backend) }
        ring = HashRing(backends.map(\.endpoint.replica.name))
        return backend
    }

    /// Forgets a draining backend whose last request has ended.
    func forget(_ backend: Backend) { draining.removeAll { $0 === backend } }

    /// Chooses a replica, another than `avoided` while there is one; nil when none is in rotation.
    ///
    /// Suspended replicas are chosen only when all are: better a try than a certain refusal.
    func pick(
        _ balance: ServiceRoute.Balance, client: UInt64, avoided: Backend?, now: UInt64, random: inout QuickRandom
    ) -> Backend? {
        let count = backends.count
        guard count > 1 else { return backends.first }
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

    init(_ names: [String]) {
        points.reserveCapacity(names.count * Self.pointsEach)
        for (index, name) in names.enumerated() {
            var hash = ByteHash()
            for byte in name.utf8 { hash.add(byte) }
            for point in 0..<Self.pointsEach {
                let mixed = PeerAddress.mix(hash.value &+ UInt64(point) &* 0x9e37_79b9_7f4a_7c15)
                points.append((mixed, index))
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
