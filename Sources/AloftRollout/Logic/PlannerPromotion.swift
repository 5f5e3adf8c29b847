import AloftModel

/// From promotion to the end: everything goes to the new release, and it stays under watch.
extension RolloutPlanner {
    /// Full number first, then all requests, then the title.
    mutating func promote() {
        state.canaryTarget = total
        if isWeighted {
            if state.weight != Percent(100) {
                state.stableTarget = total
                guard isReady(total), !state.isPaused else { return }
                return setWeight(Percent(100))
            }
            guard isApplied else { return }
        }
        guard canary?.isPrimary == true else {
            step.actions.append(.promote(release: state.release))
            return
        }
        // A first release is primary from its start on, and must still be ready.
        guard isReady(total) || state.stable != nil else { return }
        state.isPromoted = true
        setStatus(state.release, .current)
        setStatus(state.stable, .superseded, "release \(state.release) took its place")
        tell("promoted", .notice, "all requests go to it")
        // From now on its number is the business of scaling, as any primary's.
        state.canaryTarget = nil
        enter(.checking)
    }

    mutating func runChecks() {
        let checks = deploy.gates.after
        guard state.step < checks.count else { return enter(.watching) }
        switch facts.work {
        case .idle: step.actions.append(.work)
        case .running: break
        case .finished(let record):
            step.gates.append(record)
            if record.outcome == .failed { return fail("check `\(record.name)` failed: \(record.detail)") }
            state.step += 1
            restartClock()
        }
    }

    mutating func watch() {
        // What was watched must stand at the end; where it does not within `progressDeadline`, it goes back.
        let isWhole = canary.map { $0.ready >= $0.desired } ?? false
        let isKept = state.strategy == .blueGreen && state.stable != nil && (elapsed < deploy.keep || !isWhole)
        if !isKept || state.isHastened { dropStable() }
        if state.isHastened || (elapsed >= deploy.watch && isWhole && !state.isPaused) {
            enter(isKept && !state.isHastened ? .keeping : .cleaning)
        }
    }

    /// Whoever deployed waits no longer; only the old set is still there. It leaves when the new one is whole.
    mutating func keep() {
        let isWhole = canary.map { $0.ready >= $0.desired } ?? false
        let isOver = elapsed >= deploy.keep - deploy.watch && isWhole && !state.isPaused
        if state.isHastened || isOver { enter(.cleaning) }
    }

    mutating func clean() {
        dropStable()
        guard state.stable.map({ facts.set($0) == nil }) ?? true, !state.isSplit, isApplied else { return }
        enter(.done)
    }

    /// Removes the old set, which no weight points at, and then the split.
    private mutating func dropStable() {
        state.stableTarget = nil
        guard let old = state.stable, isApplied else { return }
        if facts.set(old) == nil {
            state.isSplit = false
        } else if !facts.leaving.contains(old), canary?.isPrimary == true {
            step.actions.append(.remove(release: old))
        }
    }
}
