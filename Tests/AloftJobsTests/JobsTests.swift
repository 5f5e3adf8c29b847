import AloftModel
import AloftSystem
import AloftTestKit
import Logging
import Synchronization
import Testing

@testable import AloftJobs

@Suite("Jobs that run", .timeLimit(.minutes(1)))
struct JobsTests {
    private func spec(_ cron: String? = "* * * * * UTC", retries: Int = 0) throws -> JobSpec {
        JobSpec(
            name: "digest", service: "api", command: [Template("x")],
            schedule: try cron.map { try Schedule(parsing: $0) },
            retries: retries)
    }

    @Test("runs at its time, writes that down first, and hands on what it prints")
    func byTheClock() async throws {
        let rig = Rig()
        try await rig.running([try spec()]) { jobs in
            try await rig.advance(to: "a run") { rig.runner.began.count == 1 }
            #expect(rig.store.saved("digest")?.runs.map(\.result) == [.running])
            rig.runner.end(1, .exited(0), lines: ["hello"])
            try await eventually("it is over") { await jobs.status()[0].last?.result == .succeeded }
            #expect(rig.printed == ["digest 1 hello"])
            #expect(rig.kinds == ["job.started", "job.finished"])
        }
    }

    @Test("a run that fails is tried again, and people hear of the last attempt only")
    func retries() async throws {
        let rig = Rig()
        try await rig.running([try spec(retries: 1)]) { jobs in
            try await rig.advance(to: "a run") { rig.runner.began.count == 1 }
            rig.runner.end(1, .exited(3))
            try await rig.advance(to: "a second attempt", by: .seconds(5)) { rig.runner.began.count == 2 }
            rig.runner.end(1, .exited(4))
            try await eventually("it is over") { await jobs.status()[0].last?.result == .failed }
            #expect(await jobs.status()[0].last?.detail == "exit code 4, 2 attempts")
            #expect(rig.kinds.filter { $0 == "job.failed" }.count == 1 && rig.kinds.contains("job.retrying"))
        }
    }

    @Test("nothing begins while the journal cannot be written")
    func journalFails() async throws {
        let rig = Rig()
        rig.store.fails(true)
        try await rig.running([try spec(nil)]) { jobs in
            await #expect(throws: JobsError.self) { try await jobs.runNow("digest", by: "ann") }
            #expect(rig.runner.began.isEmpty)
            rig.store.fails(false)
            _ = try await jobs.runNow("digest", by: "ann")
            try await eventually("it runs") { rig.runner.began.count == 1 }
        }
    }

    @Test("who runs it by hand sees what it prints and how it ended; a second run is refused")
    func byHand() async throws {
        let rig = Rig()
        try await rig.running([try spec(nil)]) { jobs in
            let progress = try await jobs.runNow("digest", by: "ann")
            await #expect(throws: JobsError.underWay(job: "digest", run: 1)) {
                try await jobs.runNow("digest", by: "bob")
            }
            await #expect(throws: JobsError.unknownJob("nosuch", known: ["digest"])) {
                try await jobs.runNow("nosuch", by: "bob")
            }
            try await eventually("it runs") { rig.runner.began.count == 1 }
            rig.runner.end(1, .exited(7), lines: ["one", "two"])
            var lines: [String] = []
            var last: JobRun?
            for await step in progress {
                switch step {
                case .printed(let line): lines.append(line)
                case .ended(let run): last = run
                }
            }
            #expect(lines == ["one", "two"] && last?.exitCode == 7 && last?.result == .failed)
        }
    }

    @Test("what a daemon left running is ended, recorded as interrupted and told")
    func interrupted() async throws {
        let rig = Rig()
        try await rig.running([try spec(nil)]) { jobs in
            _ = try await jobs.runNow("digest", by: "ann")
            try await eventually("it runs") { rig.runner.began.count == 1 }
        }
        // The first daemon is gone, and its last words were that it began.
        #expect(rig.store.saved("digest")?.runs.map(\.result) == [.running])
        let next = Rig(store: rig.store)
        try await next.running([try spec(nil)]) { jobs in
            try await eventually("it is over") { await jobs.status()[0].last?.result == .interrupted }
            #expect(next.runner.ended == ["digest 1"])
            #expect(next.kinds == ["job.failed"])
        }
    }

    @Test("a service without a release is a failed run with the reason")
    func noRelease() async throws {
        let rig = Rig()
        rig.runner.refuse("api has no release that runs yet")
        try await rig.running([try spec(nil)]) { jobs in
            let progress = try await jobs.runNow("digest", by: "ann")
            for await step in progress {
                guard case .ended(let run) = step else { continue }
                #expect(run.result == .failed && run.detail == "api has no release that runs yet")
            }
        }
    }

    @Test("a job that the file drops is forgotten once nothing of it runs")
    func dropped() async throws {
        let rig = Rig()
        try await rig.running([try spec(nil)]) { jobs in
            _ = try await jobs.runNow("digest", by: "ann")
            try await eventually("it runs") { rig.runner.began.count == 1 }
            await jobs.apply([])
            rig.runner.end(1, .exited(0))
            try await eventually("it is forgotten") { rig.store.saved("digest") == nil }
        }
    }
}

