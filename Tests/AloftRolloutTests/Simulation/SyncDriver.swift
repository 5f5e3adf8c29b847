import AloftModel
import AloftRollout

/// Drives the planner on a simulated world as `Rollouts` does, in one thread, and can be killed at any effect.
struct SyncDriver {
    /// The journal.
    struct Journal {
        var state: RolloutState
        var statuses: [Int: Release.Status]
        var gates: [GateRecord] = []
        var verdicts: [VerdictRecord] = []
        var current: Int? { statuses.first { $0.value == .current }?.key }
    }

    var world: World
    var journal: Journal
    let spec: ServiceSpec
    /// The daemon ends just before its effect of this number, once for each.
    var crashes: [Int] = []
    var effects = 0
    var log: [String] = []
    var events: [Event] = []
    var phases: [RolloutPhase] = []
    /// What people ask, by the time at which they do.
    var requests: [(Duration, RolloutRequest)] = []
    var refusals: [RolloutError] = []
    /// Broken rules.
    var violations: [String] = []

    // The daemon's own memory.
    private var split = RolloutFacts.Split.unknown
    private var known: Set<Int> = []
    private var leaving: Set<Int> = []
    private var workKey: String?
    private var work = RolloutFacts.Work.idle
    private var workEnds: Duration?
    private var lastProbe: Duration?
    private var bootTime = Duration.zero
    private var bootOffset = Duration.zero
    private var state: RolloutState

    init(_ world: World, _ spec: ServiceSpec, release: Int = 2, stable: Int? = 1) {
        self.world = world
        self.spec = spec
        state = RolloutState(
            service: spec.name, release: release, stable: stable, strategy: spec.deploy.strategy, by: "ann",
            began: Timestamp(nanoseconds: 0), migration: spec.release == nil ? .none : .pending)
        var statuses: [Int: Release.Status] = [release: .rollingOut]
        if let stable { statuses[stable] = .current }
        journal = Journal(state: state, statuses: statuses)
    }

    var wall: Timestamp { Timestamp(nanoseconds: 0) + world.time }

    /// Until the rollout has ended, or is frozen and stays so, or the time is over.
    mutating func run(for limit: Duration = .seconds(7200), stopFrozen: Bool = true) {
        let end = world.time + limit
        while world.time < end, !journal.state.phase.isEnd {
            if look() { continue }
            if stopFrozen, state.phase == .frozen, requests.isEmpty, split == .told(state.split) { break }
            world.advance()
            checkRules()
        }
    }

    /// Lets time pass without anybody looking at the rollout any more.
    mutating func settle(_ duration: Duration = .seconds(10)) {
        let end = world.time + duration
        while world.time < end { world.advance() }
    }

    // MARK: One look

    /// - Returns: True where it looks again at once.
    private mutating func look() -> Bool {
        answer()
        finishWork()
        leaving.formIntersection(world.groups.keys)
        let facts = self.facts()
        let before = state
        let step = RolloutPlanner.next(state, facts, spec: spec)
        var same = before
        same.time = step.state.time
        if same != step.state || !step.gates.isEmpty || step.verdict != nil || !step.statuses.isEmpty {
            guard effect() else { return true }
            write(step)
        }
        state = step.state
        tell()
        if !step.gates.isEmpty { workKey = nil }
        if state.phase != before.phase { return true }
        for action in step.actions {
            guard effect() else { return true }
            take(action)
        }
        return !step.gates.isEmpty
    }

    private func facts() -> RolloutFacts {
        RolloutFacts(
            time: bootOffset + (world.time - bootTime), wall: wall, wanted: world.wanted, sets: world.states(),
            split: split, numbers: world.numbers, work: workKey == key ? work : .idle, known: known,
            leaving: leaving, sinceProbe: lastProbe.map { world.time - $0 })
    }

    private var key: String { "\(state.phase)/\(state.step)" }

    private mutating func write(_ step: RolloutStep) {
        journal.state = step.state
        journal.gates += step.gates
        if let verdict = step.verdict { journal.verdicts.append(verdict) }
        for (release, change) in step.statuses { journal.statuses[release] = change.status }
        if phases.last != step.state.phase {
            phases.append(step.state.phase)
            note("-- \(step.state.phase.rawValue)")
        }
    }

    private mutating func tell() {
        for event in state.untold {
            events.append(event)
            note("\(event.kind) [\(event.severity.rawValue)] \(event.message)")
        }
        guard !state.untold.isEmpty else { return }
        state.untold = []
        journal.state = state
    }

