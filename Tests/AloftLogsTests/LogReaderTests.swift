import AloftModel
import Foundation
import Testing

@testable import AloftLogs

@Suite("LogReader")
struct LogReaderTests {
    let folder = TemporaryFolder()
    let clock = HandClock()

    private func open(_ spec: LogSpec = .keeping()) throws -> LogStore {
        let clock = clock
        return try LogStore(
            directory: folder.path, spec: spec, now: { clock.now }, event: { Issue.record("unexpected \($0)") })
    }

    private func read(_ query: LogQuery) async throws -> [String] {
        var messages: [String] = []
        for try await record in LogReader(directory: folder.path).records(query) {
            let object = try JSONSerialization.jsonObject(with: Data(record.line)) as? [String: Any]
            messages.append(object?["message"] as? String ?? "?")
        }
        return messages
    }

    private let all = Set(LogStream.allCases)

    @Test("an empty or missing folder has no records")
    func empty() async throws {
        #expect(try await read(LogQuery(streams: all)) == [])
        #expect(try await read(LogQuery(streams: all, tail: 5)) == [])
        _ = try open()
        #expect(try await read(LogQuery(streams: all)) == [])
        #expect(try await read(LogQuery(streams: all, tail: 5)) == [])
    }

    @Test("streams are put together by time, and across rotations")
    func merges() async throws {
        let store = try open(.keeping(.kibibytes(512)))
        var expected: [String] = []
        for index in 0..<600 {
            let stream = LogStream.allCases[index * 7 % 3]
            let message = "\(index)-" + String(repeating: "x", count: index % 900)
            expected.append(message)
            store.append(stream, record(clock.now, message))
            clock.advance(.milliseconds(10))
        }
        await store.close()
        #expect(try segmentNames(folder.path, .application).count > 1)
        #expect(try await read(LogQuery(streams: all)) == expected)
        for count in [0, 1, 7, 250, 599, 600, 601, 1_000_000] {
            #expect(try await read(LogQuery(streams: all, tail: count)) == expected.suffix(count))
        }
        #expect(try await read(LogQuery(streams: all, tail: -3)) == [])
        let since = clock.now + .milliseconds(-1000)
        #expect(try await read(LogQuery(streams: all, since: since)) == expected.suffix(100))
        #expect(try await read(LogQuery(streams: all, since: since, tail: 5)) == expected.suffix(5))
        #expect(try await read(LogQuery(streams: all, since: since, tail: 500)) == expected.suffix(100))
        #expect(try await read(LogQuery(streams: all, since: clock.now)) == [])
    }

