import AloftModel
import Testing

@testable import AloftLogs

@Suite("Retention")
struct RetentionTests {
    private func segment(_ number: Int, start: Int64, size: Int) -> Segment {
        Segment(number: number, start: .seconds(start), size: size)
    }

    @Test("a name is read back, and foreign names are passed over")
    func names() throws {
        let segment = Segment(number: 42, start: Timestamp(nanoseconds: 1_795_212_740_041_000_000))
        #expect(segment.name == "20261120T221220.041Z-00000042.jsonl")
        #expect(Segment(name: segment.name) == segment)
        #expect(Segment(name: Segment(number: 123_456_789, start: .seconds(0)).name)?.number == 123_456_789)
        for name in [
            "", ".jsonl", "x.jsonl", "20261120T221220.041Z-0.jsonl", "20261120T221220.041Z-x.jsonl",
            "20261120T221220.041Z-00000042.jsonl.gz", "20261320T221220.041Z-00000042.jsonl", "20261120T221220Z-1.jsonl",
            "20261120T221220.041Z-1-2.jsonl",
        ] {
            #expect(Segment(name: name) == nil, "\(name)")
        }
    }

    @Test("a segment is full at 32 MiB or after a day, and never while it is empty")
    func full() {
        let retention = Retention(spec: .keeping(.gibibytes(10), for: .seconds(30 * 86_400)))
        let size = 32 << 20
        #expect(!retention.isFull(segment(1, start: 0, size: size - 10), adding: 10, at: .seconds(86_399)))
        #expect(retention.isFull(segment(1, start: 0, size: size - 10), adding: 11, at: .seconds(0)))
        #expect(retention.isFull(segment(1, start: 0, size: 1), adding: 0, at: .seconds(86_400)))
        #expect(!retention.isFull(segment(1, start: 0, size: 0), adding: size * 2, at: .seconds(90_000)))
    }

    @Test("small logs have small segments")
    func small() {
        let retention = Retention(spec: .keeping(.mebibytes(8), for: .seconds(3600)))
        #expect(retention.segmentSize == 1 << 20)
        #expect(retention.segmentAge == .seconds(900))
        #expect(Retention(spec: .keeping(ByteSize(bytes: 1), for: .seconds(1))).segmentSize == 64 << 10)
        #expect(Retention(spec: .keeping(ByteSize(bytes: 1), for: .seconds(1))).segmentAge == .seconds(60))
    }

    @Test("past the size the oldest go first, whichever stream they are of, but never one being written")
    func bySize() {
        let segments: [LogStream: [Segment]] = [
            .application: [
                segment(1, start: 10, size: 40), segment(2, start: 30, size: 40), segment(3, start: 50, size: 40),
            ],
            .access: [segment(1, start: 5, size: 40), segment(2, start: 20, size: 40)],
            .daemon: [segment(7, start: 1, size: 40)],
        ]
        let expired = Retention(spec: .keeping(ByteSize(bytes: 130), for: .seconds(1000))).expired(
            segments, at: .seconds(60))
        #expect(expired.map { "\($0.stream) \($0.segment.number)" } == ["access 1", "application 1", "application 2"])
        let all = Retention(spec: .keeping(ByteSize(bytes: 0), for: .seconds(1000))).expired(segments, at: .seconds(60))
        #expect(all.count == 3)
    }

    @Test("a segment is as old as the start of the next one")
    func byAge() {
        let segments: [LogStream: [Segment]] = [
            .daemon: [segment(1, start: 0, size: 1), segment(2, start: 100, size: 1), segment(3, start: 200, size: 1)]
        ]
        let retention = Retention(spec: .keeping(for: .seconds(50)))
        #expect(retention.expired(segments, at: .seconds(150)).isEmpty)
        #expect(retention.expired(segments, at: .seconds(151)).map(\.segment.number) == [1])
        #expect(retention.expired(segments, at: .seconds(100_000)).map(\.segment.number) == [1, 2])
    }
}

@Suite("LogQueues")
struct LogQueuesTests {
    private let pause: Duration = .milliseconds(100)

    @Test("the first record schedules a write, more do not, much hurries it once")
    func scheduling() {
        var queues = LogQueues()
        let large = [UInt8](repeating: 0x0A, count: LogQueues.urgentSize)
        #expect(queues.append(.daemon, line("a"), pause: pause) == .schedule(after: pause))
        #expect(queues.append(.access, line("b"), pause: pause) == .none)
        #expect(queues.append(.access, large, pause: pause) == .schedule(after: .zero))
        #expect(queues.append(.access, large, pause: pause) == .none)
        #expect(queues.takePending().keys.count == 2)
        #expect(queues.append(.daemon, line("c"), pause: pause) == .schedule(after: pause))
        #expect(queues.append(.daemon, [], pause: pause) == .none)
    }

    @Test("what does not fit is dropped and counted by records, for that stream only")
    func bounded() {
        var queues = LogQueues()
        let half = [UInt8](repeating: 0x0A, count: LogQueues.capacity / 2)
        _ = queues.append(.access, half, pause: pause)
        // Handed over is not written: it still takes room.
        _ = queues.takePending()
        _ = queues.append(.access, half, pause: pause)
        _ = queues.append(.access, line("x\ny"), pause: pause)
        #expect(queues.dropped == 2)
        _ = queues.append(.daemon, line("z"), pause: pause)
        #expect(queues.dropped == 2)
        queues.wrote(.access, half.count)
        _ = queues.append(.access, line("fits"), pause: pause)
        #expect(queues.dropped == 2)
        #expect(queues.takeUnsaid(.access) == 2)
        #expect(queues.takeUnsaid(.access) == 0)
    }

    @Test("a producer that can wait leaves half of the room to others and loses nothing")
    func offers() throws {
        var queues = LogQueues()
        let offered = queues.offer(.application, [UInt8](repeating: 0x0A, count: LogQueues.offerCapacity))
        let ticket = try #require(offered)
        #expect(queues.room(.application) == 0)
        #expect(queues.offer(.application, line("x")) == nil)
        #expect(queues.dropped == 0)
        _ = queues.append(.application, line("x"), pause: pause)
        #expect(queues.dropped == 0)
        queues.wrote(.application, LogQueues.offerCapacity - 1)
        #expect(!queues.isWritten(ticket))
        queues.wrote(.application, 1)
        #expect(queues.isWritten(ticket))
    }

    @Test("after closing everything is dropped and counted")
    func closed() {
        var queues = LogQueues()
        queues.close()
        #expect(queues.append(.daemon, line("x"), pause: pause) == .none)
        #expect(queues.offer(.daemon, line("x")) == nil)
        #expect(queues.dropped == 1)
    }
}
