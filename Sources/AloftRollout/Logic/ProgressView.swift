import AloftModel

extension RolloutProgress {
    /// What there is to say about a rollout that nobody drives.
    init(ended state: RolloutState) {
        self.init(
            time: state.phaseBegan, service: state.service, release: state.release, stable: state.stable,
            strategy: state.strategy, by: state.by, began: state.began, phase: state.phase,
            phaseBegan: state.phaseBegan, weight: state.isSplit ? state.weight : nil, isPaused: state.isPaused,
            isPromoted: state.isPromoted, migration: state.migration, cause: state.cause,
            reason: state.reason)
        lastLines = state.output ?? []
    }

    init(
        _ state: RolloutState, _ facts: RolloutFacts, spec: ServiceSpec, verdict: VerdictRecord?, output: String?
    ) {
        self.init(ended: state)
        time = facts.wall
        canaryReplicas = Self.count(facts.set(state.release), state.canaryTarget)
        stableReplicas = Self.count(facts.set(state.stable), state.stableTarget)
        self.verdict = verdict
        let names = Self.stepNames(state, spec)
        steps = names.count
        if names.indices.contains(state.step) {
            step = state.step + 1
            stepName = names[state.step]
        }
        if state.phase == .gates || state.phase == .migration { self.output = output }
        trouble = Self.trouble(state, facts, spec)
        openApprovals = RolloutPlanner.openApprovals(of: state, spec)
        waitingFor = Self.wait(state, facts, spec, self)
        next = Self.end(state, spec).map { facts.wall + max(.zero, $0 - facts.time) }
    }

    private static func count(_ set: SetState?, _ target: Int?) -> Count {
        Count(ready: set?.ready ?? 0, desired: target ?? set?.desired ?? 0)
    }

    private static func stepNames(_ state: RolloutState, _ spec: ServiceSpec) -> [String] {
        switch state.phase {
        case .gates: spec.deploy.gates.before.map(\.name)
        case .checking: spec.deploy.gates.after.map(\.rawValue)
        case .shifting where state.strategy == .canary:
            spec.deploy.canary.steps.map { step in
                switch step {
                case .weight(let weight, _): "\(weight)"
                case .approve(let name): "approve \(name)"
                }
            }
        default: []
        }
    }

    private static func wait(
        _ state: RolloutState, _ facts: RolloutFacts, _ spec: ServiceSpec, _ shown: RolloutProgress
    ) -> String? {
        switch state.phase {
        case .frozen:
            return state.migration == .unknown
                ? "somebody to approve `migration`, or to abort" : "somebody to resume, promote or abort"
        case _ where state.isPaused: return "somebody to resume"
        case .starting, .promoting:
            return missing(shown.canaryReplicas, "replicas")
        case .restoring:
            return missing(shown.stableReplicas, "replicas of stable")
        case .shifting where state.strategy == .canary:
            return wait(atStep: state, facts, spec)
        case .shifting where state.strategy == .rolling:
            return missing(shown.canaryReplicas, "replicas")
        default: return nil
        }
    }

    /// How long a replica may take to get ready before it is said why it is not.
    private static let patience = Duration.seconds(5)

    /// Said from the first end on, and of one that only stays unready after a while: not only once it was given up.
    private static func trouble(_ state: RolloutState, _ facts: RolloutFacts, _ spec: ServiceSpec) -> String? {
        guard let set = facts.set(state.release), set.ready < set.desired, let failure = set.failure,
            !state.phase.isGoingBack
        else { return nil }
        guard set.failedStarts > 0 else {
            guard let since = state.readiness.lackingSince, facts.time - since >= patience else { return nil }
            return "not ready: \(failure)"
        }
        return "ended \(set.failedStarts) of \(spec.deploy.maxCrashes) times before it was ready: \(failure)"
    }

    private static func missing(_ count: Count, _ what: String) -> String? {
        count.ready < count.desired ? "\(count.desired - count.ready) of \(count.desired) \(what) to be ready" : nil
    }

    private static func wait(atStep state: RolloutState, _ facts: RolloutFacts, _ spec: ServiceSpec) -> String? {
        let steps = spec.deploy.canary.steps
        guard steps.indices.contains(state.step) else { return nil }
        switch steps[state.step] {
        case .approve(let name): return state.approvals.contains { $0.name == name } ? nil : "approval `\(name)`"
        case .weight(let weight, let wait):
            guard state.weight == weight, facts.time - state.since >= wait, let analysis = spec.deploy.analysis else {
                return nil
            }
            let now = facts.numbers[state.release] ?? ReleaseNumbers()
            let have = now.since(state.analysis.canary).requests
            return have < analysis.minRequests ? "requests: \(have) of \(analysis.minRequests)" : nil
        }
    }

    /// The rollout's clock at which the present wait ends by itself.
    private static func end(_ state: RolloutState, _ spec: ServiceSpec) -> Duration? {
        guard !state.isPaused else { return nil }
        switch state.phase {
        case .shifting:
            let steps = spec.deploy.canary.steps
            guard state.strategy == .canary, steps.indices.contains(state.step),
                case .weight(let weight, let wait) = steps[state.step], state.weight == weight
            else { return nil }
            return state.since + wait
        case .watching: return state.since + spec.deploy.watch
        case .keeping: return state.since + spec.deploy.keep - spec.deploy.watch
        case .starting, .restoring:
            return state.since + spec.deploy.progressDeadline
        default:
            return nil
        }
    }
}
