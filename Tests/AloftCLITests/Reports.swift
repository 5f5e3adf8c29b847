import AloftDaemon
import AloftModel

/// Reports of a rollout for the tests.
enum Reports {
    static let start = Timestamp(nanoseconds: 1_795_212_740_000_000_000)

    static func rollout(
        release: Int = 7, phase: String = "shifting", step: Int = 2, weight: Double = 12.5,
        message: String = "12.5% for 2m, 1m10s left", isPaused: Bool = false,
        intervals: [RolloutReport.Interval] = [], verdict: String? = nil, outcome: RolloutReport.Outcome? = nil
    ) -> RolloutReport {
        RolloutReport(
            service: "web", release: release, stable: 6, strategy: "canary", by: "ana", started: start, phase: phase,
            step: step, steps: 4, weight: weight, ready: 1, desired: 1, stableReady: 4, stableDesired: 4,
            message: message, isPaused: isPaused, intervals: intervals, verdict: verdict, outcome: outcome)
    }

    static let intervals: [RolloutReport.Interval] = [
        .init(
            canaryRequests: 0, canaryErrors: nil, canaryP95: nil, stableRequests: 900, stableErrors: 0.001,
            stableP95: 0.039),
        .init(
            canaryRequests: 50, canaryErrors: 0.2, canaryP95: 0.08, stableRequests: 910, stableErrors: 0,
            stableP95: 0.04),
        .init(
            canaryRequests: 51, canaryErrors: 0.1, canaryP95: 1.25, stableRequests: 905, stableErrors: 0.001,
            stableP95: 0.04),
    ]
}
