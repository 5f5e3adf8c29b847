/// Random numbers that a seed brings back (SplitMix64: Steele, Lea and Flood, 2014).
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

/// Seeds 1 and up, and a new one first. Between them others have a turn: cases of one test would fill the threads' queue.
func eachSeed(of count: UInt64, _ body: (UInt64) throws -> Void) async rethrows {
    for number in 0..<count {
        try body(number == 0 ? UInt64.random(in: 1000 ... .max) : number)
        await Task.yield()
    }
}
