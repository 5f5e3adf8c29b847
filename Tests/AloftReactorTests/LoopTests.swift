import AloftSystem
import AloftTestKit
import Glibc
import Synchronization
import Testing

@testable import AloftReactor

@Suite("The loop", .timeLimit(.minutes(2)))
struct LoopTests {
    @Test("work runs on the loop's thread in the order it was submitted, from any number of threads")
    func order() async throws {
        let handle = try LoopHandle.start(name: "order")
        let seen = Mutex<[Int: [Int]]>([:])
        let shared = Holder(seen)
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for number in 0..<200 {
                        do {
                            try handle.submit { _ in shared.value.withLock { $0[thread, default: []].append(number) } }
                        } catch {
                            Issue.record("\(error)")
                        }
                    }
                }
            }
        }
        _ = try await handle.run { _ in true }
        for thread in 0..<8 { #expect(shared.value.withLock { $0[thread] } == Array(0..<200)) }
        await handle.stop()
    }

    private final class Holder<Value: ~Copyable & Sendable>: Sendable {
        let value: Value
        init(_ value: consuming Value) { self.value = value }
    }

    @Test("more work than the limit is refused, and runs once there is room")
    func limit() async throws {
        let handle = try LoopHandle.start(name: "limit")
        let gate = Mutex(false)
        let open = Holder(gate)
        // Held up until the queue is full.
        try handle.submit { _ in while !open.value.withLock({ $0 }) { sched_yield() } }
        try await eventually("the loop to be held up") { handle.depth == 0 }
        for _ in 0..<LoopHandle.limit { try handle.submit { _ in } }
        #expect(handle.depth == LoopHandle.limit)
        let refusal = #expect(throws: ReactorError.self) { try handle.submit { _ in } }
        #expect(refusal?.code == .busy)
        open.value.withLock { $0 = true }
        try await eventually("the queue to empty") { handle.depth == 0 }
        #expect(try await handle.run { _ in 7 } == 7)
        await handle.stop()
    }

    @Test("a stopped loop refuses work, and stopping it again waits for nothing")
    func stopped() async throws {
        let handle = try LoopHandle.start(name: "stop")
        let before = Mutex(0)
        let ran = Holder(before)
        for _ in 0..<100 { try handle.submit { _ in ran.value.withLock { $0 += 1 } } }
        await handle.stop()
        #expect(ran.value.withLock { $0 } == 100, "what was submitted before runs")
        let refusal = #expect(throws: ReactorError.self) { try handle.submit { _ in } }
        #expect(refusal?.code == .stopped)
        await handle.stop()
    }

    @Test("a timer runs once for each time it is set, and not after it was cancelled or dropped")
    func timers() async throws {
        let handle = try LoopHandle.start(name: "timer")
        let record = Record()
        try await handle.run { loop in
            let kept = LoopTimer(loop) { _ in record.add("kept") }
            kept.set(loop.now)
            let cancelled = LoopTimer(loop) { _ in record.add("cancelled") }
            cancelled.set(loop.now)
            cancelled.cancel()
            let dropped = LoopTimer(loop) { _ in record.add("dropped") }
            dropped.set(loop.now)
            let last = LoopTimer(loop) { _ in
                record.add("last")
                _ = (kept, cancelled)
            }
            last.set(loop.now + 300_000_000)
            Self.keep(last, on: loop)
        }
        try await record.wait(for: "last")
        #expect(record.events == ["kept", "last"])
        await handle.stop()
    }

    /// Holds a timer for as long as the loop: by another timer that is never due.
    private static func keep(_ timer: LoopTimer, on loop: Loop) {
        _ = Unmanaged.passRetained(timer)
    }

    @Test("lag and wake-ups are counted, the longest lag since it was last read")
    func metrics() async throws {
        let handle = try LoopHandle.start(name: "metrics")
        _ = try await handle.run { $0.takeMetrics() }
        try await handle.run { _ in
            var spent = timespec(tv_sec: 0, tv_nsec: 30_000_000)
            nanosleep(&spent, nil)
        }
        let first = try await handle.run { $0.takeMetrics() }
        #expect(first.lagMost >= 30_000_000)
        #expect(first.lagSum >= first.lagMost)
        #expect(first.wakeups >= 2)
        await handle.stop()
    }
}
