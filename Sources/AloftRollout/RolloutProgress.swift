import AloftModel

/// A rollout as the command line shows it: one is sent for each change, and one for each interval of analysis.
package struct RolloutProgress: Sendable, Hashable, Codable {
    /// Ready and wanted replicas of one release.
    package struct Count: Sendable, Hashable, Codable {
        package var ready: Int
        package var desired: Int

        package init(ready: Int, desired: Int) {
            self.ready = ready
            self.desired = desired
        }
    }

    package var time: Timestamp
    package var service: String
    package var release: Int
    package var stable: Int?
    package var strategy: DeploySpec.Strategy
    package var by: String
    package var began: Timestamp
    package var phase: RolloutPhase
    package var phaseBegan: Timestamp
    /// From 1; 0 where the phase has no steps.
    package var step: Int
    package var steps: Int
    /// The gate, check or canary step that is under way: `integration-tests`, `10%`, `approve owner`.
    package var stepName: String?
    /// The share that the new release is sent; nil while all replicas are treated alike.
    package var weight: Percent?
    package var canaryReplicas: Count
    package var stableReplicas: Count
    /// The last judgement, with both releases' numbers over its interval; a new `time` in it is a new point to draw.
    package var verdict: VerdictRecord?
    /// When the step, the interval or the wait ends by itself, where that is known.
    package var next: Timestamp?
    /// "approval `owner`", "requests: 40 of 200", "2 of 3 replicas to be ready".
    package var waitingFor: String?
    package var isPaused: Bool
    package var isPromoted: Bool
    package var migration: MigrationState
    /// Set where it goes back or went back.
    package var cause: RetreatCause?
    /// Why it failed, was frozen or aborted.
    package var reason: String?
    /// Names of the approvals that this or a later step waits for.
    package var openApprovals: [String] = []
    /// The last line a gate or migration printed.
    package var output: String?
    /// A replica that ended before it was ready: which, how often, and why.
    package var trouble: String?
    /// What replicas that are not ready printed last; oldest first.
    package var lastLines: [String] = []

    package init(
        time: Timestamp, service: String, release: Int, stable: Int?, strategy: DeploySpec.Strategy, by: String,
        began: Timestamp, phase: RolloutPhase, phaseBegan: Timestamp, step: Int = 0, steps: Int = 0,
        stepName: String? = nil, weight: Percent? = nil, canaryReplicas: Count = Count(ready: 0, desired: 0),
        stableReplicas: Count = Count(ready: 0, desired: 0), verdict: VerdictRecord? = nil, next: Timestamp? = nil,
        waitingFor: String? = nil, isPaused: Bool = false, isPromoted: Bool = false, migration: MigrationState = .none,
        cause: RetreatCause? = nil, reason: String? = nil, output: String? = nil
    ) {
        self.time = time
        self.service = service
        self.release = release
        self.stable = stable
        self.strategy = strategy
        self.by = by
        self.began = began
        self.phase = phase
        self.phaseBegan = phaseBegan
        self.step = step
        self.steps = steps
        self.stepName = stepName
        self.weight = weight
        self.canaryReplicas = canaryReplicas
        self.stableReplicas = stableReplicas
        self.verdict = verdict
        self.next = next
        self.waitingFor = waitingFor
        self.isPaused = isPaused
        self.isPromoted = isPromoted
        self.migration = migration
        self.cause = cause
        self.reason = reason
        self.output = output
    }

    package var isEnd: Bool { phase.isEnd }
}
