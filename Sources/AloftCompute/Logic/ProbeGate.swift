import AloftModel
import AloftSystem

/// Turns the answers of one probe into decisions, by its thresholds.
///
/// Before the first decision neither has been decided: a streak of either kind decides.
package struct ProbeGate: Sendable, Hashable {
    package enum Decision: Sendable, Hashable { case passed, failed }

    package private(set) var decision: Decision?
    /// Answers in a row that were the same as the last one.
    package private(set) var streak = 0
    package private(set) var lastPassed: Bool?

    private let successThreshold: Int
    private let failureThreshold: Int
    private let period: Duration
    private var against = 0
    private var countedFailure: MonotonicTime?

    package init(
        successThreshold: Int, failureThreshold: Int, period: Duration, decision: Decision? = nil
    ) {
        self.successThreshold = successThreshold
        self.failureThreshold = failureThreshold
        self.period = period
        self.decision = decision
    }

    /// Feeds one answer.
    ///
    /// A replica that starts is asked more often than the file says, so that it is in rotation soon; failures are
    /// still counted once a period, so that it has the time to start that the file gives it.
    /// - Returns: The decision where this answer changed it.
    package mutating func answered(passed: Bool, at now: MonotonicTime) -> Decision? {
        streak = passed == lastPassed ? streak + 1 : 1
        if passed != lastPassed { against = 0 }
        lastPassed = passed
        if passed { countedFailure = nil }
        guard decision != (passed ? .passed : .failed) else { return nil }
        if !passed {
            if let counted = countedFailure, now - counted < period { return nil }
            countedFailure = now
        }
        against += 1
        guard against >= (passed ? successThreshold : failureThreshold) else { return nil }
        against = 0
        decision = passed ? .passed : .failed
        return decision
    }

    /// Something surer than the probe says that it failed: the next pass starts from nothing.
    package mutating func fail() {
        decision = .failed
        against = 0
    }
}
