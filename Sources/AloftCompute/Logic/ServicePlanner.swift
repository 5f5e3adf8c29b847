import AloftModel
import AloftSystem

/// Decides which replicas of one service are started and stopped now.
///
/// A function of facts alone: asked again after each change, it carries a rolling replacement, a change of scale or a
/// restart forward by one step, so that there is no plan that could be interrupted. Each set of replicas is looked after
/// by itself; what they share is the count of replicas in rotation.
///
/// - Invariant: No stop brings the replicas in rotation, of all sets that are sent requests, below `minAvailable` or
///   the number that was asked for, whichever is less; unless it is the service that ends, or a replica whose liveness
///   probe fails got no ready successor within `patience`.
/// - Invariant: At most one replica of a service at a time has a successor in its own set that is not ready yet.
package struct ServicePlanner: Sendable {
    /// One process.
    package struct Process: Sendable, Hashable {
        package enum Condition: Sendable, Hashable {
            /// Runs, or is being made; not in rotation.
            case unready
            /// In rotation.
            case ready
            /// Found running a moment ago and was most likely in rotation: not yet asked whether it is ready.
            case adopting
            /// Was told to end.
            case stopping
            /// Ended by itself, or could not be made; its remains are being removed.
            case ended
        }

        package var id: ReplicaID
        package var condition: Condition
        /// False where it runs an older configuration, or a restart was asked for since it started.
        package var isCurrent: Bool
        /// Since when it should be replaced because a probe says so.
        package var condemnedSince: MonotonicTime?

        package init(
            id: ReplicaID, condition: Condition, isCurrent: Bool = true, condemnedSince: MonotonicTime? = nil
        ) {
            self.id = id
            self.condition = condition
            self.isCurrent = isCurrent
            self.condemnedSince = condemnedSince
        }

        var isLive: Bool { condition == .ready || condition == .unready || condition == .adopting }
    }

    /// What is known of an index apart from its processes.
    package struct Slot: Sendable, Hashable {
        /// Before this time nothing is started.
        package var notBefore: MonotonicTime?
        /// The restart policy says that what ended stays so.
        package var isFinished: Bool

        package init(notBefore: MonotonicTime? = nil, isFinished: Bool = false) {
            self.notBefore = notBefore
            self.isFinished = isFinished
        }
    }

    /// The replicas of one release.
    package struct ReplicaSet: Sendable, Hashable {
        package var release: Int
        /// Indexes that should have a replica, lowest first; not counted from 1 without gaps where one that was not
        /// ready was the first to go.
        package var wanted: [Int]
        package var processes: [Process]
        package var slots: [Int: Slot]
        /// False where its replicas are sent no requests: they make nobody available, and any may stop at any time.
        package var isInRotation: Bool
        /// The set goes as a whole, once that leaves `minAvailable`.
        package var isLeaving: Bool

        package init(
            release: Int = 0, wanted: [Int], processes: [Process], slots: [Int: Slot] = [:], isInRotation: Bool = true,
            isLeaving: Bool = false
        ) {
            self.release = release
            self.wanted = wanted
            self.processes = processes
            self.slots = slots
            self.isInRotation = isInRotation
            self.isLeaving = isLeaving
        }

        fileprivate var ready: Int { processes.count { $0.condition == .ready } }
    }

    package enum Reason: String, Sendable, Hashable {
        case removed = "the service ends"
        case retired = "its release is taken out"
        case scaledDown = "fewer replicas are wanted"
        case replaced = "a newer process has taken its place"
        case outdated = "it runs an older configuration and is not in rotation"
        case unhealthy = "its probe failed"
    }

    package enum Action: Sendable, Hashable {
        case start(index: Int, release: Int = 0)
        case stop(ReplicaID, Reason)
    }

    package struct Decision: Sendable, Hashable {
        package var actions: [Action] = []
        /// When to ask again though nothing has happened.
        package var nextWake: MonotonicTime?
        /// Releases whose sets are not as they should be: something to start, to replace, or to wait for.
        package var unsettled: Set<Int> = []

        package var isSettled: Bool { unsettled.isEmpty }
    }

    /// How long a replica whose liveness probe fails is kept for the sake of `minAvailable`.
    package static let patience = Duration.seconds(30)

    /// In rotation in all sets together that never falls below by a stop.
    private let floor: Int
    private let isEnding: Bool
    private let now: MonotonicTime
    /// In rotation in all sets that are sent requests.
    private var ready: Int
    private var surging: Bool
    private var set: ReplicaSet
    /// In rotation in this set.
    private var readyOfSet = 0
    private var decision = Decision()

    /// - Parameter isEnding: The service ends: everything stops, whatever is left in rotation.
    package static func decide(
        sets: [ReplicaSet], minAvailable: Int, isEnding: Bool = false, now: MonotonicTime
    ) -> Decision {
        // What leaves is first to use what can be spared.
        let sets = sets.sorted { ($0.isLeaving ? 0 : 1, $0.release) < ($1.isLeaving ? 0 : 1, $1.release) }
        guard let first = sets.first else { return Decision() }
        let serving = sets.filter(\.isInRotation)
        let asked = serving.reduce(0) { $0 + ($1.isLeaving ? 0 : $1.wanted.count) }
        var planner = ServicePlanner(
            floor: min(minAvailable, asked), isEnding: isEnding, now: now,
            ready: serving.reduce(0) { $0 + $1.ready }, surging: sets.contains(where: hasSuccessor), set: first)
        for set in sets { planner.decide(set) }
        return planner.decision
    }

    private static func hasSuccessor(_ set: ReplicaSet) -> Bool {
        let live = Dictionary(grouping: set.processes.filter(\.isLive), by: \.id.index)
        return live.contains { index, processes in set.wanted.contains(index) && processes.count > 1 }
    }

    private init(
        floor: Int, isEnding: Bool, now: MonotonicTime, ready: Int, surging: Bool, set: ReplicaSet
    ) {
        self.floor = floor
        self.isEnding = isEnding
        self.now = now
        self.ready = ready
        self.surging = surging
        self.set = set
    }

    private mutating func decide(_ set: ReplicaSet) {
        self.set = set
        if isEnding || set.isLeaving { self.set.wanted = [] }
        readyOfSet = set.ready
        stopSurplus()
        for index in self.set.wanted { tend(index) }
        // A set that leaves has done so when the last of it has ended.
        if set.isLeaving && !set.processes.isEmpty { unsettle() }
    }

    /// Stops what has an index that is not wanted, highest first, those out of rotation before the others.
    private mutating func stopSurplus() {
        let wanted = Set(set.wanted)
        let surplus = set.processes.filter { !wanted.contains($0.id.index) && $0.isLive }
            .sorted { ($0.condition == .ready ? 1 : 0, -$0.id.index) < ($1.condition == .ready ? 1 : 0, -$1.id.index) }
        for process in surplus {
            unsettle()
            if isEnding {
                stop(process, .removed)
            } else if process.condition == .unready || canSpare(process) {
                stop(process, set.isLeaving ? .retired : .scaledDown)
            }
        }
    }

    /// One that was adopted a moment ago is waited for: whether it is in rotation is soon known.
    private func canSpare(_ process: Process) -> Bool {
        !set.isInRotation || (process.condition == .ready && ready > floor)
    }

    private mutating func tend(_ index: Int) {
        let mine = set.processes.filter { $0.id.index == index }
        let live = mine.filter(\.isLive).sorted { $0.id.generation < $1.id.generation }
        switch live.count {
        case 0: fill(index, ending: mine)
        case 1: keep(live[0])
        default: finishReplacement(live)
        }
    }

    /// Starts a process where there is none, unless the one before is still ending by its own doing.
    private mutating func fill(_ index: Int, ending: [Process]) {
        let slot = set.slots[index] ?? Slot()
        if slot.isFinished { return }
        unsettle()
        if ending.contains(where: { $0.condition == .ended || $0.condemnedSince != nil }) { return }
        start(index)
    }

    private mutating func start(_ index: Int) {
        if let notBefore = set.slots[index]?.notBefore, notBefore > now {
            wake(notBefore)
        } else {
            decision.actions.append(.start(index: index, release: set.release))
        }
    }

    /// Looks after the one process of an index.
    private mutating func keep(_ process: Process) {
        if process.condemnedSince != nil { return replaceCondemned(process) }
        guard process.isCurrent else {
            unsettle()
            switch process.condition {
            case .unready: return stop(process, .outdated)
            case .ready: return surge(process.id.index)
            case .adopting, .stopping, .ended: return
            }
        }
        if process.condition != .ready { unsettle() }
    }

    /// A replica that its probe condemns is restarted in place where enough others are in rotation; else it gets a
    /// successor first, but not for ever: it may be doing harm.
    private mutating func replaceCondemned(_ process: Process) {
        unsettle()
        let deadline = (process.condemnedSince ?? now) + Self.patience
        let spare = readyOfSet >= set.wanted.count && (!set.isInRotation || ready > floor)
        if process.condition == .unready || spare || deadline <= now { return stop(process, .unhealthy) }
        wake(deadline)
        surge(process.id.index)
    }

    /// Starts a successor beside a replica in rotation.
    private mutating func surge(_ index: Int) {
        if surging { return }
        let before = decision.actions.count
        start(index)
        surging = decision.actions.count > before
    }

    /// Two or more processes of one index: once the newest is ready the others go, unless a replica elsewhere that is
    /// down makes them needed.
    private mutating func finishReplacement(_ live: [Process]) {
        unsettle()
        let newest = live[live.count - 1]
        for process in live.dropLast() {
            if process.condition == .unready {
                stop(process, newest.condition == .ready ? .replaced : .outdated)
            } else if newest.condition == .ready && (!set.isInRotation || ready > floor) {
                stop(process, .replaced)
            } else if let since = process.condemnedSince {
                if since + Self.patience <= now { stop(process, .unhealthy) } else { wake(since + Self.patience) }
            }
        }
        // A successor that is itself outdated or sick gives way to the next one.
        if newest.condition == .unready, !newest.isCurrent || newest.condemnedSince != nil {
            stop(newest, newest.isCurrent ? .unhealthy : .outdated)
        }
    }

    private mutating func stop(_ process: Process, _ reason: Reason) {
        if process.condition == .ready {
            readyOfSet -= 1
            if set.isInRotation { ready -= 1 }
        }
        decision.actions.append(.stop(process.id, reason))
    }

    private mutating func unsettle() { decision.unsettled.insert(set.release) }

    private mutating func wake(_ time: MonotonicTime) {
        decision.nextWake = min(decision.nextWake ?? time, time)
    }
}
