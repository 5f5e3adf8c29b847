import AloftJournal
import AloftLogs
import AloftModel
import AloftTestKit
import Synchronization
import Testing

@testable import AloftDaemon

@Suite("Events")
struct EventHubTests {
    /// A hub with a real journal in a folder of its own.
    private final class Rig: Sendable {
        let queue = EventQueue()
        let journal: Journal
        let hub: EventHub

        init(_ directory: String) throws {
            journal = try Journal(path: directory + "/journal.sqlite")
            let spec = LogSpec(retention: .seconds(3600), maxSize: .mebibytes(8), level: .debug, access: Percent(100))
            let store = try LogStore(
                directory: directory + "/logs", spec: spec, now: { .now }, event: { _ in })
            let log = DaemonLog(store: store, level: .debug, writesToStandardError: false)
            hub = EventHub(queue: queue, journal: journal, log: log) { _ in }
        }
    }

    /// Subjects that a follower was given.
    private final class Seen: Sendable {
        private let names = Mutex<[String]>([])

        var all: [String] { names.withLock { $0 } }

        func add(_ event: Event) { names.withLock { $0.append(event.subject) } }
    }

    private func publish(_ queue: EventQueue, _ names: [String]) {
        for name in names { queue.publish(.notice, "test.happened", name, "it did") }
    }

    @Test("what was published before the end is in the journal, in order")
    func journalled() async throws {
        try await withFixture { fixture in
            let rig = try Rig(try fixture.directory())
            let names = (1...700).map { "s-\($0)" }
            publish(rig.queue, names)
            rig.queue.finish()
            await rig.hub.run()
            #expect(try await rig.journal.events().map(\.event.subject) == names)
            #expect(rig.hub.lost == 0)
        }
    }

    @Test("a follower sees past and future once each, and ends with the daemon")
    func followed() async throws {
        try await withFixture { fixture in
            let directory = try fixture.directory()
            let rig = try Rig(directory)
            publish(rig.queue, ["past-1", "past-2"])
            let records = Records(journal: rig.journal, hub: rig.hub, reader: LogReader(directory: directory + "/logs"))
            let seen = Seen()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await rig.hub.run() }
                group.addTask {
                    let history = EventHistory(since: nil, subject: nil, severity: .notice, limit: 10)
                    try await records.stream(history, follow: true) { seen.add($0) }
                }
                try await eventually("the past is seen") { seen.all.count == 2 }
                publish(rig.queue, ["future-1"])
                try await eventually("the future is seen") { seen.all.count == 3 }
                publish(rig.queue, ["future-2"])
                try await eventually("more of it is seen") { seen.all.count == 4 }
                rig.queue.finish()
                try await group.waitForAll()
            }
            #expect(seen.all == ["past-1", "past-2", "future-1", "future-2"])
        }
    }

    @Test("a limit of none gives only what comes")
    func onlyTheFuture() async throws {
        try await withFixture { fixture in
            let directory = try fixture.directory()
            let rig = try Rig(directory)
            try await rig.journal.record(
                Event(time: .now, severity: .notice, kind: "test.happened", subject: "past", message: ""))
            let records = Records(journal: rig.journal, hub: rig.hub, reader: LogReader(directory: directory + "/logs"))
            let seen = Seen()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await rig.hub.run() }
                group.addTask {
                    let history = EventHistory(since: nil, subject: nil, severity: .notice, limit: 0)
                    try await records.stream(history, follow: true) { seen.add($0) }
                }
                try await eventually("something new is seen") {
                    publish(rig.queue, ["future"])
                    return !seen.all.isEmpty
                }
                rig.queue.finish()
                try await group.waitForAll()
            }
            #expect(seen.all.allSatisfy { $0 == "future" })
        }
    }

    @Test("more events than fit are counted, not kept")
    func bounded() {
        let queue = EventQueue()
        publish(queue, (0..<EventQueue.limit + 7).map { "s-\($0)" })
        #expect(queue.dropped == 7)
        #expect(queue.take(.max).count == EventQueue.limit)
    }

    @Test("the journal's failure loses events, not the daemon")
    func closedJournal() async throws {
        try await withFixture { fixture in
            let rig = try Rig(try fixture.directory())
            try rig.journal.close()
            publish(rig.queue, ["a", "b"])
            rig.queue.finish()
            await rig.hub.run()
            #expect(rig.hub.lost == 2)
        }
    }
}
