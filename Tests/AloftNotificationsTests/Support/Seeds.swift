/// Seeds 1 and up, and a new one first. Between them others have a turn: cases of one test would fill the threads' queue.
func eachSeed(of count: UInt64, _ body: (UInt64) throws -> Void) async rethrows {
    for number in 0..<count {
        try body(number == 0 ? UInt64.random(in: 1000 ... .max) : number)
        await Task.yield()
    }
}
