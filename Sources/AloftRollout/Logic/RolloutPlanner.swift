import AloftModel

/// Decides what a rollout does next: pure, so that every path of it is a test.
///
/// It is asked again after each change and at least each second. It writes into the state what should be (shares, numbers,
/// phase), and gives the actions that bring what is observed there. So nothing is lost when the daemon ends in between:
/// the same state and what is observed then lead on.
package struct RolloutPlanner {
    var state: RolloutState
    let facts: RolloutFacts
    let spec: ServiceSpec
    var step: RolloutStep

    /// A release that loses ready replicas so often, and as often as half of its replicas, does not hold.
    package static let minLosses = 3

    /// After a restart of the daemon replicas that it found are asked once before they count: for so long at most nothing
    /// is decided.
    package static let mostSettling = Duration.seconds(5)

    /// What follows from the state and what is observed.
    ///
    /// - Parameter spec: The service as the new release describes it.
    package static func next(_ state: RolloutState, _ facts: RolloutFacts, spec: ServiceSpec) -> RolloutStep {
        var planner = RolloutPlanner(state: state, facts: facts, spec: spec, step: RolloutStep(state: state))
        planner.plan()
        planner.step.state = planner.state
        return planner.step
    }

    private mutating func plan() {
        guard !state.phase.isEnd else { return }
        state.time = facts.time
        if isSettling { return reconcile() }
        let phase = state.phase
        watchReadiness()
        if state.phase == phase { analyse() }
        if state.phase == phase { advance() }
        // Actions belong to the state that is written with them; a phase just entered is looked at again at once.
        if state.phase == phase { reconcile() } else { step.actions = [] }
    }

    /// Sets that were ready look like ones that have nobody, until each replica has been asked once.
    private var isSettling: Bool {
        mutating get {
            guard let restored = state.readiness.restored else { return false }
            if facts.sets.contains(where: { $0.unsure > 0 }), facts.time - restored < Self.mostSettling { return true }
            state.readiness.restored = nil
            return false
        }
    }

    private mutating func advance() {
        switch state.phase {
        case .gates: runGates()
        case .migration: migrate()
        case .starting: start()
        case .shifting: shift()
        case .promoting: promote()
        case .checking: runChecks()
        case .watching: watch()
        case .keeping: keep()
        case .cleaning: clean()
        case .restoring: restore()
        case .returning: returnTraffic()
        case .removing: removeCanary()
        case .frozen: holdFrozen()
        case .done, .failed, .rolledBack: break
        }
    }

    // MARK: What the phases share

    var deploy: DeploySpec { spec.deploy }
    var canary: SetState? { facts.set(state.release) }
    var stable: SetState? { facts.set(state.stable) }
    /// A service that is scaled to zero is tried with one replica.
    var total: Int { max(1, facts.wanted) }
    var elapsed: Duration { facts.time - state.since }
    /// The edge does what the state says.
    var isApplied: Bool { facts.split == .told(state.split) }
    /// Both sets are sent requests by weight, and not by the number of replicas.
    var isWeighted: Bool { state.stable != nil && (state.strategy == .canary || state.strategy == .blueGreen) }

    mutating func enter(_ phase: RolloutPhase) {
        state.phase = phase
        state.phaseBegan = facts.wall
        state.step = 0
        state.announced = nil
        restartClock()
    }

    mutating func restartClock() { state.since = facts.time }

    mutating func tell(_ kind: String, _ severity: Event.Severity, _ message: String) {
        state.untold.append(
            Event(
                time: facts.wall, severity: severity, kind: "rollout.\(kind)", subject: state.service,
                message: "release \(state.release): \(message)"))
    }

    /// Says what is waited for, once.
    mutating func tellWaiting(_ what: String) {
        guard state.announced != what else { return }
        state.announced = what
        tell("waiting", .notice, "waits for \(what)")
    }

    mutating func setStatus(_ release: Int?, _ status: Release.Status, _ reason: String? = nil) {
        guard let release else { return }
        step.statuses[release] = RolloutStep.StatusChange(status: status, reason: reason)
    }

    /// Brings what is observed to what the state says: the edge first, then the numbers.
    private mutating func reconcile() {
        var actions: [RolloutAction] = []
        if !isApplied { actions.append(.split(state.split)) }
        let targets = [(state.stable, state.stableTarget), (state.release, state.canaryTarget)]
        for case (let release?, let target?) in targets {
            if !facts.known.contains(release) || facts.leaving.contains(release) {
                actions.append(.start(release: release, desired: target))
            } else if let set = facts.set(release) {
                if set.desired != target { actions.append(.scale(release: release, to: target)) }
            } else if target > 0 {
                actions.append(.start(release: release, desired: target))
            }
        }
        step.actions = actions + step.actions
    }
}