    @Test("service, replica and output are conditions that hold together")
    func filters() async throws {
        let store = try open()
        for (replica, output) in [("web-1", "stdout"), ("web-2", "stderr"), ("api-1", "stdout"), ("web-1", "stderr")] {
            store.append(
                .application,
                line(
                    #"{"time":"\#(clock.now)","service":"\#(replica.dropLast(2))","replica":"\#(replica)","stream":"\#(output)","message":"\#(replica) \#(output)"}"#
                ))
            clock.advance(.seconds(1))
        }
        store.append(.daemon, record(clock.now, "daemon"))
        store.append(.access, record(clock.now + .seconds(1), "GET", service: "web"))
        await store.close()
        #expect(try await read(LogQuery(service: "web")) == ["web-1 stdout", "web-2 stderr", "web-1 stderr"])
        #expect(try await read(LogQuery(replica: "web-1", output: .stderr)) == ["web-1 stderr"])
        #expect(try await read(LogQuery(service: "api", replica: "web-1")) == [])
        #expect(
            try await read(LogQuery(streams: all, service: "web", tail: 3)) == ["web-2 stderr", "web-1 stderr", "GET"])
        #expect(try await read(LogQuery(service: "web", tail: 1)) == ["web-1 stderr"])
    }

    @Test("following shows what there is, then what comes, across rotations, each record once")
    func follows() async throws {
        let store = try open(.keeping(.kibibytes(512)))
        for index in 0..<10 { store.append(.daemon, record(clock.now, "\(index)")) }
        store.write()
        var all = LogReader(directory: folder.path).records(LogQuery(streams: [.daemon]), follow: true)
            .makeAsyncIterator()
        var tail = LogReader(directory: folder.path).records(LogQuery(streams: [.daemon], tail: 3), follow: true)
            .makeAsyncIterator()
        func message(_ record: LogRecord?) throws -> String {
            let object = try JSONSerialization.jsonObject(with: Data(try #require(record).line)) as? [String: Any]
            return String((object?["message"] as? String ?? "?").prefix { $0 != " " })
        }
        for index in 0..<10 { #expect(try message(try await all.next()) == "\(index)") }
        for index in 7..<10 { #expect(try message(try await tail.next()) == "\(index)") }
        for index in 10..<400 {
            store.append(.daemon, record(clock.now, "\(index) " + String(repeating: "y", count: 700)))
            if index % 3 == 0 { store.write() }
            if index % 50 == 49 {
                store.write()
                for seen in (index - 49 < 10 ? 10 : index - 49)...index {
                    #expect(try message(try await all.next()) == "\(seen)")
                    #expect(try message(try await tail.next()) == "\(seen)")
                }
            }
        }
        #expect(try segmentNames(folder.path, .daemon).count > 1)
        await store.close()
    }

    @Test("following begins before there is anything, and ends when its task is cancelled")
    func cancels() async throws {
        let reader = LogReader(directory: folder.path)
        let (lines, continuation) = AsyncStream<Int>.makeStream()
        let task = Task {
            var count = 0
            for try await _ in reader.records(LogQuery(streams: [.access]), follow: true) {
                count += 1
                continuation.yield(count)
            }
            return count
        }
        let store = try open()
        store.append(.access, record(clock.now, "x"))
        var seen = lines.makeAsyncIterator()
        #expect(await seen.next() == 1)
        task.cancel()
        #expect(try await task.value == 1)
        await store.close()
    }

    @Test("lines that are torn, empty, foreign or without time do not stop the reading")
    func damaged() async throws {
        let store = try open()
        store.append(.daemon, record(clock.now, "a"))
        await store.close()
        let name = try segmentNames(folder.path, .daemon)[0]
        let path = folder.path + "/daemon/" + name
        let bytes =
            record(.seconds(10), "a") + line("") + line("no json") + line("{\"time\":\"yesterday\"}")
            + [0, 0, 0, 0x0A, 0xFF, 0x0A] + record(.seconds(20), "b") + Array("{\"time\":\"20".utf8)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        func raw(_ query: LogQuery) async throws -> [String] {
            var texts: [String] = []
            for try await record in LogReader(directory: folder.path).records(query) {
                texts.append(record.time.map { "\($0.nanoseconds / 1_000_000_000)" } ?? "-")
            }
            return texts
        }
        #expect(try await raw(LogQuery(streams: [.daemon])) == ["10", "-", "-", "-", "-", "20"])
        #expect(try await raw(LogQuery(streams: [.daemon], tail: 100)) == ["10", "-", "-", "-", "-", "20"])
        #expect(try await raw(LogQuery(streams: [.daemon], since: .seconds(15))) == ["20"])
    }

    @Test("a line without end is passed over, in both directions")
    func endless() async throws {
        let folder = try folder.make("daemon")
        let bytes =
            record(.seconds(1), "a") + [UInt8](repeating: 0x78, count: 5 << 20) + [0x0A] + record(.seconds(2), "b")
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + Segment(number: 1, start: .seconds(1)).name))
        #expect(try await read(LogQuery(streams: [.daemon])) == ["a", "b"])
        #expect(try await read(LogQuery(streams: [.daemon], tail: 10)) == ["a", "b"])
    }

    @Test("a segment that retention removes while it is read is read to its end, and the next ones follow")
    func removed() async throws {
        let store = try open(.keeping(.kibibytes(512)))
        for index in 0..<500 {
            store.append(.daemon, record(clock.now, "\(index) " + String(repeating: "z", count: 600)))
        }
        await store.close()
        let names = try segmentNames(folder.path, .daemon)
        #expect(names.count >= 4)
        var records = LogReader(directory: folder.path).records(LogQuery(streams: [.daemon])).makeAsyncIterator()
        _ = try await records.next()
        for name in names.prefix(2) { try FileManager.default.removeItem(atPath: folder.path + "/daemon/" + name) }
        var count = 1
        while try await records.next() != nil { count += 1 }
        let perSegment = try content(folder.path, .daemon).split(separator: "\n").count
        #expect(count > perSegment && count < 500)
    }
}
