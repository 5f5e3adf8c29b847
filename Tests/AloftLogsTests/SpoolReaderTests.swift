import AloftModel
import AloftSystem
import Foundation
import Testing

@testable import AloftLogs

/// With the real thread, inotify and real processes.
@Suite("SpoolReader", .timeLimit(.minutes(2)))
struct SpoolReaderTests {
    let folder = TemporaryFolder()

    private func replica(_ index: Int, generation: Int = 1) -> ReplicaID {
        ReplicaID(service: "web", index: index, generation: generation)
    }

    private func store() throws -> LogStore {
        try LogStore(
            directory: folder.path + "/logs", spec: .keeping(), now: { .seconds(Int64(Date().timeIntervalSince1970)) },
            event: { Issue.record("unexpected \($0)") })
    }

    private func reader(_ store: LogStore) throws -> SpoolReader {
        let reader = SpoolReader(store: store, now: { .seconds(Int64(Date().timeIntervalSince1970)) })
        try reader.start()
        return reader
    }

    /// A shell whose output goes where a replica's does.
    private func shell(_ script: String, _ run: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec >>'\(run)/stdout' 2>>'\(run)/stderr'\n" + script]
        try process.run()
        return process
    }

    private func texts() throws -> [String] {
        try content(folder.path + "/logs", .application).split(separator: "\n").map { line in
            let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return record?["line"] as? String ?? "?"
        }
    }

    @Test("a follower sees a line soon after a process printed it, and finish leaves none behind")
    func follows() async throws {
        let store = try store()
        let reader = try reader(store)
        let run = try folder.make("run/web-1")
        try reader.attach(replica(1), directory: run)
        let process = try shell("echo ready; read x; for i in $(seq 3000); do echo $i; done; printf end", run)
        var records = LogReader(directory: folder.path + "/logs").records(LogQuery(replica: "web-1"), follow: true)
            .makeAsyncIterator()
        let first = try #require(try await records.next())
        #expect(String(decoding: first.line, as: UTF8.self).contains(#""stream":"stdout","line":"ready""#))
        process.waitUntilExit()
        await reader.finish(replica(1))
        #expect(try texts() == ["ready"] + (1...3000).map(String.init) + ["end"])
        #expect(reader.lastLines("web-1") == (2982...3000).map(String.init) + ["end"])
        #expect(reader.statistics().replicas == 0)
        reader.forget("web-1")
        #expect(reader.lastLines("web-1") == [])
        await reader.stop()
        await store.close()
    }

    @Test("two hundred quiet replicas and a busy one: each line arrives once, in order")
    func many() async throws {
        let store = try store()
        let reader = try reader(store)
        for index in 1...200 { try reader.attach(replica(index), directory: try folder.make("run/web-\(index)")) }
        let busy = try shell("for i in $(seq 20000); do echo busy $i; done", folder.path + "/run/web-7")
        for index in 1...200 {
            try Descriptor(opening: folder.path + "/run/web-\(index)/stderr", O_WRONLY | O_APPEND).write("hello\n".utf8)
        }
        busy.waitUntilExit()
        for index in 1...200 { await reader.finish(replica(index)) }
        let texts = try texts()
        #expect(texts.filter { $0 == "hello" }.count == 200)
        #expect(texts.filter { $0 != "hello" } == (1...20_000).map { "busy \($0)" })
        await reader.stop()
        await store.close()
    }

    @Test("stop reads what is there, and the next reader goes on after it")
    func restart() async throws {
        let run = try folder.make("run/web-1")
        for round in 0..<5 {
            let store = try store()
            let reader = try reader(store)
            // Printed while no daemon was there, and while one is.
            try Descriptor(opening: run + "/stdout", O_WRONLY | O_CREAT | O_APPEND).write("a\(round)\n".utf8)
            try reader.attach(replica(1), directory: run)
            try Descriptor(opening: run + "/stdout", O_WRONLY | O_APPEND).write("b\(round)\n".utf8)
            await reader.stop()
            await store.close()
        }
        #expect(try texts() == (0..<5).flatMap { ["a\($0)", "b\($0)"] })
    }

    @Test("a next generation of the same name reads on, whether or not the last one was finished")
    func generations() async throws {
        let store = try store()
        let reader = try reader(store)
        let run = try folder.make("run/web-1")
        for generation in 1...6 {
            try reader.attach(replica(1, generation: generation), directory: run)
            try Descriptor(opening: run + "/stdout", O_WRONLY | O_APPEND).write("g\(generation)\n".utf8)
            if generation.isMultiple(of: 2) { await reader.finish(replica(1, generation: generation)) }
        }
        let texts = try texts()
        var seen: Set<String> = []
        #expect(texts.filter { seen.insert($0).inserted } == (1...6).map { "g\($0)" })
        await reader.stop()
        await store.close()
    }

    @Test("generations of one name with folders of their own are read side by side, and each has its last lines")
    func sideBySide() async throws {
        let store = try store()
        let reader = try reader(store)
        let runs = try (1...5).map { try folder.make("run/web-1.\($0)") }
        func write(_ text: String, _ generation: Int) throws {
            try Descriptor(opening: runs[generation - 1] + "/stdout", O_WRONLY | O_APPEND).write(text.utf8)
        }
        try reader.attach(replica(1, generation: 1), directory: runs[0])
        try write("old one\n", 1)
        try reader.attach(replica(1, generation: 2), directory: runs[1])
        try write("new one\n", 2)
        try write("old two\n", 1)
        await reader.finish(replica(1, generation: 1))
        try write("new two\n", 2)
        await reader.finish(replica(1, generation: 2))
        let texts = try texts()
        #expect(texts.filter { $0.hasPrefix("old") } == ["old one", "old two"])
        #expect(texts.filter { $0.hasPrefix("new") } == ["new one", "new two"])
        #expect(reader.lastLines(replica(1, generation: 1)) == ["old one", "old two"])
        #expect(reader.lastLines(replica(1, generation: 2)) == ["new one", "new two"])
        #expect(reader.lastLines("web-1") == ["new one", "new two"])
        for generation in 3...5 {
            try reader.attach(replica(1, generation: generation), directory: runs[generation - 1])
            try write("g\(generation)\n", generation)
            await reader.finish(replica(1, generation: generation))
        }
        #expect(reader.lastLines(replica(1, generation: 2)) == [], "not of all that ever were")
        #expect(reader.lastLines(replica(1, generation: 3)) == ["g3"])
        await reader.stop()
        await store.close()
    }

    @Test("calls before the start and after the end come back")
    func outside() async throws {
        let store = try store()
        let reader = SpoolReader(store: store, now: { .seconds(0) })
        let run = try folder.make("run/web-1")
        try reader.attach(replica(1), directory: run)
        await reader.finish(replica(2))
        try reader.start()
        try Descriptor(opening: run + "/stdout", O_WRONLY | O_APPEND).write("early\n".utf8)
        await reader.finish(replica(1))
        #expect(try texts() == ["early"])
        await reader.stop()
        await reader.stop()
        await reader.finish(replica(1))
        try reader.attach(replica(1), directory: run)
        await store.close()
    }

    @Test("a folder that is not there is an error that names it")
    func missing() async throws {
        let store = try store()
        let reader = try reader(store)
        do {
            try reader.attach(replica(1), directory: folder.path + "/none")
            Issue.record("attached nothing")
        } catch {
            #expect("\(error)".contains(folder.path + "/none/stdout"))
        }
        await reader.stop()
        await store.close()
    }
}
