import AloftModel

/// The sentence that says why the number is what it is.
struct Reason {
    let planner: Planner
    let draft: Draft
    let manual: ScalingState.Manual?

    var sentence: String {
        let tail = limits.joined(separator: ", ")
        return "\(draft.desired): \(cause)" + (tail.isEmpty ? "" : "; \(tail)")
    }

    private var cause: String {
        switch draft.cause {
        case .metrics: metrics
        case .steady: steady
        case .bounds: bounds
        case .idle: "no request for \(planner.spec.idle?.after.quantity ?? "some time")"
        case .wanted: "a request came while there was no replica"
        case .manual: byHand
        }
    }

    private var metrics: String {
        let behavior = planner.behavior
        let rules = draft.desired > draft.previous ? behavior.scaleUp : behavior.scaleDown
        let window = rules.stabilizationWindow
        return phrase + (window > .zero ? " for \(window.quantity)" : "")
    }

    private var steady: String {
        if let missing = draft.missing, limitsNameMissing {
            let problem = missing.problem.map { " (\($0))" } ?? ""
            return "\(missing.name) is missing\(problem)"
        }
        guard let asked = draft.asked else {
            return draft.readings.compactMap(\.problem).first ?? "no metric has a value yet"
        }
        return asked == draft.previous ? phrase : "\(phrase) asks for \(asked)"
    }

    private var limitsNameMissing: Bool {
        draft.limits.contains { if case .missing = $0 { true } else { false } }
    }

    private var bounds: String {
        let inForce = planner.bounds
        let name =
            draft.desired == inForce.minReplicas
            ? "minReplicas" : draft.desired == inForce.upper ? "maxReplicas" : "minAvailable"
        guard draft.desired == inForce.lower || draft.desired == inForce.upper else {
            return "a request came; minReplicas is \(inForce.minReplicas)"
        }
        guard let schedule = inForce.schedule, name != "minAvailable" else { return "\(name) \(draft.desired)" }
        let until = inForce.until.map { " until \(clock($0))" } ?? ""
        return "\(name) \(draft.desired) by the schedule \(schedule)\(until)"
    }

    private var byHand: String {
        let since = manual.map { " at \(clock($0.since))" } ?? ""
        guard !planner.spec.metrics.isEmpty else { return "set by hand\(since)" }
        let up = planner.behavior.scaleUp.stabilizationWindow.quantity
        let down = planner.behavior.scaleDown.stabilizationWindow.quantity
        return "set by hand\(since), until metrics ask for more for \(up) or for fewer for \(down)"
    }

    /// `p95 612 ms over 500 ms`, of the metric that decides.
    private var phrase: String {
        guard let reading = draft.deciding else { return "no metric has a value" }
        guard let current = reading.current else { return reading.problem ?? "\(reading.name) has no value" }
        let ratio = reading.ratio ?? 1
        let asked = reading.recommendation ?? draft.previous
        let word = asked == draft.previous ? "of" : ratio > 1 ? "over" : "under"
        return "\(reading.name) \(current) \(word) \(reading.target)"
    }

    private var limits: [String] {
        var texts = draft.cause == .bounds ? [] : draft.limits.map(text)
        if let time = draft.notBefore { texts.append("next change not before \(clock(time))") }
        return texts
    }

    private func text(_ limit: ScalingLimit) -> String {
        switch limit {
        case .window(_, let window): "not yet for \(window.quantity)"
        case .step(let step): "step \(step)"
        case .cooldown(let until): "next change not before \(clock(until))"
        case .minReplicas(let number): "minReplicas \(number)"
        case .maxReplicas(let number): "maxReplicas \(number)"
        case .minAvailable(let number): "minAvailable \(number)"
        case .missing: "not fewer without it"
        case .rollout: "not fewer during a rollout"
        }
    }

    /// `14:03` on the machine's clock, rounded up to whole minutes: "not before" must not name a time too early.
    private func clock(_ time: Timestamp) -> String {
        let local = (time + planner.offset).nanoseconds
        let minute: Int64 = 60_000_000_000
        let minutes = (local + minute - 1) / minute % 1440
        return "\(pad(minutes / 60)):\(pad(minutes % 60))"
    }

    private func pad(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
