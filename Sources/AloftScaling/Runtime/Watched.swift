import AloftModel

/// What the scaler keeps of one service.
struct Watched: Sendable {
    static let mostPoints = 240
    static let saveEvery = Duration.seconds(15)

    var service: ServiceSpec
    var state: ScalingState
    var points: [ScalingStatus.Point]
    var due: Duration
    var isBusy = false
    var decision: ScalingDecision?
    var bounds: BoundsInForce?
    /// Metrics that were reported as missing.
    var reported: Set<String> = []
    var savedAt: Duration?
    /// A failed save is logged once, until one succeeds.
    var isSaveFailing = false

    init(service: ServiceSpec, state: ScalingState, points: [ScalingStatus.Point], due: Duration) {
        self.service = service
        self.state = state
        self.points = points
        self.due = due
    }

    func isSaveDue(at now: Moment) -> Bool { savedAt.map { now.monotonic - $0 >= Self.saveEvery } ?? true }

    mutating func note(_ decision: ScalingDecision, _ sample: ServiceSample, bounds: BoundsInForce, at now: Moment) {
        self.decision = decision
        self.bounds = bounds
        let seconds = sample.elapsed.seconds
        points.append(
            ScalingStatus.Point(
                time: now.wall, desired: decision.desired,
                ready: sample.replicas.count { $0.readyFor != nil },
                requests: seconds > 0 ? sample.requests.map { Double($0) / seconds } : nil,
                pressure: decision.metrics.compactMap(\.ratio).filter(\.isFinite).max()))
        if points.count > Self.mostPoints { points.removeFirst(points.count - Self.mostPoints) }
    }

    /// A change once, a metric that goes missing once, and once when it is back.
    mutating func events(of decision: ScalingDecision, at time: Timestamp) -> [Event] {
        var events: [Event] = []
        func add(_ severity: Event.Severity, _ kind: String, _ message: String) {
            events.append(
                Event(time: time, severity: severity, kind: kind, subject: service.name, message: message))
        }
        if decision.changes { add(.notice, "service.scaled", "\(decision.previous) → \(decision.reason)") }
        for metric in decision.metrics where metric.isMissing && reported.insert(metric.name).inserted {
            let problem = metric.problem.map { ": \($0)" } ?? ""
            add(.warning, "scaling.metricMissing", "\(metric.name) is missing\(problem); not fewer replicas without it")
        }
        for metric in decision.metrics where metric.current != nil && reported.remove(metric.name) != nil {
            add(.notice, "scaling.metricBack", "\(metric.name) is back: \(metric.current ?? "")")
        }
        return events
    }

    func status(at now: Moment) -> ScalingStatus? {
        guard let decision, let bounds else { return nil }
        return ScalingStatus(
            service: service.name, desired: decision.desired, reason: decision.reason, metrics: decision.metrics,
            limits: decision.limits, notBefore: decision.notBefore, minReplicas: bounds.lower,
            maxReplicas: bounds.upper,
            schedule: bounds.schedule, nextScheduleChange: bounds.until, manual: state.manual?.replicas,
            lastChange: state.lastChange.map { now.wall + ($0 - now.monotonic) }, history: points)
    }
}
