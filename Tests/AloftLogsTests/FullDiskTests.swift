import AloftModel
import AloftSystem
import Foundation
import Testing

@testable import AloftLogs

@Suite("Logs on a full disk", .enabled(if: geteuid() == 0, "mounting a small file system takes root"))
struct FullDiskTests {
    let folder = TemporaryFolder()
    let clock = HandClock()
    let events = EventList()

    private func open(_ disk: SmallDisk) throws -> LogStore {
        let (clock, events) = (clock, events)
        return try LogStore(
            directory: disk.path + "/logs", spec: .keeping(.mebibytes(512)), now: { clock.now },
            event: { events.add($0) })
    }

    private func filler(_ disk: SmallDisk) -> String { disk.path + "/filler" }

    @Test("records wait, then are dropped and counted; what fits later goes on where the writing stopped")
    func storeRecovers() async throws {
        let disk = try SmallDisk(at: folder.path + "/disk", size: "2m")
        let store = try open(disk)
        store.append(.access, line("first"))
        #expect(store.write())
        try Data(repeating: 0, count: 1_000_000).write(to: URL(fileURLWithPath: filler(disk)))

        let text = String(repeating: "x", count: 1023)
        let sent = 12_000
        for _ in 0..<sent { store.append(.access, line(text)) }
        #expect(!store.write())
        #expect(!store.write())
        #expect(events.kinds == ["logs.failing"])
        #expect(events.all[0].message.contains("No space left on device"))
        let dropped = Int(store.statistics().droppedRecords)
        // The queue holds 8191 of them, and a megabyte was written before the disk was full.
        #expect((sent - 8191 - 1100...sent - 8191).contains(dropped))
        #expect(store.statistics().writeErrors >= 2)

        // Still too small for all of it: more is written, from the very byte where it stopped.
        try FileManager.default.removeItem(atPath: filler(disk))
        #expect(!store.write())
        #expect(events.kinds == ["logs.failing"])
        let segments = try segmentNames(disk.path + "/logs", .access)
        #expect(segments.count == 1)
        let whole = try content(disk.path + "/logs", .access).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(whole[0] == "first")
        #expect(whole.dropFirst().dropLast().allSatisfy { $0 == text })
        #expect(text.hasPrefix(whole.last ?? "?"))
        await store.close()
    }

    @Test("a short shortage loses nothing, and its end is told once")
    func shortShortage() async throws {
        let disk = try SmallDisk(at: folder.path + "/disk", size: "2m")
        let store = try open(disk)
        try Data(repeating: 0, count: 1_900_000).write(to: URL(fileURLWithPath: filler(disk)))
        let lines = (0..<400).map { "\($0) " + String(repeating: "y", count: 1000) }
        for text in lines { store.append(.daemon, line(text)) }
        #expect(!store.write())
        try FileManager.default.removeItem(atPath: filler(disk))
        #expect(store.write())
        #expect(events.kinds == ["logs.failing", "logs.recovered"])
        #expect(try content(disk.path + "/logs", .daemon) == lines.map { $0 + "\n" }.joined())
        await store.close()
    }

    @Test("a replica's output waits in its file while the log cannot be written, and none of it is lost")
    func spoolWaits() async throws {
        let disk = try SmallDisk(at: folder.path + "/disk", size: "1m")
        let store = try open(disk)
        let run = try folder.make("run")
        let replica = ReplicaID(service: "web", index: 1, generation: 1)
        let table = SpoolTable(store: store, wall: { [clock] in clock.now }, report: { _, _ in })
        let lines = (0..<2000).map { "\($0) " + String(repeating: "z", count: 200) }
        try lines.map { $0 + "\n" }.joined().write(toFile: run + "/stdout", atomically: false, encoding: .utf8)
        try Data(repeating: 0, count: 1_000_000).write(to: URL(fileURLWithPath: filler(disk)))
        table.attach(
            replica, [(.stdout, try SpoolFile(replica: replica, output: .stdout, directory: run))], now: .seconds(0))
        #expect(table.round(now: .seconds(0)) == .seconds(1))
        #expect(!table.isDrained)
        let offset = try String(contentsOfFile: run + "/stdout.offset", encoding: .utf8)
        #expect(offset.isEmpty)
        try FileManager.default.removeItem(atPath: filler(disk))
        _ = table.round(now: .seconds(1))
        #expect(table.isDrained)
        let kept = try content(disk.path + "/logs", .application).split(separator: "\n")
        #expect(kept.count == lines.count)
        #expect(zip(kept, lines).allSatisfy { $0.contains("\"line\":\"\($1)\"") })
        await store.close()
    }

