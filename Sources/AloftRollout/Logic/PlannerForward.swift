import AloftModel

/// The way of a good release: gates, migration, start, steps.
extension RolloutPlanner {
    mutating func runGates() {
        let gates = deploy.gates.before
        guard state.step < gates.count else { return enter(.migration) }
        let gate = gates[state.step]
        switch facts.work {
        case .idle: if !state.isPaused { step.actions.append(.work) }
        case .running: break
        case .finished(let record):
            step.gates.append(record)
            if record.outcome == .failed && gate.required {
                return fail("gate `\(gate.name)` failed: \(record.detail)")
            }
            state.step += 1
            restartClock()
        }
    }

    /// Runs the migration at most once. It is written down as running before it is started; one that is written down and
    /// does not run was cut off with its daemon, and nobody knows how far it came.
    mutating func migrate() {
        guard let release = spec.release, state.migration != .none else { return enter(.starting) }
        switch (state.migration, facts.work) {
        case (.succeeded, _), (.confirmed, _):
            enter(.starting)
        case (.pending, _):
            guard !state.isPaused else { return }
            state.migration = .running
            step.actions.append(.work)
        case (.running, .running):
            break
        case (.running, .finished(let record)):
            step.gates.append(record)
            state.migration = record.outcome == .passed ? .succeeded : .failed
            if record.outcome != .passed { return fail("the migration failed: \(record.detail)") }
            if state.next != nil { return retreat(.superseded, "another release takes over") }
            enter(.starting)
        case (.running, .idle), (.unknown, _):
            state.migration = .unknown
            let reason = "the daemon ended while the migration ran; how far it came is not known"
            if release.reversible { fail(reason) } else { freeze(reason) }
        case (.failed, _):
            fail("the migration failed")
        case (.none, _):
            enter(.starting)
        }
    }

    mutating func start() {
        guard state.stable != nil else {
            state.canaryTarget = total
            if isReady(total) { enter(.promoting) }
            return
        }
        switch state.strategy {
        case .rolling:
            state.stableTarget = stable?.desired ?? 0
            state.canaryTarget = 0
            let surge = deploy.rolling.maxSurge
            tell("step", .notice, "replaces \(total) replicas, up to \(surge) more than that at a time")
            enter(.shifting)
        case .recreate:
            state.stableTarget = 0
            guard stable?.replicas ?? 0 == 0, stable?.desired ?? 0 == 0 else {
                if elapsed >= deploy.progressDeadline { fail("the old release's processes do not end") }
                return
            }
            state.canaryTarget = total
            if isReady(total) { enter(.promoting) }
        case .blueGreen:
            startBeside(total) { $0.enter(.promoting) }
        case .canary:
            startBeside(deploy.canary.steps.isEmpty ? total : replicas(for: firstWeight)) { $0.enter(.shifting) }
        }
    }

    /// Starts the new set without traffic, stable at its full number.
    private mutating func startBeside(_ desired: Int, then: (inout RolloutPlanner) -> Void) {
        state.isSplit = true
        state.weight = Percent(0)
        state.stableTarget = total
        state.canaryTarget = desired
        if isApplied, isReady(desired), !state.isPaused { then(&self) }
    }

    /// All replicas of the new set that are wanted are ready.
    func isReady(_ desired: Int) -> Bool {
        guard let canary else { return false }
        return state.canaryTarget == desired && canary.desired == desired && canary.ready >= desired
    }

    private var firstWeight: Percent {
        for case .weight(let weight, _) in deploy.canary.steps { return weight }
        return Percent(0)
    }

    /// Replicas that carry the share with what each of stable's carries; never none.
    func replicas(for weight: Percent) -> Int {
        min(total, max(1, (total * weight.basisPoints + 9_999) / 10_000))
    }

    mutating func shift() {
        if state.strategy == .rolling { roll() } else { shiftWeight() }
    }

    private mutating func roll() {
        guard !state.isPaused, let canaryTarget = state.canaryTarget, let stableTarget = state.stableTarget else {
            return
        }
        let sets = RollingArithmetic.Sets(
            old: stableTarget, oldReady: min(stable?.ready ?? 0, stableTarget), new: canaryTarget,
            newReady: min(canary?.ready ?? 0, canaryTarget))
        let next = RollingArithmetic.next(
            sets, total: total, spec: deploy.rolling, minAvailable: spec.scaling.minAvailable)
        state.stableTarget = next.old
        state.canaryTarget = next.new
        if next.old == 0, next.new == total, isReady(total) { enter(.promoting) }
    }

    private mutating func shiftWeight() {
        state.stableTarget = total
        let steps = deploy.canary.steps
        guard state.step < steps.count, !state.isHastened else { return enter(.promoting) }
        switch steps[state.step] {
        case .weight(let weight, let wait):
            let desired = replicas(for: weight)
            state.canaryTarget = max(desired, weight >= state.weight ? 1 : state.canaryTarget ?? 1)
            guard state.weight == weight else { return raise(to: weight, desired) }
            guard isApplied, !state.isPaused, elapsed >= wait else { return }
            if deploy.analysis != nil, state.analysis.passes == 0 {
                return tellWaiting("enough requests to judge it at \(weight)")
            }
            nextStep()
        case .approve(let name):
            if state.approvals.contains(where: { $0.name == name }) {
                if !state.isPaused { nextStep() }
            } else {
                tellWaiting("approval `\(name)`")
            }
        }
    }

    private mutating func raise(to weight: Percent, _ desired: Int) {
        guard !state.isPaused, isReady(state.canaryTarget ?? desired) else { return }
        setWeight(weight)
        tell("step", .notice, "is sent \(weight) (step \(state.step + 1) of \(deploy.canary.steps.count))")
    }

    /// What is judged begins anew with each weight.
    mutating func setWeight(_ weight: Percent) {
        state.weight = weight
        state.analysis.restart()
        restartClock()
    }

    private mutating func nextStep() {
        state.step += 1
        state.announced = nil
        restartClock()
    }
}

extension AnalysisState {
    /// What was counted so far is of another weight, or of an edge that is gone.
    mutating func restart() {
        began = nil
        looked = nil
        canary = ReleaseNumbers()
        stable = ReleaseNumbers()
        passes = 0
    }
}
