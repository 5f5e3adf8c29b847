import AloftModel

/// Decides what becomes of one job: which runs begin, which are left out, when to look again. No clock, no process.
///
/// - Invariant: no time of the schedule begins two runs: `handled` moves past it in the same write that begins the run.
/// - Invariant: with `skip` and `queue` one run is under way at most, with `allow` ten.
package struct JobPlanner: Sendable {
    package static let mostAtOnce = 10
    /// Times that are counted one by one when many were missed.
    static let mostCounted = 1000
    /// A clock that was ahead by more, and was set back, does not keep a job from running until then.
    static let mostAhead = Duration.seconds(86_400)

    package struct Decision: Sendable, Hashable {
        package var state: JobState
        /// Runs to begin, after the state is written.
        package var begin: [JobRun] = []
        /// Runs that will not take place.
        package var leftOut: [JobRun] = []
        /// When the schedule comes next; nil where it never does.
        package var next: Timestamp?
    }

    private let spec: JobSpec
    private let offset: @Sendable (Timestamp) -> Duration

    /// - Parameter offset: The UTC offset of the schedule's time zone at an instant.
    package init(_ spec: JobSpec, offset: @escaping @Sendable (Timestamp) -> Duration) {
        self.spec = spec
        self.offset = offset
    }

    // MARK: The clock

    /// What is due at `now`.
    package func look(_ state: JobState, at now: Timestamp) -> Decision {
        var decision = Decision(state: state)
        guard let schedule = spec.schedule else {
            (decision.state.schedule, decision.state.handled) = (nil, nil)
            return decision
        }
        // What a new schedule would have said of the past is of no interest.
        if state.schedule != schedule.description || isFarAhead(state.handled, of: now) {
            decision.state.schedule = schedule.description
            decision.state.handled = now
        }
        let handled = decision.state.handled ?? now
        if let latest = schedule.previous(before: now + .nanoseconds(1), offset: offset), latest > handled {
            handle(latest, after: handled, schedule, now, &decision)
        }
        decision.next = schedule.next(after: max(now, decision.state.handled ?? now), offset: offset)
        return decision
    }

    private func isFarAhead(_ handled: Timestamp?, of now: Timestamp) -> Bool {
        guard let handled else { return true }
        return handled - now > Self.mostAhead
    }

    /// Of several times that have passed, the latest runs if it is not too late; all others were missed.
    private func handle(
        _ latest: Timestamp, after handled: Timestamp, _ schedule: Schedule, _ now: Timestamp,
        _ decision: inout Decision
    ) {
        let isLate = now - latest > max(spec.startWithin, .seconds(60))
        var missed = isLate ? 1 : 0
        var first = latest
        var time = handled
        while missed < Self.mostCounted, let next = schedule.next(after: time, offset: offset), next < latest {
            if time == handled { first = next }
            missed += 1
            time = next
        }
        decision.state.handled = latest
        if missed > 0 {
            let count = missed >= Self.mostCounted ? "\(Self.mostCounted) times or more" : "\(missed) times"
            let detail = missed == 1 ? nil : "\(count) since \(first)"
            let run = decision.state.add(.clock(isLate ? latest : time), .missed, at: now, detail: detail)
            decision.state.count(run, times: missed - 1)
            decision.leftOut.append(run)
        }
        if !isLate { begin(.clock(latest), now, &decision) }
    }

    /// A run that is due, or left out for the one that still runs.
    private func begin(_ cause: JobRun.Cause, _ now: Timestamp, _ decision: inout Decision) {
        let underWay = decision.state.underWay
        let isWaiting = decision.state.runs.contains { $0.result == .queued }
        switch spec.overlap {
        case .allow where underWay.count < Self.mostAtOnce, .skip where underWay.isEmpty,
            .queue where underWay.isEmpty && !isWaiting:
            decision.begin.append(decision.state.add(cause, .running, at: now))
        case .queue where !isWaiting:
            _ = decision.state.add(cause, .queued, at: now)
        case .skip, .queue, .allow:
            let detail =
                spec.overlap == .allow
                ? "\(Self.mostAtOnce) runs are under way" : "run \(underWay.last?.number ?? 0) was still under way"
            decision.leftOut.append(decision.state.add(cause, .skipped, at: now, detail: detail))
        }
    }

    // MARK: People

    /// A run that somebody asks for; nil where one is under way and the job does not allow two.
    package func ask(_ state: JobState, by user: String, at now: Timestamp) -> Decision? {
        let limit = spec.overlap == .allow ? Self.mostAtOnce : 1
        guard state.runs.count(where: { !$0.result.isOver }) < limit else { return nil }
        var decision = Decision(state: state)
        decision.begin.append(decision.state.add(.person(user), .running, at: now))
        return decision
    }

    // MARK: Ends

    /// How one attempt ended.
    package enum Ending: Sendable, Hashable {
        case exited(Int)
        case signaled(String)
        case timedOut
        /// It could not be started; one line that says why.
        case notStarted(String)
    }

    /// What follows the end of an attempt: the wait before the next one, or nil where the run is over.
    package func wait(after ending: Ending, of run: JobRun) -> Duration? {
        guard ending != .exited(0), case .clock = run.cause, run.attempt <= spec.retries else { return nil }
        var wait = Duration.seconds(10)
        for _ in 1..<max(1, run.attempt) where wait < .seconds(600) { wait = wait * 2 }
        return min(wait, .seconds(600))
    }

    /// The run is over; one that waited for that begins.
    package func end(_ number: Int, _ ending: Ending, in state: JobState, at now: Timestamp) -> Decision {
        var decision = Decision(state: state)
        guard var run = state[number], !run.result.isOver else { return decision }
        run.ended = now
        switch ending {
        case .exited(let code):
            run.result = code == 0 ? .succeeded : .failed
            run.exitCode = code
            run.detail = code == 0 ? nil : "exit code \(code)"
        case .signaled(let name): (run.result, run.detail) = (.failed, "killed by \(name)")
        case .timedOut: (run.result, run.detail) = (.timedOut, "killed after \(spec.timeout.quantity), its time limit")
        case .notStarted(let why): (run.result, run.detail) = (.failed, why)
        }
        if run.result != .succeeded, run.attempt > 1 { run.detail = "\(run.detail ?? ""), \(run.attempt) attempts" }
        decision.state[number] = run
        decision.state.count(run)
        beginQueued(now, &decision)
        return decision
    }

    private func beginQueued(_ now: Timestamp, _ decision: inout Decision) {
        guard decision.state.underWay.isEmpty, var next = decision.state.runs.first(where: { $0.result == .queued })
        else { return }
        (next.result, next.began) = (.running, now)
        decision.state[next.number] = next
        decision.begin.append(next)
    }

    /// What a daemon finds that has just begun: nothing that was under way is any more.
    package static func restored(_ state: JobState, at now: Timestamp) -> (state: JobState, interrupted: [JobRun]) {
        var state = state
        var interrupted: [JobRun] = []
        for var run in state.runs where !run.result.isOver {
            let wasRunning = run.result == .running
            run.result = wasRunning ? .interrupted : .missed
            run.ended = now
            run.detail =
                wasRunning
                ? "Aloft ended while it ran; it is unknown whether it finished" : "Aloft ended before it could begin"
            state[run.number] = run
            state.count(run)
            interrupted.append(run)
        }
        return (state, interrupted)
    }
}
