import AloftModel

/// The way back: stable at its full number and ready, then the requests, then the new set goes.
extension RolloutPlanner {
    /// It failed: back where that is possible and wanted, otherwise nothing moves until a person says how to go on.
    mutating func fail(_ reason: String) {
        switch state.phase {
        case .gates, .migration:
            end(.failed, .failure, reason)
        case .frozen, .restoring, .returning, .removing, .done, .failed, .rolledBack:
            freeze(reason)
        case .starting, .shifting, .promoting, .checking, .watching, .keeping, .cleaning:
            if state.stable == nil {
                freeze("\(reason); there is no release to go back to")
            } else if state.migration.mayHaveRun && spec.release?.reversible != true {
                freeze("\(reason); its migration can't be undone")
            } else if deploy.onFailure == .freeze {
                freeze(reason)
            } else {
                retreat(.failure, reason)
            }
        }
    }

    mutating func freeze(_ reason: String) {
        guard state.phase != .frozen else { return }
        state.frozenFrom = state.phase
        state.reason = reason
        tell("frozen", .error, "\(reason); nothing is moved until you say how to go on")
        enter(.frozen)
    }

    /// Ends before anything was started.
    mutating func end(_ phase: RolloutPhase, _ cause: RetreatCause, _ reason: String) {
        state.cause = cause
        state.reason = reason
        switch cause {
        case .failure:
            setStatus(state.release, .failed, reason)
            tell("failed", .error, reason)
        case .aborted:
            setStatus(state.release, .failed, reason)
            tell("aborted", .warning, reason)
        case .superseded:
            setStatus(state.release, .superseded, reason)
            tell("superseded", .notice, reason)
        }
        enter(phase)
    }

    mutating func retreat(_ cause: RetreatCause, _ reason: String) {
        if [.gates, .migration].contains(state.frozenFrom ?? state.phase) { return end(.failed, cause, reason) }
        let reason = reason + (state.replacesCode == true ? "; \(Self.codeIsGone)" : "")
        state.cause = cause
        state.reason = reason
        state.isPaused = false
        state.isHastened = false
        let back = state.stable.map { "; goes back to release \($0)" } ?? ""
        switch cause {
        case .failure: tell("failed", .error, reason + back)
        case .aborted: tell("aborted", .warning, reason + back)
        case .superseded: tell("superseded", .notice, reason + back)
        }
        enter(.restoring)
    }

    /// Of two releases that run in one folder.
    static let codeIsGone =
        "replicas that still run keep the old code, and any that starts now runs the folder's new code"

    /// Stable at its full number and ready. Of an app of which two must never run the new set ends first.
    mutating func restore() {
        if isWeighted && !state.isSplit {
            state.isSplit = true
            state.weight = state.isPromoted ? Percent(100) : Percent(0)
        }
        if state.strategy == .recreate {
            state.canaryTarget = 0
            guard canary?.replicas ?? 0 == 0 else { return }
        }
        state.stableTarget = total
        let ready = stable?.ready ?? 0
        let isFull = ready >= total && stable?.desired == total
        // Waiting for the rest of stable helps nobody whose requests go where nobody answers.
        if isFull || (ready > 0 && canary?.ready ?? 0 == 0 && state.strategy != .recreate) { return enter(.returning) }
        if elapsed >= deploy.progressDeadline {
            let why = stable?.failure.map { ": \($0)" } ?? ""
            freeze("stable is not ready either: \(ready) of \(total) after \(deploy.progressDeadline.quantity)\(why)")
        }
    }

    mutating func returnTraffic() {
        state.stableTarget = total
        state.weight = Percent(0)
        state.isSplit = state.strategy != .recreate
        guard isApplied else { return }
        guard stable?.isPrimary == true else {
            if let stable = state.stable { step.actions.append(.promote(release: stable)) }
            return
        }
        if state.isPromoted {
            state.isPromoted = false
            // At no time are two of them current: the one that is, is primary after a crash.
            setStatus(state.stable, .current)
            setStatus(state.release, .rollingOut, state.reason)
        }
        enter(.removing)
    }

    mutating func removeCanary() {
        state.stableTarget = total
        state.canaryTarget = nil
        guard isApplied else { return }
        if canary != nil {
            guard canary?.isPrimary == false else { return enter(.returning) }
            if !facts.leaving.contains(state.release) { step.actions.append(.remove(release: state.release)) }
            return
        }
        guard !state.isSplit else {
            state.isSplit = false
            return
        }
        let reason = state.reason
        setStatus(state.release, state.cause == .superseded ? .superseded : .rolledBack, reason)
        tell("rolledBack", .notice, "is gone; release \(state.stable ?? 0) serves alone")
        enter(.rolledBack)
    }

    /// Nothing is moved, but that requests go where there is somebody to answer, and that what scaling asks for is there.
    mutating func holdFrozen() {
        if let old = state.stableTarget, old > 0, let new = state.canaryTarget, !state.isPromoted {
            state.stableTarget = isWeighted ? max(old, total) : max(old, total - new)
        }
        guard state.isSplit, let stable, let canary else { return }
        if state.weight > Percent(0), canary.ready == 0, stable.ready > 0 {
            state.weight = Percent(0)
        } else if state.weight < Percent(100), stable.ready == 0, canary.ready > 0 {
            state.weight = Percent(100)
        }
    }
}
