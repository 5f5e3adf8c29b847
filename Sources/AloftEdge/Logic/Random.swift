/// xorshift64*: two operations a number, good enough to choose a replica or a sample, never for secrets
/// (S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled").
struct QuickRandom: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed == 0 ? 0x9e37_79b9_7f4a_7c15 : seed }

    @inline(__always)
    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }

    /// Even among 0..<bound but for a bias below 2^-32.
    @inline(__always)
    mutating func below(_ bound: Int) -> Int {
        Int(((next() >> 32) &* UInt64(bound)) >> 32)
    }
}
