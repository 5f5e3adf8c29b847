/// What a request itself says of the release it goes to.
enum Lane: Sendable, Hashable {
    /// Nothing: by the weights.
    case any
    /// Its user's place on the scale of basis points.
    case slot(UInt16)
    /// It asked for one by name.
    case stable, canary
    /// The edge itself wants a replica of this release and of no other.
    case release(Int32)
}

/// Which of two releases a request goes to.
///
/// The weights are kept exactly, not on average: what each choice leaves over is carried to the next one (as in
/// Bresenham's lines), so that among n requests in a row the canary's share is never off by more than one.
struct ReleaseChoice: Sendable {
    enum Side: Sendable, Hashable { case stable, canary }

    /// Basis points, 0 to 10 000.
    private(set) var canaryShare: Int
    /// What was left over, 0 to 9 999; starts anywhere, since loops that start alike would favour one side together.
    private var carried: Int

    init(canaryShare: Int, start: Int) {
        self.canaryShare = min(10_000, max(0, canaryShare))
        carried = min(9_999, max(0, start))
    }

    /// Keeps what is carried, so that many small steps lose nothing.
    mutating func change(canaryShare: Int) { self.canaryShare = min(10_000, max(0, canaryShare)) }

    mutating func choose(_ lane: Lane) -> Side {
        switch lane {
        case .any:
            carried += canaryShare
            guard carried >= 10_000 else { return .stable }
            carried -= 10_000
            return .canary
        case .slot(let slot): return Int(slot) < canaryShare ? .canary : .stable
        case .stable, .release: return .stable
        case .canary: return .canary
        }
    }

    func share(of side: Side) -> Int { side == .canary ? canaryShare : 10_000 - canaryShare }
}

/// An exact share of a stream of events.
struct ShareCounter: Sendable {
    private var carried: Int

    init(start: Int) { carried = min(9_999, max(0, start)) }

    mutating func takes(basisPoints: Int) -> Bool {
        carried += min(10_000, max(0, basisPoints))
        guard carried >= 10_000 else { return false }
        carried -= 10_000
        return true
    }
}
