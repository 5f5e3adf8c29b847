import AloftModel

/// Decides the number of replicas of one service: pure, time is an argument.
///
/// Bounds win over everything, then idle, then what people and metrics ask for. See `DESIGN.md` for the order in full.
package struct Planner {
    let service: ServiceSpec
    let bounds: BoundsInForce
    let now: Moment
    /// For times in sentences: the offset from UTC of the machine's own zone.
    let offset: Duration

    var spec: ScalingSpec { service.scaling }
    var behavior: ScalingBehavior { spec.behavior }

    package init(_ service: ServiceSpec, bounds: BoundsInForce, now: Moment, offset: Duration = .zero) {
        self.service = service
        self.bounds = bounds
        self.now = now
        self.offset = offset
    }

    /// One decision from one sample.
    package func plan(_ sample: ServiceSample, _ state: inout ScalingState) -> ScalingDecision {
        let previous = state.desired ?? sample.desired
        let readings = MetricReader(
            spec: spec, requests: service.resources.requests, sample: sample, current: previous
        ).readings()
        var draft = Draft(previous: previous, readings: readings, isRollingOut: sample.isRollingOut)
        noteActivity(sample, readings, &state)
        if spec.metrics.isEmpty {
            fixed(&draft, &state)
        } else {
            followMetrics(&draft, &state)
        }
        bound(&draft)
        idle(&draft, sample, &state)
        wake(&draft, sample, &state)
        commit(draft, &state)
        return decision(draft, state)
    }

    /// A request is held and no replica is there: what to start at once, without a sample. Nil where some are asked for.
    package func wake(_ state: inout ScalingState) -> ScalingDecision? {
        state.lastRequest = now.monotonic
        guard state.desired == 0 else {
            state.isWanted = true
            return nil
        }
        var draft = Draft(previous: 0, readings: [], isRollingOut: false)
        state.isWanted = false
        wakeUp(&draft, &state)
        commit(draft, &state)
        return decision(draft, state)
    }

    // MARK: Where the number comes from

    /// Without metrics: the number set by hand, or the least that is allowed.
    private func fixed(_ draft: inout Draft, _ state: inout ScalingState) {
        if let manual = state.manual, bounds.since ?? manual.since <= manual.since {
            draft.desired = manual.replicas
            draft.cause = .manual
        } else {
            state.manual = nil
            // One that a request woke stays, until `idle` takes it: minReplicas may be 0.
            draft.desired = max(bounds.lower, min(draft.previous, 1))
            draft.cause = .bounds
        }
        guard draft.desired < draft.previous, draft.isRollingOut else { return }
        draft.hold(.rollout)
    }

    private func followMetrics(_ draft: inout Draft, _ state: inout ScalingState) {
        if let manual = state.manual, !manual.isApplied {
            guard manual.replicas >= draft.previous || !draft.isRollingOut else { return draft.hold(.rollout) }
            state.manual?.isApplied = true
            draft.desired = manual.replicas
            draft.cause = .manual
            return
        }
        record(draft, &state)
        let asked = draft.asked ?? draft.previous
        let up = state.recommendations.up(window: behavior.scaleUp.stabilizationWindow, now: now.monotonic)
        let down = state.recommendations.down(window: behavior.scaleDown.stabilizationWindow, now: now.monotonic)
        if let up, up > draft.previous {
            step(to: up, behavior.scaleUp, last: state.lastUp, &draft)
        } else if let down, down < draft.previous, draft.missing == nil {
            guard !draft.isRollingOut else { return draft.hold(.rollout) }
            step(to: down, behavior.scaleDown, last: state.lastDown, &draft)
        } else if asked != draft.previous, draft.missing == nil, bounds.clamp(asked) == draft.previous {
            draft.limit(to: bounds, asked: asked)
        } else if asked > draft.previous {
            draft.limits.append(.window(recommended: asked, behavior.scaleUp.stabilizationWindow))
        } else if asked < draft.previous {
            if let missing = draft.missing {
                draft.limits.append(.missing(metric: missing.name))
            } else {
                draft.limits.append(.window(recommended: asked, behavior.scaleDown.stabilizationWindow))
            }
        } else if let missing = draft.missing {
            draft.limits.append(.missing(metric: missing.name))
        }
        if state.manual?.replicas == draft.desired, draft.desired == draft.previous { draft.cause = .manual }
    }

    /// Steps 6 and 7 of the algorithm: the largest of the recommendations goes into the windows.
    private func record(_ draft: Draft, _ state: inout ScalingState) {
        let up = draft.asked ?? (draft.missing == nil ? draft.previous : nil)
        let down = draft.missing == nil ? draft.asked ?? draft.previous : max(draft.asked ?? 0, draft.previous)
        let longest = max(behavior.scaleUp.stabilizationWindow, behavior.scaleDown.stabilizationWindow)
        if state.recommendations.prune(window: longest, now: now.monotonic) {
            state.recommendations.restart(with: draft.previous, at: now.monotonic)
        }
        state.recommendations.add(
            Recommendations.Entry(at: now.monotonic, up: up, down: down), window: longest)
    }

    /// Step 8: cooldown, then maxStep.
    private func step(to target: Int, _ rules: ScalingBehavior.Rules, last: Duration?, _ draft: inout Draft) {
        let goal = bounds.clamp(target)
        guard goal != draft.previous, (goal > draft.previous) == (target > draft.previous) else {
            return draft.limit(to: bounds, asked: target)
        }
        if let last, now.monotonic - last < rules.cooldown {
            draft.hold(.cooldown(until: now.wall + (last + rules.cooldown - now.monotonic)))
            return
        }
        draft.desired = goal
        if let most = rules.maxStep, abs(goal - draft.previous) > most {
            draft.desired = draft.previous + (goal > draft.previous ? most : -most)
            draft.limits.append(.step(most))
        } else {
            draft.limit(to: bounds, asked: target)
        }
        draft.cause = .metrics
        if rules.cooldown > .zero { draft.notBefore = now.wall + rules.cooldown }
    }

    // MARK: What wins over it

    /// Bounds are what people wrote: they act at once, without window, step or cooldown.
    private func bound(_ draft: inout Draft) {
        let clamped = bounds.clamp(draft.desired)
        guard clamped != draft.desired else { return }
        if clamped < draft.previous, draft.isRollingOut { return draft.hold(.rollout) }
        draft.limits = []
        draft.limit(to: bounds, asked: draft.desired)
        draft.desired = clamped
        draft.notBefore = nil
        draft.cause = .bounds
    }

    private func noteActivity(_ sample: ServiceSample, _ readings: [MetricReading], _ state: inout ScalingState) {
        let series = Set(spec.metrics.compactMap { if case .series(let name, _, _) = $0 { name } else { nil } })
        let isBusy = readings.contains { series.contains($0.name) && ($0.ratio ?? 0) > 0 }
        // Where nobody knows whether requests came, that is no reason to stop, nor to start.
        if state.isWanted || isBusy || (sample.requests ?? (state.isIdle ? 0 : 1)) > 0 {
            state.lastRequest = now.monotonic
        }
        if state.lastRequest == nil { state.lastRequest = now.monotonic }
    }

    private func idle(_ draft: inout Draft, _ sample: ServiceSample, _ state: inout ScalingState) {
        guard let idle = spec.idle, let last = state.lastRequest, now.monotonic - last >= idle.after else {
            state.isIdle = false
            return
        }
        let floor = max(idle.to, min(spec.minAvailable, bounds.upper))
        guard floor < draft.desired else { return }
        if !state.isIdle {
            if let missing = draft.missing { return draft.hold(.missing(metric: missing.name)) }
            if draft.isRollingOut { return draft.hold(.rollout) }
        }
        state.isIdle = true
        state.manual = nil
        draft.limits = floor > idle.to ? [.minAvailable(spec.minAvailable)] : []
        draft.desired = floor
        draft.notBefore = nil
        draft.cause = .idle
    }

    private func wake(_ draft: inout Draft, _ sample: ServiceSample, _ state: inout ScalingState) {
        let isWanted = state.isWanted || (sample.requests ?? 0) > 0
        state.isWanted = false
        guard draft.previous == 0, isWanted, bounds.upper > 0 else { return }
        let asked = draft.desired
        wakeUp(&draft, &state)
        draft.desired = max(draft.desired, asked)
    }

    private func wakeUp(_ draft: inout Draft, _ state: inout ScalingState) {
        draft.desired = min(max(1, bounds.lower), bounds.upper)
        draft.cause = .wanted
        state.manual = nil
        draft.limits = []
        draft.notBefore = nil
        state.isIdle = false
    }

    // MARK: Remembering

    private func commit(_ draft: Draft, _ state: inout ScalingState) {
        state.desired = draft.desired
        guard draft.desired != draft.previous else { return }
        state.lastChange = now.monotonic
        switch draft.cause {
        case .metrics:
            state.manual = nil
            if draft.desired > draft.previous { state.lastUp = now.monotonic } else { state.lastDown = now.monotonic }
        case .idle, .wanted:
            // What was asked for before belongs to another number.
            state.recommendations.restart(with: draft.desired, at: now.monotonic)
        case .manual, .bounds, .steady:
            break
        }
    }

    private func decision(_ draft: Draft, _ state: ScalingState) -> ScalingDecision {
        ScalingDecision(
            desired: draft.desired, previous: draft.previous, cause: draft.cause,
            reason: Reason(planner: self, draft: draft, manual: state.manual).sentence,
            metrics: draft.readings, limits: draft.limits, notBefore: draft.notBefore)
    }
}

