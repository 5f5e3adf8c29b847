import AloftModel
import AloftSystem

/// How facts come in and decisions go out. Nothing here waits.
extension Compute {
    var now: MonotonicTime { configuration.clock.now }
    var wallTime: Timestamp { Timestamp(nanoseconds: configuration.clock.wallNanoseconds) }

    // MARK: services

    func put(_ target: ServiceTarget) {
        let spec = target.spec
        guard var service = services[spec.name] else {
            services[spec.name] = ServiceFacts(set(target, desired: spec.scaling.minReplicas))
            return note(.notice, "service.added", spec.name, "\(spec.scaling.minReplicas) replicas")
        }
        let wasRemoved = service.isRemoved
        service.isRemoved = false
        service.promote(target.release)
        services[spec.name] = service
        let running = service.primary.release
        if running != target.release { rename(running, to: target.release, of: service) }
        take(target)
        let desired = service.primary.wanted.count
        resize(spec.name, target.release, wasRemoved ? spec.scaling.minReplicas : spec.scaling.bounded(desired))
    }

    /// A release that comes without a rollout takes over the replicas of the one before, to replace them one at a time.
    private func rename(_ old: Int, to new: Int, of service: ServiceFacts) {
        services[service.name]?.primary.release = new
        for id in replicas.keys where id.service == service.name && replicas[id]?.set == old { replicas[id]?.set = new }
        services[service.name]?.primary.forgive()
        note(.notice, "service.changed", service.name, "its replicas are replaced, one at a time")
    }

    /// Puts another spec of the same release in force: what can be changed without touching a process is.
    func take(_ target: ServiceTarget) {
        let spec = target.spec
        guard var set = services[spec.name]?[target.release] else { return }
        let digest = SpecDigest.of(spec, host: set.host)
        if digest != set.digest {
            set.digest = digest
            set.forgive()
            note(.notice, "service.changed", spec.name, "its replicas are replaced, one at a time")
        } else if spec.restart != set.spec.restart {
            set.forgive()
        }
        set.spec = spec
        set.isUnknown = false
        services[spec.name]?[target.release] = set
        for id in replicas.keys where id.service == spec.name && replicas[id]?.set == target.release {
            act(id) { $0.update(probes: spec.probes, stop: spec.stop, settles: spec.settles, at: $1) }
        }
    }

    /// Changes how many replicas a set has; those that are not ready are the first to go.
    func resize(_ name: String, _ release: Int, _ count: Int) {
        let ready = replicas.values.filter { state in
            state.id.service == name && state.set == release && (state.machine.inRotation || isTrusted(state))
        }
        services[name]?[release]?.resize(to: count, ready: Set(ready.map(\.id.index)))
    }

    func set(_ target: ServiceTarget, desired: Int) -> SetFacts {
        SetFacts(target, desired: desired, host: host)
    }

    /// The set that looks after a process.
    func set(of state: ReplicaFacts) -> SetFacts? { services[state.id.service]?[state.set] }

    func remove(_ name: String) {
        guard services[name]?.isRemoved == false else { return }
        services[name]?.isRemoved = true
        note(.notice, "service.removed", name, "its replicas are stopped")
    }

    // MARK: planning

    /// Asks the planner what to do about a service and has it done.
    func advance(_ name: String) {
        guard jobs != nil else { return }
        let decision = decide(name)
        let needed = services[name]?.primary.spec.dependsOn ?? []
        for action in decision.actions {
            switch action {
            case .start(let index, let release): startInTurn(name, release, index)
            case .stop(let id, let reason): stop(id, reason)
            }
        }
        if let time = decision.nextWake { wake(name, at: time) }
        forgetWhatLeft(name)
        advanceOthers(of: name, needed: needed)
        resumeWaiters()
    }

    /// Starts a replica, unless its service never ran and what it depends on is not ready.
    private func startInTurn(_ name: String, _ release: Int, _ index: Int) {
        // It runs only for the sake of others that end before it.
        guard let service = services[name], !isStopping, !service.isRemoved else { return }
        let missing = waitsFor(service)
        if !missing.isEmpty { return hold(name, missing) }
        services[name]?.hasBegun = true
        start(name, release, index)
    }

    private func forgetWhatLeft(_ name: String) {
        guard let service = services[name] else { return }
        let present = Set(replicas.values.filter { $0.id.service == name }.map(\.set))
        for set in service.others.values where set.isLeaving && !present.contains(set.release) {
            services[name]?.others[set.release] = nil
        }
        guard service.isRemoved, present.isEmpty else { return }
        services[name] = nil
        order.removeAll { $0 == name }
    }

