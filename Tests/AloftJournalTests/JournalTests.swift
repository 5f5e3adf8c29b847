import AloftModel
import Foundation
import GRDB
import Testing

@testable import AloftJournal

@Suite("Journal")
struct JournalTests {
    let folder = TemporaryFolder()

    private var path: String { folder.path + "/journal.sqlite" }

    @Test("what was written is there after closing and opening again")
    func survivesReopening() async throws {
        let record = ReplicaRecord(key: "web-1", json: Array(#"{"pid":7,"name":"é"}"#.utf8), updated: .seconds(5))
        let journal = try Journal(path: path)
        try await journal.saveReplica(record)
        try await journal.setFacts(["plan": "version: 1\n", "replicas/web": "3"])
        try await journal.record(event(1))
        try journal.close()

        let again = try Journal(path: path)
        #expect(try await again.replicas() == [record])
        #expect(try await again.fact("plan") == "version: 1\n")
        #expect(try await again.events().map(\.event) == [event(1)])
    }

    @Test("a replica's record is replaced and removed by its key")
    func replicas() async throws {
        let journal = try Journal(path: path)
        for (key, time) in [("web-2", 1), ("web-1", 2), ("web-2", 3)] {
            try await journal.saveReplica(
                ReplicaRecord(key: key, json: Array("{}".utf8), updated: .seconds(Int64(time))))
        }
        #expect(
            try await journal.replicas().map { "\($0.key) \($0.updated.nanoseconds / 1_000_000_000)" }
                == ["web-1 2", "web-2 3"])
        try await journal.removeReplica("web-2")
        try await journal.removeReplica("never-there")
        #expect(try await journal.replicas().map(\.key) == ["web-1"])
    }

    @Test("facts are set together, found by prefix, and removed with nil")
    func facts() async throws {
        let journal = try Journal(path: path)
        try await journal.setFacts(["replicas/web": "3", "replicas/api": "2", "plan": "x", "re%": "y"])
        #expect(try await journal.facts(prefix: "replicas/") == ["replicas/web": "3", "replicas/api": "2"])
        #expect(try await journal.facts(prefix: "re%") == ["re%": "y"])
        try await journal.setFact("plan", nil)
        #expect(try await journal.fact("plan") == nil)
        #expect(try await journal.facts().count == 3)
    }

    @Test("events are found by time, severity and subject, newest first to be chosen, oldest first to be shown")
    func eventQueries() async throws {
        let journal = try Journal(path: path)
        let subjects = ["web", "web-1", "web-12", "web-admin", "web-admin-1", "edge", "web-1x", "web-"]
        try await journal.record(
            subjects.enumerated().map {
                event(Int64($0), subject: $1, severity: $0.isMultiple(of: 2) ? .notice : .error)
            })
        func subjectsFound(_ query: EventQuery) async throws -> [String] {
            try await journal.events(query).map(\.event.subject)
        }
        #expect(try await subjectsFound(EventQuery(subject: "web")) == ["web", "web-1", "web-12"])
        #expect(try await subjectsFound(EventQuery(subject: "web-1")) == ["web-1"])
        #expect(try await subjectsFound(EventQuery(since: .seconds(6))) == ["web-1x", "web-"])
        #expect(try await subjectsFound(EventQuery(severity: .warning)) == ["web-1", "web-admin", "edge", "web-"])
        #expect(try await subjectsFound(EventQuery(limit: 2)) == ["web-1x", "web-"])
        #expect(try await subjectsFound(EventQuery(limit: -1)) == [])
        #expect(try await subjectsFound(EventQuery(since: .seconds(1), subject: "web", severity: .error)) == ["web-1"])
    }

    @Test("a follower that asks for what comes after the last id misses none, however few it takes at a time")
    func following() async throws {
        let journal = try Journal(path: path)
        try await journal.record((0..<10).map { event($0) })
        var seen: [JournaledEvent] = []
        while true {
            let next = try await journal.events(EventQuery(after: seen.last?.id ?? 0, limit: 3))
            if next.isEmpty { break }
            seen += next
        }
        #expect(seen.map(\.event) == (0..<10).map { event($0) })
    }

    @Test("past the limit the oldest events go, and ids are never used again")
    func bounded() async throws {
        let journal = try Journal(path: path, access: .readWrite, eventLimit: 5)
        for index in 0..<4 { try await journal.record((0..<3).map { event(Int64(index * 3 + $0)) }) }
        let events = try await journal.events()
        #expect(events.map(\.event) == (7..<12).map { event($0) })
        #expect(events.map(\.id) == [8, 9, 10, 11, 12])
    }

    @Test("a write whose task is cancelled is finished all the same")
    func cancellation() async throws {
        let journal = try Journal(path: path)
        let cancelled = Task {
            while !Task.isCancelled { await Task.yield() }
            try await journal.record(event(1))
        }
        cancelled.cancel()
        try await cancelled.value
        #expect(try await journal.events().count == 1)
    }

    @Test("readers see whole transactions while a writer works")
    func concurrentReaders() async throws {
        let journal = try Journal(path: path)
        let reader = try Journal(path: path, access: .readOnly)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<50 { try await journal.record((0..<10).map { event($0) }) }
            }
            group.addTask {
                var last = 0
                while last < 500 {
                    let count = try await reader.events(EventQuery(limit: 1000)).count
                    #expect(count % 10 == 0 && count >= last)
                    last = count
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("a commit is synced before it is acknowledged")
    func synchronousFull() async throws {
        let journal = try Journal(path: path)
        let level = try await journal.write("asking") { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
        let mode = try await journal.read("asking") { try String.fetchOne($0, sql: "PRAGMA journal_mode") }
        #expect(level == 2)
        #expect(mode == "wal")
    }

    @Test("only its owner can read it")
    func mode() throws {
        _ = try Journal(path: path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
}

func event(_ second: Int64, subject: String = "web-1", severity: Event.Severity = .notice) -> Event {
    Event(
        time: .seconds(second), severity: severity, kind: "replica.ready", subject: subject,
        message: "event \(second): \"ready\"")
}

extension Timestamp {
    static func seconds(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }
}

/// A folder of its own for each test, removed at the end.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "aloft-journal-" + UUID().uuidString
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            preconditionFailure("no temporary folder: \(error)")
        }
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind \(path): \(error)") }
    }
}
