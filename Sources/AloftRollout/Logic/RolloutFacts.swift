import AloftModel

/// All that is observed of a rollout at one moment.
package struct RolloutFacts: Sendable, Hashable {
    /// What the edge was last told by this daemon.
    package enum Split: Sendable, Hashable {
        case unknown
        case told(TrafficSplit?)
    }

    /// The command or check of the present phase and step.
    package enum Work: Sendable, Hashable {
        case idle
        case running
        case finished(GateRecord)
    }

    /// The rollout's clock.
    package var time: Duration
    package var wall: Timestamp
    /// Replicas that the service should have.
    package var wanted: Int
    package var sets: [SetState]
    package var split: Split
    package var numbers: [Int: ReleaseNumbers]
    package var work: Work
    /// Releases whose sets this daemon has started or set the number of.
    package var known: Set<Int>
    /// Releases whose sets this daemon has asked to go.
    package var leaving: Set<Int>
    /// Since the last synthetic requests were sent; nil where there were none. Zero while they are under way.
    package var sinceProbe: Duration?

    package init(
        time: Duration, wall: Timestamp, wanted: Int, sets: [SetState], split: Split = .unknown,
        numbers: [Int: ReleaseNumbers] = [:], work: Work = .idle, known: Set<Int> = [], leaving: Set<Int> = [],
        sinceProbe: Duration? = nil
    ) {
        self.time = time
        self.wall = wall
        self.wanted = wanted
        self.sets = sets
        self.split = split
        self.numbers = numbers
        self.work = work
        self.known = known
        self.leaving = leaving
        self.sinceProbe = sinceProbe
    }

    package func set(_ release: Int?) -> SetState? { sets.first { $0.release == release } }
}

/// What is done once the state is written. Each may be done again.
package enum RolloutAction: Sendable, Hashable {
    case split(TrafficSplit?)
    case start(release: Int, desired: Int)
    case scale(release: Int, to: Int)
    case promote(release: Int)
    case remove(release: Int)
    /// Begins the command or check of the state's phase and step; it goes on beside the rollout.
    case work
    case probe(requests: Int)
}

/// What follows from a state and facts.
package struct RolloutStep: Sendable, Hashable {
    /// To be written before the actions are taken.
    package var state: RolloutState
    package var actions: [RolloutAction] = []
    /// To be written with the release.
    package var gates: [GateRecord] = []
    package var verdict: VerdictRecord?
    package var statuses: [Int: StatusChange] = [:]

    package struct StatusChange: Sendable, Hashable {
        package var status: Release.Status
        package var reason: String?
    }
}
