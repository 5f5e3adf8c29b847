/// What a wheel files: something with one deadline. Confined to its loop.
package class TimerNode {
    /// When `expire` is due, in monotonic nanoseconds; `.max` for never.
    package final fileprivate(set) var deadline = UInt64.max
    /// Tick of the bucket it stands in, or -1.
    fileprivate final var filed: Int64 = -1
    fileprivate final var previous: Unmanaged<TimerNode>?
    fileprivate final var next: Unmanaged<TimerNode>?

    init() {}

    /// The deadline has passed; it is `.max` again.
    func expire(now: UInt64) {}
}

/// Deadlines to 100 ms: a ring of buckets, one for each tick of the coming minute.
///
/// A deadline is never met early, and up to one tick late. Most deadlines of a connection are moved on before they are
/// due, so moving one to a later time only writes it down; the node stays in its bucket and is filed again when that
/// comes due. The same holds for those further away than the ring reaches.
struct TimerWheel {
    /// Nanoseconds.
    static let tick: UInt64 = 100_000_000
    static let size = 512

    private let buckets: UnsafeMutablePointer<Unmanaged<TimerNode>?>
    /// A bit for each bucket that holds something, to find the next one without looking at all.
    private let occupied: UnsafeMutablePointer<UInt64>
    /// The last tick that was dealt with.
    private var current: Int64

    init(now: UInt64) {
        buckets = .allocate(capacity: Self.size)
        buckets.initialize(repeating: nil, count: Self.size)
        occupied = .allocate(capacity: Self.size / 64)
        occupied.initialize(repeating: 0, count: Self.size / 64)
        current = Int64(now / Self.tick)
    }

    /// The wheel is unusable then; nodes must have left it.
    func deallocate() {
        buckets.deallocate()
        occupied.deallocate()
    }

    /// Sets when `node` expires; `.max` for never.
    @inline(__always)
    mutating func set(_ node: TimerNode, _ deadline: UInt64) {
        node.deadline = deadline
        guard deadline != .max else { return }
        let due = Int64(deadline / Self.tick) + 1
        if node.filed >= 0, node.filed <= due { return }
        file(node, due)
    }

    @inline(never)
    private mutating func file(_ node: TimerNode, _ due: Int64) {
        if node.filed >= 0 { unlink(node) }
        let tick = min(max(due, current + 1), current + Int64(Self.size) - 1)
        let bucket = Int(tick) & (Self.size - 1)
        let head = buckets[bucket]
        node.filed = tick
        node.previous = nil
        node.next = head
        let own = Unmanaged.passUnretained(node)
        head?._withUnsafeGuaranteedRef { $0.previous = own }
        buckets[bucket] = own
        occupied[bucket / 64] |= 1 << UInt64(bucket % 64)
    }

    private func unlink(_ node: TimerNode) {
        let bucket = Int(node.filed) & (Self.size - 1)
        if let previous = node.previous {
            previous._withUnsafeGuaranteedRef { $0.next = node.next }
        } else {
            buckets[bucket] = node.next
            if node.next == nil { occupied[bucket / 64] &= ~(1 << UInt64(bucket % 64)) }
        }
        node.next?._withUnsafeGuaranteedRef { $0.previous = node.previous }
        (node.filed, node.previous, node.next) = (-1, nil, nil)
    }

    /// Takes a node out for good.
    mutating func remove(_ node: TimerNode) {
        node.deadline = .max
        if node.filed >= 0 { unlink(node) }
    }

    /// Nodes that `advance` has made due, one after the other; nil when there is none up to `now`.
    ///
    /// Each call goes on where the last one stopped, so that what a node does on expiry may change the wheel at will.
    mutating func next(now: UInt64) -> Unmanaged<TimerNode>? {
        let last = Int64(now / Self.tick)
        while true {
            if current >= 0, let due = buckets[Int(current) & (Self.size - 1)] {
                var isDue = false
                due._withUnsafeGuaranteedRef { node in
                    unlink(node)
                    if node.deadline <= now {
                        node.deadline = .max
                        isDue = true
                    } else if node.deadline != .max {
                        set(node, node.deadline)
                    }
                }
                if isDue { return due }
                continue
            }
            guard current < last else { return nil }
            // Empty buckets are passed over; a clock that stood still for a minute has passed all of them.
            current = min(last, nextOccupied ?? last)
        }
    }

    /// The tick of the first bucket ahead that holds something.
    private var nextOccupied: Int64? {
        let start = Int(current + 1) & (Self.size - 1)
        var word = start / 64
        var bits = occupied[word] & (~0 << UInt64(start % 64))
        for _ in 0...Self.size / 64 {
            if bits != 0 {
                let bucket = word * 64 + bits.trailingZeroBitCount
                return current + 1 + Int64((bucket - start) & (Self.size - 1))
            }
            word = (word + 1) % (Self.size / 64)
            bits = occupied[word]
        }
        return nil
    }

    /// Milliseconds until the wheel has something to do, or nil when it holds nothing.
    func milliseconds(after now: UInt64) -> Int32? {
        guard let tick = nextOccupied else { return nil }
        let due = UInt64(tick) * Self.tick
        return due <= now ? 0 : Int32((due - now + 999_999) / 1_000_000)
    }
}
