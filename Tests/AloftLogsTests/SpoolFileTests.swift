import AloftModel
import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftLogs

@Suite("Spools")
struct SpoolTests {
    let folder = TemporaryFolder()
    let clock = HandClock()
    let lastLines = LineList()

    private func replica(_ index: Int = 1, generation: Int = 1) -> ReplicaID {
        ReplicaID(service: "web", index: index, generation: generation)
    }

    private func store() throws -> LogStore {
        let clock = clock
        return try LogStore(
            directory: folder.path + "/logs", spec: .keeping(), now: { clock.now },
            event: { Issue.record("unexpected \($0)") })
    }

    private func table(_ store: LogStore) -> SpoolTable {
        let (clock, lastLines) = (clock, lastLines)
        return SpoolTable(store: store, wall: { clock.now }, report: { lastLines.add($0.name, $1) })
    }

    private func attach(_ table: SpoolTable, _ replica: ReplicaID, at time: Double = 0) throws -> String {
        let directory = try folder.make("run/\(replica.name)")
        let files = try LogQuery.Output.allCases.map { output in
            (output: output, file: try SpoolFile(replica: replica, output: output, directory: directory))
        }
        table.attach(replica, files, now: .seconds(time))
        return directory
    }

    private func write(_ text: String, to path: String) throws {
        try write(Array(text.utf8), to: path)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        try Descriptor(opening: path, O_WRONLY | O_CREAT | O_APPEND).write(bytes)
    }

