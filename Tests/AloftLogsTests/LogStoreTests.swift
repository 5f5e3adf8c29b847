import AloftModel
import Foundation
import Testing

@testable import AloftLogs

@Suite("LogStore")
struct LogStoreTests {
    let folder = TemporaryFolder()
    let clock = HandClock()
    let events = EventList()

    private func open(_ spec: LogSpec = .keeping(), directory: String? = nil) throws -> LogStore {
        let (clock, events) = (clock, events)
        return try LogStore(
            directory: directory ?? folder.path, spec: spec, now: { clock.now }, event: { events.add($0) })
    }

    @Test("what is appended is in the stream's segment, in order, soon and without asking")
    func appends() async throws {
        let store = try open()
        for index in 0..<100 { store.append(.access, line("\(index)")) }
        store.append(.daemon, line("d"))
        #expect(await store.flush())
        #expect(try content(folder.path, .access) == (0..<100).map { "\($0)\n" }.joined())
        #expect(try content(folder.path, .daemon) == "d\n")
        #expect(try segmentNames(folder.path, .application) == [])
        #expect(store.statistics().queuedBytes == 0)
        #expect(store.statistics().storedBytes == store.statistics().writtenBytes)
    }

    @Test("a follower sees an appended record although nobody flushes")
    func writesByItself() async throws {
        let store = try open()
        store.append(.daemon, record(clock.now, "hello"))
        var records = LogReader(directory: folder.path).records(LogQuery(streams: [.daemon]), follow: true)
            .makeAsyncIterator()
        #expect(try await records.next()?.line == Array(record(clock.now, "hello").dropLast()))
        await store.close()
    }

    @Test("full segments are ended between records, and another start goes on in the last one")
    func rotates() async throws {
        let spec = LogSpec.keeping(.mebibytes(1))
        var expected = ""
        for start in 0..<3 {
            let store = try open(spec)
            for index in 0..<40 {
                let text = String(repeating: "\(index % 10)", count: 1000 + start)
                expected += text + "\n"
                store.append(.application, line(text))
                if index % 7 == 0 { store.write() }
            }
            await store.close()
        }
        #expect(try content(folder.path, .application) == expected)
        let names = try segmentNames(folder.path, .application)
        #expect(names.count == 1)
        let store = try open(spec)
        store.append(
            .application, Array(repeating: line(String(repeating: "x", count: 999)), count: 400).flatMap { $0 })
        #expect(store.write())
        let sizes = try segmentNames(folder.path, .application).map { name in
            try Data(contentsOf: URL(fileURLWithPath: folder.path + "/application/" + name)).count
        }
        #expect(sizes.count == 4)
        #expect(sizes.allSatisfy { $0 <= 128 << 10 })
        for name in try segmentNames(folder.path, .application) {
            let text = try String(contentsOfFile: folder.path + "/application/" + name, encoding: .utf8)
            #expect(text.hasSuffix("\n"))
        }
    }

    @Test("a record larger than a segment is kept whole, in one of its own")
    func largeRecord() throws {
        let store = try open(.keeping(ByteSize(bytes: 1)))
        for count in [10, 200_000, 10] { store.append(.daemon, line(String(repeating: "x", count: count))) }
        store.append(.daemon, line("end"))
        #expect(store.write())
        #expect(try content(folder.path, .daemon) == "xxxxxxxxxx\nend\n")
        #expect(store.statistics().removedSegments == 2)
        #expect(store.statistics().writtenBytes == 200_001 + 22 + 4)
    }

    @Test("old segments go by age, also in quiet times; a new day begins a new one")
    func ages() throws {
        let store = try open(.keeping(for: .seconds(3 * 86_400)))
        for day in 0..<6 {
            store.append(.daemon, line("day \(day)"))
            store.write()
            clock.advance(.seconds(86_400))
        }
        #expect(try content(folder.path, .daemon) == "day 1\nday 2\nday 3\nday 4\nday 5\n")
        clock.advance(.seconds(10 * 86_400))
        // The first ends the last segment, whose age counts from then.
        store.maintain()
        clock.advance(.seconds(4 * 86_400))
        store.maintain()
        #expect(try content(folder.path, .daemon) == "")
        #expect(try segmentNames(folder.path, .daemon).count == 1)
    }

