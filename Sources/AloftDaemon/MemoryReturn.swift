/// When memory that is free in the allocator's heaps is given back to the system.
///
/// What thousands of connections needed stays in the process once they have gone: the allocator keeps it for the next
/// ones. It is given back when the process is larger than it was and grows no more, not in the middle of a rush. That
/// takes a millisecond, and what is needed again has to be fetched again, so there is a pause behind it, which doubles
/// each time that nothing could be given back.
struct MemoryReturn {
    /// Growth over the smallest size so far, from which on it is worth it; bytes.
    static let growth = 4 << 20
    /// Looks between two returns, and the most that they become.
    static let pause = 6
    static let longestPause = 60
    /// A difference between two looks that is still called none; bytes.
    private static let calm = 1 << 20

    private var smallest: Int
    private var previous: Int
    private var pause = MemoryReturn.pause
    private var looks = MemoryReturn.pause

    /// `resident` is the process's resident size at its start, in bytes.
    init(resident: Int) {
        smallest = resident
        previous = resident
    }

    /// Whether memory should be given back now.
    mutating func isDue(resident: Int) -> Bool {
        defer { previous = resident }
        looks += 1
        smallest = min(smallest, resident)
        return looks > pause && resident >= smallest + Self.growth && resident <= previous + Self.calm
    }

    /// Memory was given back; `resident` bytes are left of `before`.
    mutating func returned(from before: Int, to resident: Int) {
        pause = before - resident > Self.calm ? Self.pause : min(2 * pause, Self.longestPause)
        previous = resident
        looks = 0
    }
}
