import AloftModel

/// What a person, or another release, asks of a rollout that is under way; `because` is why, in their own words.
package enum RolloutRequest: Sendable, Hashable {
    case pause(by: String, because: String? = nil)
    /// Goes on after a pause, or tries again what was frozen.
    case resume(by: String, because: String? = nil)
    /// Skips the steps that are left.
    case promote(by: String, because: String? = nil)
    case approve(name: String, by: String, because: String? = nil)
    /// Back to the old release; `force` also where a migration can't be undone.
    case abort(by: String, force: Bool, because: String? = nil)
    /// Another release of the service begins as soon as this one is out of the way.
    case supersede(next: Int, by: String)
}

extension RolloutPlanner {
    /// The name by which a migration of unknown outcome is said to have done its work.
    package static let migrationApproval = "migration"

    /// What follows from a request: the state to be written, with what it tells, or why not.
    package static func answer(
        _ request: RolloutRequest, _ state: RolloutState, at wall: Timestamp, time: Duration, spec: ServiceSpec
    ) throws(RolloutError) -> RolloutStep {
        guard state.isUnderWay else { throw .noRollout(service: state.service) }
        let facts = RolloutFacts(time: time, wall: wall, wanted: 0, sets: [])
        var planner = RolloutPlanner(state: state, facts: facts, spec: spec, step: RolloutStep(state: state))
        planner.state.time = time
        switch request {
        case .pause(let user, let why): try planner.pause(Words(user, why))
        case .resume(let user, let why): try planner.resume(Words(user, why))
        case .promote(let user, let why): try planner.hasten(Words(user, why))
        case .approve(let name, let user, let why): try planner.approve(name, Words(user, why))
        case .abort(let user, let force, let why): try planner.abort(Words(user, why), force)
        case .supersede(let next, let user): planner.supersede(next, user)
        }
        planner.step.state = planner.state
        return planner.step
    }

    /// Who asks, and why.
    private struct Words {
        let user: String
        /// Starts with a colon where there is any.
        let why: String

        init(_ user: String, _ why: String?) {
            self.user = user
            self.why = why.map { ": \($0)" } ?? ""
        }
    }

    private func refusal(_ asked: String, _ why: String) -> RolloutError {
        .notNow(service: state.service, asked: asked, phase: state.phase, why: why)
    }

    private mutating func pause(_ words: Words) throws(RolloutError) {
        guard !state.phase.isGoingBack else { throw refusal("pause", "it is going back") }
        guard state.phase != .frozen else { throw refusal("pause", "it is frozen already") }
        guard !state.isPaused else { throw refusal("pause", "it is paused already") }
        state.isPaused = true
        tell("waiting", .notice, "paused by \(words.user)\(words.why)")
    }

    private mutating func resume(_ words: Words) throws(RolloutError) {
        if state.phase == .frozen, let from = state.frozenFrom {
            guard state.migration != .unknown else {
                throw refusal("resume", "the migration is not run again; approve `migration` if it is done, or abort")
            }
            goOn(to: from)
            tell("step", .notice, "tried again by \(words.user), from \(from.rawValue)\(words.why)")
        } else if state.isPaused {
            state.isPaused = false
            restartClock()
            tell("step", .notice, "resumed by \(words.user)\(words.why)")
        } else {
            throw refusal("resume", "it is not paused")
        }
    }

    private mutating func hasten(_ words: Words) throws(RolloutError) {
        if state.phase == .frozen, let from = state.frozenFrom {
            guard state.migration != .unknown, !from.isGoingBack else {
                throw refusal(
                    "promote", from.isGoingBack ? "it was going back" : "the outcome of the migration is not known")
            }
            goOn(to: state.isPromoted ? .cleaning : .promoting)
        } else if state.phase.isGoingBack {
            throw refusal("promote", "it is going back")
        }
        state.isHastened = true
        state.isPaused = false
        tell("step", .notice, "promoted by \(words.user): what is left is skipped\(words.why)")
    }

    private mutating func approve(_ name: String, _ words: Words) throws(RolloutError) {
        let record = ApprovalRecord(name: name, user: words.user, time: facts.wall)
        if state.phase == .frozen, state.migration == .unknown, name == Self.migrationApproval {
            state.migration = .confirmed
            goOn(to: .migration)
        } else {
            let open = Self.openApprovals(of: state, spec)
            guard open.contains(name) else {
                throw .noSuchApproval(service: state.service, name: name, open: open)
            }
        }
        state.approvals.append(record)
        tell("step", .notice, "`\(name)` approved by \(words.user)\(words.why)")
    }

    /// Names that are not approved yet, of this and later steps.
    static func openApprovals(of state: RolloutState, _ spec: ServiceSpec) -> [String] {
        if state.phase == .frozen && state.migration == .unknown { return [migrationApproval] }
        guard state.strategy == .canary, !state.isHastened, !state.phase.isGoingBack,
            [.gates, .migration, .starting, .shifting].contains(state.frozenFrom ?? state.phase)
        else { return [] }
        let steps = spec.deploy.canary.steps
        return steps.dropFirst(state.phase == .shifting ? state.step : 0).compactMap { step in
            guard case .approve(let name) = step, !state.approvals.contains(where: { $0.name == name }) else {
                return nil
            }
            return name
        }
    }

    private mutating func abort(_ words: Words, _ force: Bool) throws(RolloutError) {
        guard !state.phase.isGoingBack else { throw refusal("abort", "it goes back already") }
        guard state.phase != .cleaning else { throw refusal("abort", "the old release is going; use rollback") }
        if state.phase == .migration, state.migration == .running {
            throw refusal("abort", "the migration runs, and is not stopped halfway")
        }
        let early = [.gates, .migration].contains(state.frozenFrom ?? state.phase)
        guard early || state.stable != nil else { throw refusal("abort", "there is no release to go back to") }
        if !early, state.migration.mayHaveRun, spec.release?.reversible != true, !force {
            throw .irreversible(service: state.service, release: state.release)
        }
        retreat(.aborted, "aborted by \(words.user)\(words.why)")
    }

    /// A release that is promoted stays, since it is what runs; one that is not makes way.
    private mutating func supersede(_ next: Int, _ user: String) {
        state.next = next
        guard !state.phase.isGoingBack, state.phase != .cleaning else { return }
        if state.phase == .migration, state.migration == .running { return }
        if state.phase == .frozen, let from = state.frozenFrom, from.isGoingBack {
            goOn(to: from)
        } else if state.isPromoted {
            if state.phase == .frozen { goOn(to: .cleaning) }
            state.isHastened = true
            state.isPaused = false
        } else if state.stable == nil, ![.gates, .migration].contains(state.frozenFrom ?? state.phase) {
            // Nothing to go back to: it becomes what runs, and the next one takes over from it.
            goOn(to: .promoting)
            state.isHastened = true
        } else {
            retreat(.superseded, "release \(next) by \(user) takes over")
        }
    }

    private mutating func goOn(to phase: RolloutPhase) {
        enter(phase)
        state.frozenFrom = nil
        state.reason = nil
        state.isPaused = false
        state.readiness = ReadinessState()
        state.readiness.isTriedAgain = true
        state.output = nil
        state.analysis = AnalysisState()
    }
}
