import Testing

@testable import AloftDaemon

@Suite("Memory is given back to the system")
struct MemoryReturnTests {
    private let mebibyte = 1 << 20

    /// The looks, counted from 0, at which memory was given back; each return leaves `left` MiB.
    private func returns(_ resident: [Int], leaving left: Int) -> [Int] {
        var policy = MemoryReturn()
        var due: [Int] = []
        for (look, size) in resident.enumerated() where policy.isDue(resident: size * mebibyte) {
            due.append(look)
            policy.returned(resident: left * mebibyte)
        }
        return due
    }

    @Test("once it has grown and grows no more")
    func grown() {
        #expect(returns([20, 20, 23, 23, 23], leaving: 20).isEmpty, "too little")
        #expect(returns([20, 30, 40, 50, 50, 20], leaving: 20) == [4])
        #expect(returns([20, 46], leaving: 20).isEmpty, "it may still grow")
        #expect(returns([40, 20, 24, 24], leaving: 20) == [3], "measured from the smallest it was")
    }

    @Test("at most once in a minute, and not for what is in use")
    func bounded() {
        let swinging = Array(repeating: 40, count: 30)
        #expect(returns([20] + swinging, leaving: 20) == [2, 9, 16, 23, 30])
        #expect(returns([20] + swinging, leaving: 39) == [2])
    }
}