    @Test("a smaller size from a reload takes effect at once")
    func reload() throws {
        let store = try open(.keeping(.mebibytes(1)))
        for _ in 0..<8 {
            store.append(.access, line(String(repeating: "x", count: 100_000)))
            store.write()
        }
        store.apply(.keeping(.kibibytes(300)))
        #expect(store.statistics().storedBytes <= 300 << 10)
        #expect(store.statistics().storedBytes > 100_000)
    }

    @Test(
        "what a crash has torn is cut off at the next start and counted",
        arguments: [("a\nb\nto", "a\nb\n", 1), ("torn", "", 1), ("a\n", "a\n", 0), ("", "", 0)])
    func torn(before: String, after: String, count: UInt64) async throws {
        let store = try open()
        store.append(.application, line("first"))
        await store.close()
        let name = try segmentNames(folder.path, .application)[0]
        let path = folder.path + "/application/" + name
        try before.write(toFile: path, atomically: false, encoding: .utf8)
        let again = try open()
        #expect(again.statistics().tornRecords == count)
        again.append(.application, line("next"))
        await again.close()
        #expect(try String(contentsOfFile: path, encoding: .utf8) == after + "next\n")
    }

    @Test("a torn end longer than a block is found")
    func longTorn() async throws {
        let store = try open()
        store.append(.application, line("first"))
        await store.close()
        let path = try folder.path + "/application/" + segmentNames(folder.path, .application)[0]
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(repeating: 0x61, count: 200_000))
        try file.close()
        try await open().close()
        #expect(try content(folder.path, .application) == "first\n")
    }

    @Test("files of others in the folder are left alone")
    func foreign() async throws {
        let other = try folder.make("daemon") + "/notes.txt"
        try "mine".write(toFile: other, atomically: false, encoding: .utf8)
        let store = try open(.keeping(ByteSize(bytes: 1)))
        for _ in 0..<5 { store.append(.daemon, line(String(repeating: "x", count: 70_000))) }
        await store.close()
        #expect(try String(contentsOfFile: other, encoding: .utf8) == "mine")
    }

    @Test("a folder that cannot be made is an error that names it")
    func unwritable() throws {
        try "".write(toFile: folder.path + "/file", atomically: false, encoding: .utf8)
        do {
            _ = try open(directory: folder.path + "/file/logs")
            Issue.record("opened logs inside a file")
        } catch {
            #expect("\(error)".contains(folder.path + "/file/logs"))
        }
    }

    @Test("after closing, appends are counted as dropped and harm nobody")
    func closed() async throws {
        let store = try open()
        store.append(.daemon, line("kept"))
        await store.close()
        store.append(.daemon, line("late"))
        #expect(await store.flush())
        await store.close()
        #expect(store.statistics().droppedRecords == 1)
        #expect(try content(folder.path, .daemon) == "kept\n")
    }

    @Test("a loss is counted and said in the log itself")
    func saysLoss() throws {
        let (clock, events) = (clock, events)
        let core = try LogStoreCore(
            directory: folder.path, spec: .keeping(), now: { clock.now }, event: { events.add($0) })
        let text = String(repeating: "x", count: 1023)
        for _ in 0..<9000 { _ = core.append(.access, line(text)) }
        #expect(core.statistics().droppedRecords == 9000 - 8192)
        #expect(core.drain())
        let lines = try content(folder.path, .access).split(separator: "\n")
        #expect(lines.count == 8193)
        #expect(lines.last?.hasPrefix(#"{"time":"\#(clock.now)","level":"warning","dropped":808,"#) == true)
        #expect(core.drain())
        #expect(try content(folder.path, .access).split(separator: "\n").count == 8193)
    }

    @Test("many threads may append at once, and each one's records keep their order")
    func concurrent() async throws {
        let store = try open(.keeping(.mebibytes(2)))
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for index in 0..<500 { store.append(.access, line("\(task) \(index)")) }
                }
            }
        }
        #expect(await store.flush())
        let lines = try content(folder.path, .access).split(separator: "\n")
        for task in 0..<8 {
            #expect(lines.filter { $0.hasPrefix("\(task) ") } == (0..<500).map { "\(task) \($0)" }.map { $0[...] })
        }
    }
}
