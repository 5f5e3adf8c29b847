import AloftModel
import Testing

@testable import AloftCompute

@Suite("Back-off")
struct BackoffTests {
    private let spec = RestartSpec.Backoff(initial: .seconds(1), max: .seconds(10), resetAfter: .seconds(60))

    @Test("doubles from initial to max")
    func doubles() {
        var backoff = Backoff()
        let waits = (0..<6).map { _ in backoff.ended(readyFor: .zero, spec: spec) }
        #expect(waits == [1, 2, 4, 8, 10, 10].map { Duration.seconds($0) })
    }

    @Test("starts again at initial after a good time, not after a shorter one")
    func resets() {
        var backoff = Backoff()
        let times: [Duration] = [.zero, .zero, .seconds(59), .seconds(60), .zero]
        let waits = times.map { backoff.ended(readyFor: $0, spec: spec) }
        #expect(waits == [1, 2, 4, 1, 2].map { Duration.seconds($0) })
    }

    @Test("a hundred thousand failures neither overflow nor wait longer than max")
    func bounded() {
        var backoff = Backoff()
        var last = Duration.zero
        for _ in 0..<100_000 { last = backoff.ended(readyFor: .zero, spec: spec) }
        #expect(last == .seconds(10))
        backoff.reset()
        #expect(backoff.ended(readyFor: .zero, spec: spec) == .seconds(1))
    }

    @Test("an initial above max waits max")
    func inverted() {
        var backoff = Backoff()
        let spec = RestartSpec.Backoff(initial: .seconds(20), max: .seconds(10), resetAfter: .zero)
        #expect(backoff.ended(readyFor: .zero, spec: spec) == .seconds(10))
    }
}
