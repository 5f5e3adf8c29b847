import AloftTestKit
import Testing

@testable import AloftReactor

@Suite("Pooled memory, queues and slots")
struct MemoryTests {
    @Test(
        "a block has the room asked for, whatever its size",
        arguments: [0, 1, 4000, 4016, 4017, 17_000, 65_456, 65_457, 131_072])
    func room(size: Int) {
        var pool = BlockPool()
        let block = pool.take(size)
        #expect(block.room >= size)
        #expect(pool.usedBytes >= size)
        pool.give(block)
        #expect(pool.usedBytes == 0)
        pool.empty()
        #expect(pool.freeBytes == 0)
    }

    @Test("free memory is used again, bounded, and freed once nothing has needed it between two trims")
    func trimming() {
        var pool = BlockPool(freeLimit: 64 << 10)
        let many = (0..<40).map { _ in pool.take(100) }
        for block in many { pool.give(block) }
        #expect(pool.freeBytes == 64 << 10, "16 blocks of 4 KiB lie free, the others went back at once")
        pool.trim()
        let one = pool.take(100)
        pool.give(one)
        pool.trim()
        #expect(pool.freeBytes == 4 << 10, "only one was needed since")
        pool.trim()
        #expect(pool.freeBytes == 0)
    }

    @Test("a queue gives back what was put in, in pieces of any size", arguments: [1, 2, 3, 4, 5] as [UInt64])
    func queue(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var pool = BlockPool()
        var queue = OutputQueue()
        var expected: [UInt8] = []
        var seen: [UInt8] = []
        for _ in 0..<500 {
            if Bool.random(using: &random) {
                let piece = (0..<Int.random(in: 1...9000, using: &random)).map { UInt8(truncatingIfNeeded: $0) }
                piece.withUnsafeBytes { queue.append($0.baseAddress!, $0.count, &pool) }
                expected += piece
            } else if let first = queue.first {
                let count = Int.random(in: 1...first.count, using: &random)
                seen += UnsafeRawBufferPointer(start: first.first, count: count)
                queue.drop(count, &pool)
            }
            #expect(queue.count == expected.count - seen.count, "seed \(seed)")
        }
        while let first = queue.first {
            seen += UnsafeRawBufferPointer(start: first.first, count: first.count)
            queue.drop(first.count, &pool)
        }
        #expect(seen == expected, "seed \(seed)")
        #expect(queue.isEmpty && pool.usedBytes == 0, "seed \(seed)")
        pool.empty()
    }

    private final class Thing {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    @Test(
        "a token finds its own object and nothing after that was removed, however often the slot is used",
        arguments: [1, 2, 3] as [UInt64])
    func slots(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var slab = Slab<Thing>()
        var live: [(token: UInt64, number: Int)] = []
        var dead: [UInt64] = []
        for number in 0..<2000 {
            if live.isEmpty || Int.random(in: 0..<5, using: &random) < 3 {
                live.append((slab.insert(Thing(number)), number))
            } else {
                let gone = live.remove(at: Int.random(in: live.indices, using: &random))
                let wasThere = slab.remove(gone.token)
                #expect(wasThere)
                dead.append(gone.token)
            }
        }
        for entry in live {
            #expect(slab.find(entry.token)?.takeUnretainedValue().number == entry.number, "seed \(seed)")
        }
        for token in dead {
            let wasThere = slab.remove(token)
            #expect(!wasThere && slab.find(token) == nil, "seed \(seed)")
        }
        #expect(slab.count == live.count)
        #expect(slab.find(0) == nil && slab.find(.max) == nil)
        slab.deallocate()
    }

    @Test("a slot keeps its object alive until it is removed")
    func lifetime() {
        var slab = Slab<Thing>()
        weak var watched: Thing?
        let token: UInt64
        do {
            let thing = Thing(1)
            watched = thing
            token = slab.insert(thing)
        }
        #expect(watched != nil)
        slab.remove(token)
        #expect(watched == nil)
        slab.deallocate()
    }
}
