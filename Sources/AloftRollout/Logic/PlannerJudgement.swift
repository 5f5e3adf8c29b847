import AloftModel

/// What the new set is judged by all along: that it stays ready, and how it answers.
extension RolloutPlanner {
    private static let judged: Set<RolloutPhase> = [.starting, .shifting, .promoting, .checking, .watching, .keeping]

    /// Replicas that end, that flap, and that never become ready.
    mutating func watchReadiness() {
        guard Self.judged.contains(state.phase), let target = state.canaryTarget ?? canary?.desired else { return }
        let ready = min(canary?.ready ?? 0, target)
        let crashes = state.readiness.observe(ready: ready, target: target, crashes: canary?.crashes, at: facts.time)
        let failedStarts = state.readiness.counted(canary?.failedStarts ?? 0)
        let trouble = self.trouble(ready: ready, target: target, crashes: crashes, failedStarts: failedStarts)
        // One that is merely starting has printed nothing that explains a failure.
        let hasEnded = crashes > 0 || failedStarts > 0 || canary?.isStuck == true
        if hasEnded || trouble != nil, let output = canary?.output, !output.isEmpty { state.output = output }
        if let trouble { fail(trouble + (canary?.failure.map { ": \($0)" } ?? "")) }
    }

    private func trouble(ready: Int, target: Int, crashes: Int, failedStarts: Int) -> String? {
        let readiness = state.readiness
        if target > 0 && crashes >= target { return "its replicas were ready and ended, \(crashes) in a moment" }
        if readiness.best > 0 && ready == 0 && target > 0 { return "none of its replicas is ready any more" }
        if readiness.losses >= max(Self.minLosses, (target + 1) / 2) {
            return "its replicas do not stay ready: lost \(readiness.losses) times"
        }
        guard ready < target else { return nil }
        if let canary, canary.isStuck || failedStarts >= deploy.maxCrashes {
            let times = failedStarts <= 1 ? "" : " \(failedStarts) times in a row"
            return "a replica ended\(times) before it was ready"
        }
        if let since = readiness.lackingSince, facts.time - since >= deploy.progressDeadline {
            return "\(ready) of \(target) replicas are ready after \(deploy.progressDeadline.quantity)"
        }
        return nil
    }

    /// Judges at the end of each interval; one with too few requests goes on.
    mutating func analyse() {
        guard let analysis = deploy.analysis, isAnalysed else {
            state.analysis.began = nil
            return
        }
        let canaryNow = facts.numbers[state.release] ?? ReleaseNumbers()
        let stableNow = state.stable.flatMap { facts.numbers[$0] } ?? ReleaseNumbers()
        guard let began = state.analysis.began else {
            state.analysis.begin(canary: canaryNow, stable: stableNow, at: facts.time)
            return
        }
        let canarySince = canaryNow.since(state.analysis.canary)
        if let probe = analysis.probeRequests, canarySince.requests < analysis.minRequests { send(probe) }
        // What came since the last judgement is judged as well, and a watch as short as an interval judges once.
        let isLast = state.phase == .watching && elapsed >= deploy.watch
        guard isLast || facts.time - (state.analysis.looked ?? began) >= analysis.interval else { return }
        let stableSince = stableNow.since(state.analysis.stable)
        let verdict = Analysis.judge(canary: canarySince, stable: stableSince, by: analysis)
        if case .insufficient = verdict {
            state.analysis.looked = facts.time
            if isLast { state.analysis.began = nil }
            return
        }
        step.verdict = VerdictRecord(
            time: facts.wall, weight: state.isSplit ? state.weight : Percent(100), verdict: verdict,
            canary: IntervalSample(canarySince), stable: IntervalSample(stableSince))
        let before = state.analysis.last
        state.analysis.begin(canary: canaryNow, stable: stableNow, at: facts.time)
        if isLast { state.analysis.began = nil }
        state.analysis.last = verdict
        act(on: verdict, before: before, limit: analysis.failureLimit)
    }

    /// A new release is judged while requests go to it: on the way there, and for `watch` after promotion.
    private var isAnalysed: Bool {
        switch state.phase {
        case .shifting, .promoting:
            !state.isHastened && (isWeighted ? state.weight > Percent(0) && isApplied : canary?.ready ?? 0 > 0)
        case .checking: deploy.watch > .zero
        case .watching:
            deploy.watch > .zero && !state.isHastened && (elapsed < deploy.watch || state.analysis.began != nil)
        default: false
        }
    }

    private mutating func act(on verdict: Verdict, before: Verdict?, limit: Int) {
        switch verdict {
        case .insufficient: return
        case .pass:
            state.analysis.failures = 0
            state.analysis.passes += 1
            if before?.name != verdict.name { tell("verdict", .notice, verdict.description) }
        case .fail, .inconclusive:
            state.analysis.failures += 1
            if state.analysis.failures <= limit {
                if before?.name != verdict.name {
                    tell("verdict", .warning, "\(verdict) (\(state.analysis.failures) of \(limit) let pass)")
                }
                return
            }
            if case .inconclusive = verdict {
                freeze("\(verdict)")
            } else {
                fail("\(verdict)")
            }
        }
    }

    /// Synthetic requests at the rate asked for, once a second or less often.
    private mutating func send(_ probe: AnalysisSpec.ProbeRequests) {
        let rate = probe.rate.perSecond
        guard rate > 0 else { return }
        let period = max(1, 1 / rate)
        if let since = facts.sinceProbe, Double(since.nanoseconds) / 1e9 < period { return }
        step.actions.append(.probe(requests: min(Self.maxProbes, max(1, Int((rate * period).rounded())))))
    }

    /// Synthetic requests in a second.
    package static let maxProbes = 100
}

extension ReadinessState {
    /// - Parameter crashes: Of the set since the daemon began; nil where there is no set.
    /// - Returns: Crashes since the last look.
    mutating func observe(ready: Int, target: Int, crashes: Int?, at time: Duration) -> Int {
        best = min(best, target)
        if ready >= target {
            lackingSince = nil
        } else if lackingSince == nil || ready > best {
            // One more that is ready is progress.
            lackingSince = time
        }
        // A daemon that began anew counts from 0.
        let crashed = crashes.map { max(0, $0 - (self.crashes ?? 0)) } ?? 0
        // Some of those that are missing have crashed, and some that crashed are back already.
        losses += max(crashed, min(last, target) - ready, 0)
        last = ready
        self.crashes = crashes
        best = max(best, ready)
        return crashed
    }
}

extension AnalysisState {
    mutating func begin(canary: ReleaseNumbers, stable: ReleaseNumbers, at time: Duration) {
        began = time
        looked = nil
        self.canary = canary
        self.stable = stable
    }
}