    func decide(_ name: String) -> ServicePlanner.Decision {
        guard let service = services[name] else { return ServicePlanner.Decision() }
        let mine = Dictionary(grouping: replicas.values.filter { $0.id.service == name }, by: \.set)
        let sets = service.sets.map { set in
            ServicePlanner.ReplicaSet(
                release: set.release, wanted: set.wanted,
                processes: (mine[set.release] ?? []).map { process($0, set) },
                slots: set.slots.mapValues { .init(notBefore: $0.notBefore, isFinished: $0.isFinished) },
                isInRotation: service.isInRotation(set), isLeaving: set.isLeaving)
        }
        return ServicePlanner.decide(
            sets: sets, minAvailable: service.primary.spec.scaling.minAvailable,
            isEnding: (isStopping || service.isRemoved) && !isNeededToTheEnd(name), now: now)
    }

    private func process(_ state: ReplicaFacts, _ set: SetFacts) -> ServicePlanner.Process {
        let machine = state.machine
        let condition: ServicePlanner.Process.Condition =
            switch machine.phase {
            case .sweeping where !machine.stopAsked: .ended
            case _ where machine.isEnding: .stopping
            case .ready: .ready
            case _ where isTrusted(state): .adopting
            default: .unready
            }
        return ServicePlanner.Process(
            id: state.id, condition: condition, isCurrent: isCurrent(state, set),
            condemnedSince: machine.condemnedSince)
    }

    func isCurrent(_ state: ReplicaFacts, _ set: SetFacts) -> Bool {
        state.release == set.release && state.digest == set.digest && state.epoch == set.epoch
    }

    func isTrusted(_ state: ReplicaFacts) -> Bool {
        guard let adopted = state.adoptedAt, !state.machine.wasReady else { return false }
        return now - adopted < ReplicaFacts.adoptionTrust
    }

    /// Asks the planner again at a time; an earlier one that is already due makes a later one needless.
    func wake(_ name: String, at time: MonotonicTime) {
        if let due = services[name]?.wakeAt, due <= time, due > now { return }
        services[name]?.wakeAt = time
        let clock = configuration.clock
        jobs?.yield {
            do {
                try await clock.sleep(until: time)
            } catch {
                return
            }
            await self.woken(name, at: time)
        }
    }

    private func woken(_ name: String, at time: MonotonicTime) {
        if services[name]?.wakeAt == time { services[name]?.wakeAt = nil }
        advance(name)
    }

    // MARK: replicas

    private func start(_ name: String, _ release: Int, _ index: Int) {
        guard var service = services[name], var set = service[release] else { return }
        let generation = (service.generations[index] ?? 0) + 1
        service.generations[index] = generation
        var slot = set.slots[index] ?? SlotFacts()
        slot.lastGeneration = generation
        slot.starts += 1
        slot.notBefore = nil
        slot.hasFailed = false
        set.slots[index] = slot
        service[release] = set
        services[name] = service
        let id = ReplicaID(service: name, index: index, generation: generation)
        let order = LaunchOrder(
            id: id, service: set.spec, host: set.host, specDigest: set.digest, preferredPort: slot.lastPort)
        begin(id, .launch(order), set)
    }

    private func stop(_ id: ReplicaID, _ reason: ServicePlanner.Reason) {
        replicas[id]?.stopReason = reason
        let phase = replicas[id]?.machine.phase
        act(id) { $0.handle(.stopAsked, at: $1) }
        if phase != replicas[id]?.machine.phase { replicas[id]?.since = wallTime }
    }

    func begin(_ id: ReplicaID, _ beginning: ReplicaRunner.Beginning, _ set: SetFacts) {
        guard let jobs else { return }
        let (steps, continuation) = AsyncStream.makeStream(of: ReplicaRunner.Step.self)
        var state = ReplicaFacts(
            id: id, release: set.release, set: set.release,
            machine: ReplicaMachine(
                probes: set.spec.probes, stop: set.spec.stop, settles: set.spec.settles, now: now),
            digest: set.digest, epoch: set.epoch, steps: continuation, begun: now, since: wallTime)
        if case .adopt(let record) = beginning {
            state.digest = record.specDigest
            if record.restartAsked { state.epoch -= 1 }
            state.adoptedAt = now
        }
        replicas[id] = state
        let prober = Prober(hostEnvironment: set.host, clock: configuration.clock)
        let runner = ReplicaRunner(
            id: id, release: set.release, beginning: beginning, steps: steps, driver: driver, ports: ports,
            clock: configuration.clock, prober: prober, logger: logger, compute: self)
        jobs.yield { await runner.run() }
    }