/// A decision in the making.
struct Draft {
    let previous: Int
    let readings: [MetricReading]
    let isRollingOut: Bool
    var desired: Int
    var cause = ScalingDecision.Cause.steady
    var limits: [ScalingLimit] = []
    var notBefore: Timestamp?

    init(previous: Int, readings: [MetricReading], isRollingOut: Bool) {
        self.previous = previous
        self.readings = readings
        self.isRollingOut = isRollingOut
        desired = previous
    }

    /// The metric that asks for most; the first of equals.
    var deciding: MetricReading? {
        var best: MetricReading?
        for reading in readings {
            if let number = reading.recommendation, number > best?.recommendation ?? -1 { best = reading }
        }
        return best
    }

    var asked: Int? { deciding?.recommendation }
    var missing: MetricReading? { readings.first(where: \.isMissing) }

    mutating func hold(_ limit: ScalingLimit) {
        desired = previous
        cause = .steady
        notBefore = nil
        limits.append(limit)
    }

    mutating func limit(to bounds: BoundsInForce, asked: Int) {
        if asked > bounds.upper { limits.append(.maxReplicas(bounds.upper)) }
        guard asked < bounds.lower else { return }
        limits.append(
            bounds.lower > bounds.minReplicas ? .minAvailable(bounds.lower) : .minReplicas(bounds.lower))
    }
}