    /// Less and more than what waits in memory at most, 8 MiB.
    @Test(
        "unread output that fills the disk of the log is given up, counted and told, and the newest of it is kept",
        arguments: ["6m", "24m"])
    func spoolFillsTheDisk(size: String) async throws {
        let disk = try SmallDisk(at: folder.path + "/disk", size: size)
        let store = try open(disk)
        let run = disk.path + "/run"
        try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
        let replica = ReplicaID(service: "web", index: 1, generation: 1)
        let table = SpoolTable(store: store, wall: { [clock] in clock.now }, report: { _, _ in })
        try Data().write(to: URL(fileURLWithPath: run + "/stdout"))
        let output = try #require(FileHandle(forWritingAtPath: run + "/stdout"))
        // As an app does that prints without end: until nothing more goes in.
        let line = Data((String(repeating: "z", count: 1023) + "\n").utf8)
        while (try? output.write(contentsOf: line)) != nil {}
        let printed = try output.offset()
        #expect(printed > 5_000_000)
        table.attach(
            replica, [(.stdout, try SpoolFile(replica: replica, output: .stdout, directory: run))], now: .seconds(0))
        for second in 0..<60 where !table.isDrained { _ = table.round(now: .seconds(Double(second))) }
        #expect(table.isDrained)
        let dropped = Int(table.statistics.droppedBytes)
        #expect(dropped > 0 && dropped < Int(printed))
        #expect(try OwnProcess.diskSpace(at: run).free > 1_000_000, "requests for room are met again")
        let kept = try content(disk.path + "/logs", .application)
        #expect(kept.contains("\(dropped) bytes of output were given up here"))
        #expect(kept.split(separator: "\n").last?.contains("zzz") == true, "the newest is kept")
        await store.close()
    }

    @Test("what a reader gave up and had no time to note is noted by the next one, and is not read as zeros")
    func holes() throws {
        let run = try folder.make("holes")
        let replica = ReplicaID(service: "web", index: 1, generation: 1)
        let text = (0..<4096).map { "line \($0) " + String(repeating: "q", count: 500) + "\n" }.joined()
        try text.write(toFile: run + "/stdout", atomically: false, encoding: .utf8)
        var killed = try SpoolFile(replica: replica, output: .stdout, directory: run)
        _ = try killed.turn(wall: clock.now, now: .seconds(0), isFinishing: false)
        try killed.commit(killed.consumed / 3, isIdle: true)
        try killed.relieve()

        var file = try SpoolFile(replica: replica, output: .stdout, directory: run)
        var (records, dropped, hasMore) = ([UInt8](), 0, true)
        while hasMore {
            let turn = try file.turn(wall: clock.now, now: .seconds(1), isFinishing: true)
            records += turn.records
            dropped += turn.droppedBytes
            hasMore = turn.hasMore
        }
        let log = String(decoding: records, as: UTF8.self)
        #expect(dropped > 500_000 && dropped < text.utf8.count)
        #expect(log.contains("\(dropped) bytes of output were given up here"))
        #expect(!log.contains("\\u0000") && !log.contains("\0"))
        #expect(log.contains("line 4095 "))
    }
}