    /// Lets the machine of a process decide and hands what it decided to the runner.
    func act(
        _ id: ReplicaID, _ decide: (inout ReplicaMachine, MonotonicTime) -> [ReplicaMachine.Action]
    ) {
        guard var state = replicas[id] else { return }
        let actions = decide(&state.machine, now)
        replicas[id] = state
        for action in actions {
            var round = 0
            if case .probe(let kind) = action { round = state.machine.round(of: kind) }
            state.steps.yield(.act(action, probeRound: round))
        }
    }

    /// A fact from a runner.
    func report(_ event: ReplicaMachine.Event, from id: ReplicaID, _ facts: ReplicaRunner.Findings) {
        guard let before = replicas[id] else { return }
        if let replica = facts.replica {
            replicas[id]?.running = replica
            // A restart that was asked for while it was being made.
            if let state = replicas[id], let set = set(of: state), state.epoch != set.epoch { rewriteRecord(of: id) }
        }
        if let cause = facts.cause { replicas[id]?.cause = cause }
        act(id) { $0.handle(event, at: $1) }
        changed(id, from: before, facts)
        if replicas[id]?.machine.phase == .gone { replicas[id] = nil }
        advance(id.service)
    }

    func firstProbe(_ kind: ProbeKind, _ round: Int, of id: ReplicaID) -> NextProbe? {
        guard let state = replicas[id], state.machine.round(of: kind) == round else { return nil }
        return nextProbe(kind, of: id, after: state.machine.firstDelay(kind))
    }

    func probed(_ kind: ProbeKind, _ round: Int, _ answer: ProbeAnswer, of id: ReplicaID) -> NextProbe? {
        guard let before = replicas[id], before.machine.round(of: kind) == round else { return nil }
        act(id) { $0.handle(.probed(kind, passed: answer.passed), at: $1) }
        let streak = replicas[id]?.machine.gate(kind)?.streak ?? 1
        replicas[id]?.answers[kind] = ProbeStatus(
            kind: kind, passed: answer.passed, text: answer.text, time: wallTime, streak: streak)
        if let place = answer.listens { noteElsewhere(place, id) }
        changed(id, from: before, ReplicaRunner.Findings())
        if before.machine.phase != replicas[id]?.machine.phase
            || before.machine.condemned != replicas[id]?.machine.condemned
        {
            advance(id.service)
        }
        guard let delay = replicas[id]?.machine.nextDelay(kind, round: round, at: now) else { return nil }
        return nextProbe(kind, of: id, after: delay)
    }

    /// Writes down what a next daemon has to know of a running replica besides what was known at its start.
    func rewriteRecord(of id: ReplicaID) {
        guard let state = replicas[id], var record = state.running?.record else { return }
        record.release = state.release
        record.restartAsked = set(of: state).map { state.epoch != $0.epoch } ?? false
        state.steps.yield(.rewrite(record))
    }

    func checkedReachable(_ answer: ProbeAnswer, of id: ReplicaID) {
        replicas[id]?.isBeingChecked = false
        guard !answer.passed, replicas[id]?.machine.inRotation == true else { return }
        replicas[id]?.answers[.readiness] = ProbeStatus(
            kind: .readiness, passed: false, text: answer.text, time: wallTime, streak: 1)
        report(.unreachable, from: id, ReplicaRunner.Findings())
    }

    /// Once for each process: who starts an app in the foreground is to see why it does not get ready.
    private func noteElsewhere(_ place: String, _ id: ReplicaID) {
        guard replicas[id]?.isKnownToListenElsewhere == false else { return }
        replicas[id]?.isKnownToListenElsewhere = true
        note(.warning, "replica.elsewhere", id.name, "is not ready: \(place)")
    }

    private func nextProbe(_ kind: ProbeKind, of id: ReplicaID, after delay: Duration) -> NextProbe? {
        guard let state = replicas[id], let service = set(of: state)?.spec, let spec = service.probes.spec(kind)
        else { return nil }
        return NextProbe(delay: delay, spec: spec, service: service)
    }
}

/// When and how a probe is asked next.
struct NextProbe: Sendable {
    var delay: Duration
    var spec: ProbeSpec
    var service: ServiceSpec
}
