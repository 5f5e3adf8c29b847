import AloftModel

/// Where a rollout is. The order of the cases is the order in which a good one passes them.
package enum RolloutPhase: String, Sendable, Hashable, Codable, CaseIterable {
    /// `gates.before`, one after the other.
    case gates
    /// `release.command`.
    case migration
    /// The new set starts; it is sent nothing yet.
    case starting
    /// Steps of a canary, batches of a rolling one.
    case shifting
    /// The new set is brought to the full number, then all requests go to it, then it becomes primary.
    case promoting
    /// `gates.after`.
    case checking
    /// Analysis after promotion, for `watch`.
    case watching
    /// The release has done all that was asked of it; a blue-green's old set stays up for the rest of `keep`.
    case keeping
    /// The old set is drained and removed.
    case cleaning
    /// It failed: stable is brought back to its full number, and ready.
    case restoring
    /// All requests go to stable again.
    case returning
    /// The new set is drained and removed.
    case removing
    /// Nothing is moved until a person says what next.
    case frozen
    /// Ended: the new release is current.
    case done
    /// Ended before anything was started.
    case failed
    /// Ended, stable is current.
    case rolledBack

    package var isEnd: Bool { self == .done || self == .failed || self == .rolledBack }
    package var isGoingBack: Bool { self == .restoring || self == .returning || self == .removing }
}

/// Why a rollout goes back or went back.
package enum RetreatCause: String, Sendable, Hashable, Codable {
    /// A verdict, a check, a set that does not become or stay ready.
    case failure
    /// `aloft abort`.
    case aborted
    /// Another release of the service takes over.
    case superseded
}

/// All that is needed to go on with a rollout: written down before each step is taken.
///
/// `time` is the rollout's own clock: it runs while a daemon does, so neither a clock that is set back nor a daemon that
/// is down for an hour skips a step.
package struct RolloutState: Sendable, Hashable, Codable {
    package var service: String
    package var release: Int
    /// Nil for the first release of a service: then there is nothing to go back to.
    package var stable: Int?
    package var strategy: DeploySpec.Strategy
    package var by: String
    /// Wall clock, for people.
    package var began: Timestamp
    package var phase: RolloutPhase = .gates
    /// Wall clock at which the phase began, for people.
    package var phaseBegan: Timestamp
    /// The rollout's clock when this was written.
    package var time: Duration = .zero
    /// The rollout's clock at which the present phase, gate or step began.
    package var since: Duration = .zero
    /// Which gate, canary step or check of the phase, from 0.
    package var step: Int = 0
    /// The share that the new release is to be sent now; without meaning while rolling.
    package var weight: Percent = Percent(0)
    /// Whether the edge is to follow `weight`; otherwise it treats all replicas alike.
    package var isSplit = false
    /// Replicas that each set is to have; nil where this rollout does not say.
    package var canaryTarget: Int?
    package var stableTarget: Int?
    /// The new set is primary and its release current.
    package var isPromoted = false
    /// No further step is taken; analysis goes on.
    package var isPaused = false
    /// `promote` was said: steps that are left are skipped.
    package var isHastened = false
    package var migration: MigrationState
    /// Names approved so far.
    package var approvals: [ApprovalRecord] = []
    package var readiness = ReadinessState()
    package var analysis = AnalysisState()
    /// Set where it goes back.
    package var cause: RetreatCause?
    /// Why it failed, was frozen or aborted, in one line.
    package var reason: String?
    /// What a replica of the new set printed last that ended or kept the set from being ready; nil while there is none.
    package var output: [String]?
    /// Where it was when it was frozen.
    package var frozenFrom: RolloutPhase?
    /// Number of the release that begins once this one has gone back.
    package var next: Int?
    /// What it waits for and has already said so, so that it is said once.
    package var announced: String?
    /// True where both releases run in one folder in place and the new code took the old one's place there: going back
    /// cannot bring the old code back. Nil is false, and what earlier versions wrote.
    package var replacesCode: Bool?
    /// Events that are told once this is written, and told again where the daemon ended in between.
    package var untold: [Event] = []

    package init(
        service: String, release: Int, stable: Int?, strategy: DeploySpec.Strategy, by: String, began: Timestamp,
        migration: MigrationState
    ) {
        self.service = service
        self.release = release
        self.stable = stable
        self.strategy = strategy
        self.by = by
        self.began = began
        self.phaseBegan = began
        self.migration = migration
    }

    /// Whether a driver still has to do something for it, a frozen one's shares and numbers included.
    package var isUnderWay: Bool { !phase.isEnd }

    /// What the edge is to do now.
    package var split: TrafficSplit? {
        guard isSplit, let stable else { return nil }
        return TrafficSplit(stable: stable, canary: release, canaryShare: weight)
    }
}

/// What is remembered about how the new set holds itself.
package struct ReadinessState: Sendable, Hashable, Codable {
    /// The most replicas that were ready at a time, of those still wanted.
    package var best: Int = 0
    /// The rollout's clock since which fewer are ready than wanted; nil while all are.
    package var lackingSince: Duration?
    /// Replicas that were ready and no longer were, each time counted.
    package var losses: Int = 0
    /// How many were ready when last looked at.
    package var last: Int = 0
    /// The set's crashes when last looked at.
    package var crashes: Int?
    /// Somebody had it tried again: what failed until then does not count.
    package var isTriedAgain: Bool?
    /// Failed starts that do not count.
    package var pardoned: Int?
    /// The rollout's clock when a daemon went on with it, until each replica that it found was asked once.
    package var restored: Duration?

    package init() {}

    /// Failed starts in a row since somebody had it tried again.
    mutating func counted(_ failedStarts: Int) -> Int {
        if isTriedAgain == true {
            isTriedAgain = nil
            pardoned = failedStarts
        }
        // A row that was broken by a good start begins anew.
        if failedStarts < pardoned ?? 0 { pardoned = nil }
        return failedStarts - (pardoned ?? 0)
    }

    /// Another daemon goes on; its counts begin anew.
    package mutating func restart(at time: Duration) {
        crashes = nil
        restored = time
    }

    /// The replicas are stopped with the daemon: that they are gone says nothing about them.
    mutating func forget() {
        best = 0
        last = 0
        lackingSince = nil
    }
}

/// What is remembered between two judgements.
package struct AnalysisState: Sendable, Hashable, Codable {
    /// The rollout's clock when the interval began; nil while nothing is judged.
    package var began: Duration?
    package var canary = ReleaseNumbers()
    package var stable = ReleaseNumbers()
    /// The rollout's clock of the last look at numbers too few to judge by.
    package var looked: Duration?
    /// Judgements in a row that were not "pass", insufficient ones not counted.
    package var failures: Int = 0
    /// "pass" since the weight last changed.
    package var passes: Int = 0
    package var last: Verdict?

    package init() {}
}
