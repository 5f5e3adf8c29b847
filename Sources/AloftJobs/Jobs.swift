import AloftModel
import AloftSystem
import Logging

/// Runs jobs by the clock and by hand, and remembers how they went.
///
/// `init` starts nothing. `apply` says which jobs there are, at the start and at each reload; `run` runs them until its
/// task is cancelled, which kills what is under way. Decisions are `JobPlanner`'s; what it decided is written down
/// before it is done, so that no time of a schedule runs twice, whatever happens to the daemon.
package actor Jobs {
    /// How one run went, for who asked for it.
    package enum Progress: Sendable, Hashable {
        case printed(String)
        case ended(JobRun)
    }

    private struct Order: Sendable {
        var spec: JobSpec
        var run: JobRun
        var listener: AsyncStream<Progress>.Continuation?
    }

    /// The wall clock may be set meanwhile, so a long wait is cut into pieces.
    static let longestWait = Duration.seconds(60)
    /// After a write that failed.
    static let pause = Duration.seconds(5)
    /// Lines that a slow listener has not read yet; more are in the log only.
    static let mostUnread = 10_000

    private let ports: JobPorts
    private let logger: Logger
    private var specs: [JobSpec] = []
    private var states: [String: JobState] = [:]
    private var next: [String: Timestamp] = [:]
    private var orders: AsyncStream<Order>.Continuation?
    private let wake = Wake()
    /// One decision at a time: each is written before the next one is made.
    private var turn = Turn()

    package init(ports: JobPorts, logger: Logger) {
        self.ports = ports
        self.logger = logger
    }

    // MARK: What there is

    /// Takes the jobs of the file. A run that is under way goes on as it was begun.
    package func apply(_ jobs: [JobSpec]) {
        specs = jobs
        wake.signal()
    }

    package func status() -> [JobStatus] {
        specs.map { JobStatus(spec: $0, next: next[$0.name], state: states[$0.name] ?? JobState()) }
    }

    /// It has read what was there before, and begins what is asked for.
    var isRunning: Bool { orders != nil }

    // MARK: Running

    /// Runs jobs until the task is cancelled; call it once.
    package func run() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Order.self)
        await restore()
        orders = continuation
        await withDiscardingTaskGroup { group in
            group.addTask { await self.follow() }
            for await order in stream { group.addTask { await self.carryOut(order) } }
            group.cancelAll()
        }
        orders = nil
    }

    /// Runs a job now.
    ///
    /// - Returns: What it prints as it comes, then how it ended. Whoever stops listening ends nothing.
    package func runNow(_ name: String, by user: String) async throws(JobsError) -> AsyncStream<Progress> {
        guard let spec = spec(name) else { throw .unknownJob(name, known: specs.map(\.name)) }
        guard orders != nil else { throw .notRunning }
        await enter()
        defer { leave() }
        let state = states[name] ?? JobState()
        guard let decision = planner(spec).ask(state, by: user, at: wall) else {
            throw .underWay(job: name, run: state.runs.last { !$0.result.isOver }?.number ?? 0)
        }
        let (stream, listener) = AsyncStream.makeStream(
            of: Progress.self, bufferingPolicy: .bufferingOldest(Self.mostUnread))
        do {
            try await keep(decision, of: spec, listener: listener)
        } catch {
            throw .notKept("\(error)")
        }
        return stream
    }

    // MARK: The clock

    /// What an earlier daemon left is ended and written down.
    private func restore() async {
        while !Task.isCancelled {
            do {
                for (name, state) in try await ports.store.load() {
                    let (restored, interrupted) = JobPlanner.restored(state, at: wall)
                    for run in interrupted where run.result == .interrupted {
                        await ports.runner.endRemains(of: name, run: run.number)
                    }
                    if !interrupted.isEmpty { try await ports.store.save(restored, of: name) }
                    states[name] = restored
                    for run in interrupted { tell(run, of: name) }
                }
                return
            } catch {
                logger.error("what jobs did before cannot be read", metadata: ["reason": "\(error)"])
                await rest(Self.pause)
            }
        }
    }

    private func follow() async {
        while !Task.isCancelled {
            let wait = await look()
            // Whichever comes first: the time, or a change of the file.
            _ = await within(wait ?? Self.longestWait * 60, clock: ports.clock) { [wake] in await wake.wait() }
        }
    }

    /// Begins what is due.
    ///
    /// - Returns: How long nothing will be; nil where that is until the file changes.
    private func look() async -> Duration? {
        await enter()
        defer { leave() }
        var earliest: Timestamp?
        for spec in specs {
            let before = states[spec.name] ?? JobState()
            let decision = planner(spec).look(before, at: wall)
            do {
                if decision.state != before { try await keep(decision, of: spec) }
                next[spec.name] = decision.next
                if let time = decision.next { earliest = min(earliest ?? time, time) }
            } catch {
                logger.error(
                    "a job is not run, as that cannot be written down",
                    metadata: ["job": "\(spec.name)", "reason": "\(error)"])
                earliest = min(earliest ?? wall + Self.pause, wall + Self.pause)
            }
        }
        await forget()
        return earliest.map { min(max($0 - wall, .milliseconds(1)), Self.longestWait) }
    }

    /// What the file does not name any more, once nothing of it runs.
    private func forget() async {
        let names = Set(specs.map(\.name))
        for (name, state) in states where !names.contains(name) && state.runs.allSatisfy({ $0.result.isOver }) {
            do {
                try await ports.store.remove(name)
                states[name] = nil
                next[name] = nil
            } catch {
                logger.error("a job's past cannot be removed", metadata: ["job": "\(name)", "reason": "\(error)"])
            }
        }
    }

    // MARK: One run

    private func carryOut(_ order: Order) async {
        let (name, number) = (order.spec.name, order.run.number)
        var run = order.run
        var ending = JobPlanner.Ending.notStarted("it was not begun")
        while !Task.isCancelled {
            ending = await attempt(order, run)
            if Task.isCancelled { break }
            guard let wait = planner(order.spec).wait(after: ending, of: run) else { break }
            note(
                .warning, "job.retrying", name,
                "run \(number): \(Self.text(of: ending)); tried again in \(wait.quantity)")
            await rest(wait)
            run.attempt += 1
            await change(run, of: name) { $0.attempt = run.attempt }
        }
        // The next daemon finds that it was cut off, and says so.
        if !Task.isCancelled { await finish(order, ending) }
        order.listener?.finish()
    }

    private func attempt(_ order: Order, _ run: JobRun) async -> JobPlanner.Ending {
        let (name, number, printed) = (order.spec.name, run.number, ports.printed)
        do {
            let release = try await ports.runner.release(of: order.spec.service)
            await change(run, of: name) { $0.release = release }
            return await ports.runner.run(order.spec, run: number, release: release) { line in
                printed(name, number, line)
                order.listener?.yield(.printed(line))
            }
        } catch {
            return .notStarted("\(error)")
        }
    }

    /// A run that has ended is written down before anything else becomes of it, however long the disk takes.
    private func finish(_ order: Order, _ ending: JobPlanner.Ending) async {
        while !Task.isCancelled {
            if await isWritten(order, ending) { return wake.signal() }
            await rest(Self.pause)
        }
    }

    private func isWritten(_ order: Order, _ ending: JobPlanner.Ending) async -> Bool {
        let (name, number) = (order.spec.name, order.run.number)
        await enter()
        defer { leave() }
        let decision = planner(order.spec).end(number, ending, in: states[name] ?? JobState(), at: wall)
        do {
            // A run that waited begins by today's words of the file.
            try await keep(decision, of: spec(name) ?? order.spec)
        } catch {
            logger.error(
                "the end of a job is not written down yet", metadata: ["job": "\(name)", "reason": "\(error)"])
            return false
        }
        if let run = decision.state[number] {
            tell(run, of: name)
            order.listener?.yield(.ended(run))
        }
        return true
    }

    private func change(_ run: JobRun, of job: String, _ body: (inout JobRun) -> Void) async {
        await enter()
        defer { leave() }
        guard var known = states[job]?[run.number] else { return }
        body(&known)
        states[job]?[run.number] = known
    }

    /// Writes a decision down, then does it.
    private func keep(
        _ decision: JobPlanner.Decision, of spec: JobSpec, listener: AsyncStream<Progress>.Continuation? = nil
    ) async throws {
        try await ports.store.save(decision.state, of: spec.name)
        states[spec.name] = decision.state
        for run in decision.leftOut { tell(run, of: spec.name) }
        for run in decision.begin {
            note(.notice, "job.started", spec.name, "run \(run.number), \(Self.text(of: run.cause))")
            orders?.yield(Order(spec: spec, run: run, listener: listener))
        }
    }

    // MARK: Words

    private func tell(_ run: JobRun, of job: String) {
        let detail = run.detail.map { ": \($0)" } ?? ""
        let time = run.ended.map { " after \(($0 - run.began).quantity)" } ?? ""
        let what = "run \(run.number)"
        switch run.result {
        case .queued, .running: break
        case .succeeded: note(.notice, "job.finished", job, "\(what) succeeded\(time)")
        case .failed: note(.error, "job.failed", job, "\(what) failed\(time)\(detail)")
        case .timedOut: note(.error, "job.failed", job, "\(what) failed\(detail)")
        case .interrupted: note(.error, "job.failed", job, "\(what) was cut off\(detail)")
        case .skipped: note(.warning, "job.skipped", job, "\(Self.text(of: run.cause)) left out\(detail)")
        case .missed: note(.warning, "job.missed", job, "\(Self.text(of: run.cause)) missed\(detail)")
        }
    }

    private static func text(of cause: JobRun.Cause) -> String {
        switch cause {
        case .clock(let time): "due \(time)"
        case .person(let user): "asked for by \(user)"
        }
    }

    private static func text(of ending: JobPlanner.Ending) -> String {
        switch ending {
        case .exited(let code): "exit code \(code)"
        case .signaled(let name): "killed by \(name)"
        case .timedOut: "killed at its time limit"
        case .notStarted(let why): why
        }
    }

    private func note(_ severity: Event.Severity, _ kind: String, _ job: String, _ message: String) {
        ports.event(Event(time: wall, severity: severity, kind: kind, subject: job, message: message))
    }

    // MARK: Small things

    private func spec(_ name: String) -> JobSpec? { specs.first { $0.name == name } }

    private func planner(_ spec: JobSpec) -> JobPlanner {
        let (offset, zone) = (ports.offset, spec.schedule?.timeZone)
        return JobPlanner(spec) { offset(zone, $0) }
    }

    private var wall: Timestamp { Timestamp(nanoseconds: ports.clock.wallNanoseconds) }

    private func enter() async {
        if turn.take() { return }
        await withCheckedContinuation { turn.enqueue($0) }
    }

    private func leave() { turn.pass() }

    /// Cut short where the task is cancelled; whoever calls it looks.
    private func rest(_ time: Duration) async {
        do {
            try await ports.clock.sleep(for: time)
        } catch {
            return
        }
    }
}