/// Jobs with a clock by hand, commands that a test ends, and a store in memory.
private final class Rig: Sendable {
    let clock = ManualClock()
    let runner = FakeRunner()
    let store: MemoryStore
    private let heard = Mutex<(printed: [String], events: [Event])>(([], []))

    init(store: MemoryStore = MemoryStore()) { self.store = store }

    var printed: [String] { heard.withLock { $0.printed } }
    var kinds: [String] { heard.withLock { $0.events.map(\.kind) } }

    /// Runs them for as long as `body` takes.
    func running(_ specs: [JobSpec], _ body: @Sendable (Jobs) async throws -> Void) async throws {
        let jobs = Jobs(
            ports: JobPorts(
                runner: runner, store: store, clock: clock, offset: { _, _ in .zero },
                printed: { job, run, line in self.heard.withLock { $0.printed.append("\(job) \(run) \(line)") } },
                event: { event in self.heard.withLock { $0.events.append(event) } }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        await jobs.apply(specs)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await jobs.run() }
            try await eventually("it looks at the clock") { await jobs.isRunning }
            try await body(jobs)
            group.cancelAll()
        }
    }

    /// Moves the clock on until something holds.
    func advance(to what: String, by step: Duration = .seconds(10), _ holds: @Sendable () -> Bool) async throws {
        try await eventually(
            what,
            holds: {
                if holds() { return true }
                if !clock.pending.isEmpty { clock.advance(by: step) }
                return false
            })
    }
}

private final class FakeRunner: JobRunner {
    private struct State {
        var began: [String] = []
        var ended: [String] = []
        var refusal: String?
        var endings: [Int: (JobPlanner.Ending, [String])] = [:]
        var waiting: [Int: CheckedContinuation<(JobPlanner.Ending, [String]), Never>] = [:]
    }

    private struct Refusal: Error, CustomStringConvertible { var description: String }

    private let state = Mutex(State())

    var began: [String] { state.withLock { $0.began } }
    var ended: [String] { state.withLock { $0.ended } }

    func refuse(_ why: String) { state.withLock { $0.refusal = why } }

    /// The run that is under way, or the next one of this number, ends so.
    func end(_ run: Int, _ ending: JobPlanner.Ending, lines: [String] = []) {
        let waiter = state.withLock { state in
            let waiter = state.waiting.removeValue(forKey: run)
            if waiter == nil { state.endings[run] = (ending, lines) }
            return waiter
        }
        waiter?.resume(returning: (ending, lines))
    }

    func release(of service: String) async throws -> Int {
        if let why = state.withLock({ $0.refusal }) { throw Refusal(description: why) }
        return 1
    }

    func run(
        _ job: JobSpec, run: Int, release: Int, line: @escaping @Sendable (String) async -> Void
    ) async -> JobPlanner.Ending {
        state.withLock { $0.began.append("\(job.name) \(run)") }
        let (ending, lines) = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known: (JobPlanner.Ending, [String])? = state.withLock { state in
                    if let known = state.endings.removeValue(forKey: run) { return known }
                    if Task.isCancelled { return (.notStarted("cancelled"), []) }
                    state.waiting[run] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            end(run, .notStarted("cancelled"))
        }
        for text in lines { await line(text) }
        return ending
    }

    func endRemains(of job: String, run: Int) async { state.withLock { $0.ended.append("\(job) \(run)") } }
}

private final class MemoryStore: JobStore {
    private struct Refused: Error {}

    private let state = Mutex<(states: [String: JobState], fails: Bool)>(([:], false))

    func saved(_ job: String) -> JobState? { state.withLock { $0.states[job] } }
    func fails(_ fails: Bool) { state.withLock { $0.fails = fails } }

    func load() async throws -> [String: JobState] { state.withLock { $0.states } }
    func save(_ state: JobState, of job: String) async throws {
        try self.state.withLock { known in
            if known.fails { throw Refused() }
            known.states[job] = state
        }
    }
    func remove(_ job: String) async throws { state.withLock { $0.states[job] = nil } }
}
