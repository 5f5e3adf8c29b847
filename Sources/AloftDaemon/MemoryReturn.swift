/// When memory that is free in the allocator's heaps is given back to the system.
///
/// What thousands of connections needed stays in the process once they have gone: the allocator keeps it for the next
/// ones. It is given back when the process has grown and grows no more, not in the middle of a rush, and at most once in
/// `pause` looks, since it takes a millisecond and what is needed again has to be fetched again.
struct MemoryReturn {
    /// Growth since memory was last given back, from which on it is worth it; bytes.
    static let growth = 4 << 20
    /// Looks between two returns.
    static let pause = 6
    /// Growth between two looks that is still called none; bytes.
    private static let calm = 1 << 20

    private var settled: Int?
    private var previous = 0
    private var looks = MemoryReturn.pause

    /// Whether memory should be given back now; `resident` is the process's resident size in bytes.
    mutating func isDue(resident: Int) -> Bool {
        looks += 1
        defer { previous = resident }
        guard let settled else {
            settled = resident
            return false
        }
        self.settled = min(settled, resident)
        return looks > Self.pause && resident >= settled + Self.growth && resident <= previous + Self.calm
    }

    /// Memory was given back, and `resident` bytes are left.
    mutating func returned(resident: Int) {
        settled = resident
        previous = resident
        looks = 0
    }
}
