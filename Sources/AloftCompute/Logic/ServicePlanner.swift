import AloftModel
import AloftSystem

/// Decides which replicas of one service are started and stopped now.
///
/// A function of facts alone: asked again after each change, it carries a rolling replacement, a change of scale or a
/// restart forward by one step, so that there is no plan that could be interrupted.
///
/// - Invariant: No stop brings the replicas in rotation below `minAvailable`, unless it is the service that ends, or a
///   replica whose liveness probe fails got no ready successor within `patience`.
/// - Invariant: At most one replica at a time has a successor that is not ready yet.
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

    package enum Reason: String, Sendable, Hashable {
        case removed = "the service ends"
        case scaledDown = "fewer replicas are wanted"
        case replaced = "a newer process has taken its place"
        case outdated = "it runs an older configuration and is not in rotation"
        case unhealthy = "its probe failed"
    }

    package enum Action: Sendable, Hashable {
        case start(index: Int)
        case stop(ReplicaID, Reason)
    }

    package struct Decision: Sendable, Hashable {
        package var actions: [Action] = []
        /// When to ask again though nothing has happened.
        package var nextWake: MonotonicTime?
        /// Everything is as it should be: nothing to start, nothing to replace, nobody awaited.
        package var isSettled = true
    }

    /// How long a replica whose liveness probe fails is kept for the sake of `minAvailable`.
    package static let patience = Duration.seconds(30)

    private let desired: Int
    private let minAvailable: Int
    private let processes: [Process]
    private let slots: [Int: Slot]
    private let now: MonotonicTime
    private var ready: Int
    private var surging: Bool
    private var decision = Decision()

    package static func decide(
        desired: Int, minAvailable: Int, processes: [Process], slots: [Int: Slot], now: MonotonicTime
    ) -> Decision {
        var planner = ServicePlanner(
            desired: desired, minAvailable: minAvailable, processes: processes, slots: slots, now: now)
        planner.stopSurplus()
        for index in stride(from: 1, through: desired, by: 1) { planner.tend(index) }
        return planner.decision
    }

    private init(
        desired: Int, minAvailable: Int, processes: [Process], slots: [Int: Slot], now: MonotonicTime
    ) {
        self.desired = desired
        self.minAvailable = minAvailable
        self.processes = processes
        self.slots = slots
        self.now = now
        ready = processes.count { $0.condition == .ready }
        let live = Dictionary(grouping: processes.filter(\.isLive), by: \.id.index)
        surging = live.contains { index, processes in index <= desired && processes.count > 1 }
    }

    /// Stops what has a higher index than is wanted, highest first, those out of rotation before the others.
    private mutating func stopSurplus() {
        let surplus = processes.filter { $0.id.index > desired && $0.isLive }
            .sorted { ($0.condition == .ready ? 1 : 0, -$0.id.index) < ($1.condition == .ready ? 1 : 0, -$1.id.index) }
        for process in surplus {
            decision.isSettled = false
            if desired == 0 {
                stop(process, .removed)
            } else if process.condition == .unready || (process.condition == .ready && ready > minAvailable) {
                stop(process, .scaledDown)
            }
        }
    }

    private mutating func tend(_ index: Int) {
        let mine = processes.filter { $0.id.index == index }
        let live = mine.filter(\.isLive).sorted { $0.id.generation < $1.id.generation }
        switch live.count {
        case 0: fill(index, ending: mine)
        case 1: keep(live[0])
        default: finishReplacement(live)
        }
    }

    /// Starts a process where there is none, unless the one before is still ending by its own doing.
    private mutating func fill(_ index: Int, ending: [Process]) {
        let slot = slots[index] ?? Slot()
        if slot.isFinished { return }
        decision.isSettled = false
        if ending.contains(where: { $0.condition == .ended || $0.condemnedSince != nil }) { return }
        start(index)
    }

    private mutating func start(_ index: Int) {
        if let notBefore = slots[index]?.notBefore, notBefore > now {
            wake(notBefore)
        } else {
            decision.actions.append(.start(index: index))
        }
    }

    /// Looks after the one process of an index.
    private mutating func keep(_ process: Process) {
        if process.condemnedSince != nil { return replaceCondemned(process) }
        guard process.isCurrent else {
            decision.isSettled = false
            switch process.condition {
            case .unready: return stop(process, .outdated)
            case .ready: return surge(process.id.index)
            case .adopting, .stopping, .ended: return
            }
        }
        if process.condition != .ready { decision.isSettled = false }
    }

    /// A replica that its probe condemns is restarted in place where enough others are in rotation; else it gets a
    /// successor first, but not for ever: it may be doing harm.
    private mutating func replaceCondemned(_ process: Process) {
        decision.isSettled = false
        let deadline = (process.condemnedSince ?? now) + Self.patience
        let spare = ready - 1 >= max(minAvailable, desired - 1)
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
        decision.isSettled = false
        let newest = live[live.count - 1]
        for process in live.dropLast() {
            if process.condition == .unready {
                stop(process, newest.condition == .ready ? .replaced : .outdated)
            } else if newest.condition == .ready && ready > minAvailable {
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
        if process.condition == .ready { ready -= 1 }
        decision.actions.append(.stop(process.id, reason))
    }

    private mutating func wake(_ time: MonotonicTime) {
        decision.nextWake = min(decision.nextWake ?? time, time)
    }
}