    private func records() throws -> [[String: Any]] {
        try content(folder.path + "/logs", .application).split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    private func lines() throws -> [String] { try records().map { $0["line"] as? String ?? "?" } }

    private func offset(_ path: String) throws -> Int? {
        Int(try String(contentsOfFile: path + ".offset", encoding: .utf8).prefix(20))
    }

    private func blocks(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : -1
    }

    @Test("a line becomes a record with service, replica, stream and time; a JSON object is put in as one")
    func records_() throws {
        let table = table(try store())
        let run = try attach(table, replica(2))
        try write("plain \"text\" \u{1B}[0m\n", to: run + "/stdout")
        try write(#"{"level":"info","n":[1,2]}"# + "\n{broken}\n\n", to: run + "/stderr")
        _ = table.round(now: .seconds(0))
        #expect(
            try content(folder.path + "/logs", .application).split(separator: "\n").sorted() == [
                #"{"time":"\#(clock.now)","service":"web","replica":"web-2","stream":"stderr","json":{"level":"info","n":[1,2]}}"#,
                #"{"time":"\#(clock.now)","service":"web","replica":"web-2","stream":"stderr","line":""}"#,
                #"{"time":"\#(clock.now)","service":"web","replica":"web-2","stream":"stderr","line":"{broken}"}"#,
                #"{"time":"\#(clock.now)","service":"web","replica":"web-2","stream":"stdout","line":"plain \"text\" \u001b[0m"}"#,
            ])
        #expect(try offset(run + "/stdout") == 18)
        #expect(table.statistics.lines == 4)
    }

    @Test("a JSON object with bytes that are not UTF-8 is text")
    func brokenJSON() throws {
        let table = table(try store())
        let run = try attach(table, replica())
        try write(Array(#"{"a":""#.utf8) + [0xFF] + Array("\"}\n".utf8), to: run + "/stdout")
        _ = table.round(now: .seconds(0))
        #expect(try lines() == ["{\"a\":\"\u{FFFD}\"}"])
    }

    @Test("an unfinished line waits a second, is then given out marked, and its end follows")
    func partial() throws {
        let table = table(try store())
        let run = try attach(table, replica())
        try write("done\nwaiting", to: run + "/stdout")
        #expect(table.round(now: .seconds(0)) == .seconds(1))
        #expect(try lines() == ["done"])
        #expect(try offset(run + "/stdout") == 5)
        _ = table.round(now: .seconds(0.9))
        #expect(try lines() == ["done"])
        _ = table.round(now: .seconds(1))
        #expect(try lines() == ["done", "waiting"])
        #expect(try records()[1]["partial"] as? Bool == true)
        try write(" over\n", to: run + "/stdout")
        table.noteChanges()
        _ = table.round(now: .seconds(2))
        #expect(try lines() == ["done", "waiting", " over"])
        #expect(try records()[2]["partial"] == nil)
    }

    @Test("at the replica's end everything is read, also a last line without newline, and the files are empty")
    func finish() throws {
        let table = table(try store())
        let run = try attach(table, replica())
        let text = (0..<50_000).map { "line \($0)\n" }.joined() + "last words"
        try write(text, to: run + "/stdout")
        try write("oops", to: run + "/stderr")
        table.finish(replica(), now: .seconds(0))
        var rounds = 0
        while table.contains(replica()), rounds < 100 {
            _ = table.round(now: .seconds(0))
            rounds += 1
        }
        #expect(rounds < 100)
        let lines = try lines()
        #expect(lines.count == 50_002)
        #expect(lines.filter { $0 != "oops" } == text.split(separator: "\n").map(String.init))
        #expect(lastLines["web-1"]?.last == "last words")
        #expect(blocks(run + "/stdout") == 0)
        #expect(!FileManager.default.fileExists(atPath: run + "/stdout.offset"))
    }

    @Test("a reader that was killed is followed by one that repeats at most what was not committed, and loses nothing")
    func adoption() throws {
        let store = try store()
        let first = table(store)
        let run = try attach(first, replica())
        try write("one\ntwo\nhalf", to: run + "/stdout")
        _ = first.round(now: .seconds(0))
        try write("way\nthree\n", to: run + "/stdout")
        let second = table(store)
        _ = try attach(second, replica())
        _ = second.round(now: .seconds(0))
        #expect(try lines() == ["one", "two", "halfway", "three"])
    }

    @Test("a file that another has taken the place of is read from its start")
    func replaced() throws {
        let store = try store()
        let first = table(store)
        let run = try attach(first, replica())
        try write("old one\nold two\n", to: run + "/stdout")
        _ = first.round(now: .seconds(0))
        // Beside the old one, so that it cannot get its inode.
        try write("new one, longer than the old\n", to: run + "/new")
        #expect(rename(run + "/new", run + "/stdout") == 0)
        let second = table(store)
        _ = try attach(second, replica(generation: 2))
        _ = second.round(now: .seconds(0))
        #expect(try lines() == ["old one", "old two", "new one, longer than the old"])
    }

    @Test("a file that was cut off is read from its start")
    func truncated() throws {
        let table = table(try store())
        let run = try attach(table, replica())
        try write("one\ntwo\n", to: run + "/stdout")
        _ = table.round(now: .seconds(0))
        #expect(truncate(run + "/stdout", 0) == 0)
        try write("new\n", to: run + "/stdout")
        table.markAll()
        _ = table.round(now: .seconds(1))
        #expect(try lines() == ["one", "two", "new"])
        #expect(try offset(run + "/stdout") == 4)
    }

    @Test("an illegible sidecar is passed over", arguments: ["", "garbage", "00000000000000000008 x\n", "-1 2\n"])
    func sidecar(text: String) throws {
        let run = try folder.make("run/web-1")
        try write("one\ntwo\n", to: run + "/stdout")
        try write(text, to: run + "/stdout.offset")
        let table = table(try store())
        _ = try attach(table, replica())
        _ = table.round(now: .seconds(0))
        #expect(try lines() == ["one", "two"])
        #expect(try offset(run + "/stdout") == 8)
    }

    @Test("blocks that were read are given back, and a lost sidecar does not bring back their zeros")
    func punches() throws {
        let store = try store()
        let first = table(store)
        let run = try attach(first, replica())
        let text = String(repeating: String(repeating: "x", count: 99) + "\n", count: 40_000)
        try write(text, to: run + "/stdout")
        while !first.isDrained { _ = first.round(now: .seconds(0)) }
        var status = stat()
        #expect(stat(run + "/stdout", &status) == 0 && status.st_size == 4_000_000)
        #expect(blocks(run + "/stdout") <= 8192)
        try FileManager.default.removeItem(atPath: run + "/stdout.offset")
        try write("after\n", to: run + "/stdout")
        let second = table(store)
        _ = try attach(second, replica())
        _ = second.round(now: .seconds(0))
        let lines = try lines()
        #expect(lines.last == "after")
        #expect(lines.count < 40_000 + 100)
        #expect(!lines.contains { $0.contains("\0") })
    }

    @Test("more than 256 MiB unread is given up down to half, and a record says how much")
    func backlog() throws {
        let table = table(try store())
        let run = try attach(table, replica())
        // A hole in front: as large as asked for, and no bytes on the disk.
        #expect(truncate(run + "/stdout", SpoolFile.backlogLimit + 1) == 0)
        let half = SpoolFile.backlogLimit / 2
        try write("tail\n", to: run + "/stdout")
        _ = table.round(now: .seconds(0))
        let expected = SpoolFile.backlogLimit + 6 - half
        #expect(table.statistics.droppedBytes == UInt64(expected))
        #expect(try records().first?["dropped"] as? Int == expected)
    }

    @Test("a flood of one replica takes turns with the others")
    func fair() throws {
        let table = table(try store())
        let flood = try attach(table, replica(1))
        let quiet = try attach(table, replica(2))
        try write(String(repeating: "flood flood flood\n", count: 200_000), to: flood + "/stdout")
        try write("quiet\n", to: quiet + "/stdout")
        #expect(table.round(now: .seconds(0)) == .seconds(0))
        #expect(lastLines["web-2"] == ["quiet"])
        #expect(table.statistics.lines < 20_000)
        while !table.isDrained { _ = table.round(now: .seconds(0)) }
        #expect(table.statistics.lines == 200_001)
        #expect(try lines().count == 200_001)
    }

    @Test("the last twenty lines are kept, each cut at 1 KiB")
    func lastTwenty() throws {
        let table = table(try store())
        let run = try attach(table, replica())
        try write(
            (0..<5000).map { "\($0)\n" }.joined() + String(repeating: "w", count: 5000) + "\n", to: run + "/stdout")
        _ = table.round(now: .seconds(0))
        let lines = lastLines["web-1"] ?? []
        #expect(lines.count == 20)
        #expect(lines.prefix(19) == (4981..<5000).map { "\($0)" }[...])
        #expect(lines.last?.count == 1024)
    }

    @Test("what a random writer wrote is what the log holds, in order, whatever the pieces")
    func random() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SplitMix(seed: seed)
        let store = try store()
        var table = table(store)
        var run = try attach(table, replica())
        var expected: [String] = []
        var time = 0.0
        for index in 0..<60 {
            let long = Int.random(in: 0..<12, using: &generator) == 0
            let length = Int.random(in: 0...(long ? 40_000 : 300), using: &generator)
            let text = "\(index) " + String(repeating: "é", count: length)
            expected.append(text)
            let bytes = Array((text + "\n").utf8)
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            for piece in [bytes[..<cut], bytes[cut...]] {
                try write(Array(piece), to: run + "/stdout")
                if Bool.random(using: &generator) {
                    table.markAll()
                    // Steps of less than a second, so that no line is given out in parts for its age.
                    time += 0.2
                    _ = table.round(now: .seconds(time))
                }
            }
            if Int.random(in: 0..<10, using: &generator) == 0 {
                table = self.table(store)
                run = try attach(table, replica(), at: time)
            }
        }
        table.finish(replica(), now: .seconds(time))
        while table.contains(replica()) { _ = table.round(now: .seconds(time)) }
        var joined: [String] = []
        var isPartial = false
        for record in try records() {
            let text = record["line"] as? String ?? "?"
            if isPartial { joined[joined.count - 1] += text } else { joined.append(text) }
            isPartial = record["partial"] as? Bool ?? false
        }
        #expect(joined == expected, "seed \(seed)")
    }
}

/// The newest lines by replica, as the table reports them.
final class LineList {
    private var lines: [String: [String]] = [:]

    subscript(replica: String) -> [String]? { lines[replica] }

    func add(_ replica: String, _ newest: [String]) { lines[replica] = (lines[replica] ?? []) + newest }
}