    private mutating func answer() {
        while let (time, request) = requests.first, time <= world.time {
            requests.removeFirst()
            do throws(RolloutError) {
                let step = try RolloutPlanner.answer(
                    request, state, at: wall, time: bootOffset + (world.time - bootTime), spec: spec)
                write(step)
                state = step.state
                tell()
            } catch {
                refusals.append(error)
            }
        }
    }

    // MARK: Actions

    private mutating func take(_ action: RolloutAction) {
        switch action {
        case .split(let value):
            world.split = value
            split = .told(value)
        case .start(let release, let desired):
            world.start(release, desired)
            known.insert(release)
            leaving.remove(release)
        case .scale(let release, let desired): world.scale(release, desired)
        case .promote(let release): world.promote(release)
        case .remove(let release):
            if world.primary == release { violations.append("removes the primary") }
            if (world.split?.weights[release] ?? 0) > 0 { violations.append("removes a set that has a share") }
            world.remove(release)
            leaving.insert(release)
            known.remove(release)
        case .work: begin()
        case .probe(let requests):
            world.deliver(requests, to: state.release)
            lastProbe = world.time
        }
        if case .probe = action { return }
        if case .scale(_, let desired) = action, desired > 1 { return }
        note("   \(action.line)")
    }

    private mutating func begin() {
        workKey = key
        work = .running
        workEnds = world.time + .seconds(1)
        if state.phase == .migration { world.migrationsStarted += 1 }
    }

    private mutating func finishWork() {
        guard case .running = work, workKey == key, let workEnds, workEnds <= world.time else { return }
        let (stage, name): (GateRecord.Stage, String) =
            switch state.phase {
            case .gates: (.before, spec.deploy.gates.before[state.step].name)
            case .migration: (.migration, "release")
            default: (.after, spec.deploy.gates.after[state.step].rawValue)
            }
        if world.hangingCommands.contains(name) { return }
        let isBad =
            world.failingCommands.contains(name)
            || (stage == .after && GatesSpec.Check(rawValue: name).map(world.failingChecks.contains) == true)
        work = .finished(
            GateRecord(
                stage: stage, name: name, outcome: isBad ? .failed : .passed, time: wall, took: .seconds(1),
                detail: isBad ? "exit code 1" : "passed"))
    }

    // MARK: Crashes

    /// Counts one effect; false where the daemon ends before it, and another one starts.
    private mutating func effect() -> Bool {
        effects += 1
        guard let next = crashes.first, next <= effects else { return true }
        crashes.removeFirst()
        reboot()
        return false
    }

    private mutating func reboot() {
        note("!! killed")
        state = journal.state
        state.analysis.began = nil
        state.analysis.looked = nil
        state.analysis.passes = 0
        state.readiness.restart(at: state.time)
        workKey = nil
        work = .idle
        lastProbe = nil
        leaving = []
        known = []
        bootTime = world.time
        bootOffset = state.time
        // As `restore`: the primary of the journal's releases, the shares, then the numbers.
        let targets = [(state.stable, state.stableTarget), (state.release, state.canaryTarget)].compactMap { pair in
            pair.0.flatMap { release in pair.1.map { (release, $0) } }
        }
        world.restart(primary: journal.current ?? world.primary, targets: targets)
        world.split = state.split
        split = .told(state.split)
        for (release, desired) in targets {
            world.start(release, desired)
            known.insert(release)
        }
    }

    // MARK: Rules

    private mutating func checkRules() {
        if world.migrationsStarted > 1 { violations.append("the migration ran twice") }
        if !world.groups.values.contains(where: { !$0.isLeaving }) { violations.append("no set is left") }
        if let split = world.split {
            for (release, weight) in split.weights where weight > 0 && world.groups[release] == nil {
                violations.append("release \(release) has a share and no set at \(world.time.quantity)")
            }
        }
    }

    private mutating func note(_ line: String) { log.append("\(Self.clock(world.time)) \(line)") }

    private static func clock(_ time: Duration) -> String {
        let tenths = time.milliseconds / 100
        let seconds = tenths / 10
        let padded = String(repeating: "0", count: max(0, 4 - "\(seconds)".count)) + "\(seconds)"
        return "\(padded).\(tenths % 10)"
    }
}

extension RolloutAction {
    var line: String {
        switch self {
        case .split(let split): split.map { "split: canary \($0.canaryShare)" } ?? "no split"
        case .start(let release, let desired): "start release \(release): \(desired)"
        case .scale(let release, let desired): "scale release \(release): \(desired)"
        case .promote(let release): "promote release \(release)"
        case .remove(let release): "remove release \(release)"
        case .work: "run"
        case .probe(let requests): "probe \(requests)"
        }
    }
}
