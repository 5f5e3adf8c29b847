import AloftTestKit
import Testing

@testable import AloftReactor

@Suite("The timer wheel")
struct TimerWheelTests {
    private final class Node: TimerNode {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    private static let second: UInt64 = 1_000_000_000

    private func due(_ wheel: inout TimerWheel, _ now: UInt64) -> [Int] {
        var numbers: [Int] = []
        while let node = wheel.next(now: now) {
            numbers.append((node.takeUnretainedValue() as? Node)?.number ?? -1)
        }
        return numbers
    }

    @Test("a node expires after its deadline, within a tick, and once")
    func expires() {
        var wheel = TimerWheel(now: 5)
        defer { wheel.deallocate() }
        let node = Node(1)
        wheel.set(node, Self.second)
        #expect(due(&wheel, Self.second - 1).isEmpty)
        #expect(due(&wheel, Self.second + TimerWheel.tick) == [1])
        #expect(node.deadline == .max)
        #expect(due(&wheel, 100 * Self.second).isEmpty)
    }

    @Test("a deadline moved on is met when it was moved to; moved back, too; taken back, never")
    func moves() {
        var wheel = TimerWheel(now: 0)
        defer { wheel.deallocate() }
        let (later, sooner, never) = (Node(1), Node(2), Node(3))
        for node in [later, sooner, never] { wheel.set(node, 10 * Self.second) }
        wheel.set(later, 20 * Self.second)
        wheel.set(sooner, 2 * Self.second)
        wheel.set(never, .max)
        #expect(due(&wheel, 3 * Self.second) == [2])
        #expect(due(&wheel, 19 * Self.second).isEmpty)
        #expect(due(&wheel, 21 * Self.second) == [1])
        #expect(due(&wheel, 1000 * Self.second).isEmpty)
    }

    @Test("a deadline beyond the ring is filed again until it is due")
    func far() {
        var wheel = TimerWheel(now: 0)
        defer { wheel.deallocate() }
        let node = Node(1)
        wheel.set(node, 3600 * Self.second)
        var now: UInt64 = 0
        var wakeups = 0
        while let wait = wheel.milliseconds(after: now) {
            now += UInt64(max(1, wait)) * 1_000_000
            wakeups += 1
            if due(&wheel, now) == [1] { break }
        }
        #expect(now >= 3600 * Self.second && now <= 3600 * Self.second + 2 * TimerWheel.tick)
        #expect(wakeups < 80, "an hour takes one visit a turn of the ring")
        #expect(wheel.milliseconds(after: now) == nil)
    }

    @Test("an extreme deadline is no deadline")
    func extreme() {
        var wheel = TimerWheel(now: 0)
        defer { wheel.deallocate() }
        let node = Node(1)
        wheel.set(node, .max - 1)
        #expect(due(&wheel, 1000 * Self.second).isEmpty)
        wheel.remove(node)
        #expect(wheel.milliseconds(after: 1000 * Self.second) == nil)
    }

    @Test("what expires may set and remove others in the same tick")
    func reentrant() {
        var wheel = TimerWheel(now: 0)
        defer { wheel.deallocate() }
        let nodes = (0..<10).map { Node($0) }
        for node in nodes { wheel.set(node, Self.second) }
        let first = wheel.next(now: 2 * Self.second)?.takeUnretainedValue() as? Node
        for node in nodes where node !== first { wheel.remove(node) }
        if let first { wheel.set(first, Self.second) }
        #expect(due(&wheel, 2 * Self.second) == [first?.number], "a deadline in the past is due with the next tick")
        if let first { wheel.set(first, Self.second) }
        #expect(due(&wheel, 2 * Self.second).isEmpty, "which is not this one")
        #expect(due(&wheel, 2 * Self.second + TimerWheel.tick) == [first?.number])
    }

    @Test(
        "any sequence of sets and removals expires what a list of deadlines says",
        arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func model(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var wheel = TimerWheel(now: 77)
        defer { wheel.deallocate() }
        let nodes = (0..<50).map { Node($0) }
        var model: [Int: UInt64] = [:]
        var now: UInt64 = 77
        for _ in 0..<3000 {
            let number = Int.random(in: 0..<50, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0...2:
                let deadline = now + UInt64.random(in: 1...(90 * Self.second), using: &random)
                wheel.set(nodes[number], deadline)
                model[number] = deadline
            case 3:
                wheel.remove(nodes[number])
                model[number] = nil
            default:
                now += UInt64.random(in: 1...(2 * Self.second), using: &random)
                let expired = Set(due(&wheel, now))
                for number in expired {
                    #expect((model[number] ?? .max) <= now, "seed \(seed): \(number) came early")
                    model[number] = nil
                }
                for (number, deadline) in model where deadline + TimerWheel.tick <= now {
                    Issue.record("seed \(seed): \(number) is late")
                }
            }
        }
        for node in nodes { wheel.remove(node) }
    }
}
