import AloftModel
import AloftSystem

/// How facts come in and decisions go out. Nothing here waits.
extension Compute {
    var now: MonotonicTime { configuration.clock.now }
    var wallTime: Timestamp { Timestamp(nanoseconds: configuration.clock.wallNanoseconds) }

    // MARK: services

    func put(_ spec: ServiceSpec) {
        guard var service = services[spec.name] else {
            services[spec.name] = ServiceFacts(spec, host: configuration.hostEnvironment)
            note(.notice, "service.added", spec.name, "\(spec.scaling.minReplicas) replicas")
            return
        }
        let digest = SpecDigest.of(spec, host: configuration.hostEnvironment)
        if digest != service.digest {
            service.digest = digest
            service.forgive()
            note(.notice, "service.changed", spec.name, "its replicas are replaced, one at a time")
        } else if spec.restart != service.spec.restart {
            service.forgive()
        }
        let wasRemoved = service.isRemoved
        service.spec = spec
        service.isRemoved = false
        service.desired =
            wasRemoved
            ? spec.scaling.minReplicas
            : min(max(service.desired, spec.scaling.minReplicas), spec.scaling.maxReplicas)
        services[spec.name] = service
        for id in replicas.keys where id.service == spec.name {
            act(id) { $0.update(probes: spec.probes, stop: spec.stop, at: $1) }
        }
    }

    func remove(_ name: String) {
        guard services[name]?.isRemoved == false else { return }
        services[name]?.isRemoved = true
        services[name]?.desired = 0
        note(.notice, "service.removed", name, "its replicas are stopped")
    }

    // MARK: planning

    /// Asks the planner what to do about a service and has it done.
    func advance(_ name: String) {
        guard jobs != nil else { return }
        let decision = decide(name)
        for action in decision.actions {
            switch action {
            case .start(let index): start(name, index)
            case .stop(let id, let reason): stop(id, reason)
            }
        }
        if let time = decision.nextWake { wake(name, at: time) }
        if services[name]?.isRemoved == true, !replicas.keys.contains(where: { $0.service == name }) {
            services[name] = nil
            order.removeAll { $0 == name }
        }
        resumeWaiters()
    }

    func decide(_ name: String) -> ServicePlanner.Decision {
        guard let service = services[name] else { return ServicePlanner.Decision() }
        return ServicePlanner.decide(
            desired: isStopping ? 0 : service.desired, minAvailable: service.spec.scaling.minAvailable,
            processes: replicas.values.filter { $0.id.service == name }.map { process($0, service) },
            slots: service.slots.mapValues { .init(notBefore: $0.notBefore, isFinished: $0.isFinished) }, now: now)
    }

    private func process(_ state: ReplicaFacts, _ service: ServiceFacts) -> ServicePlanner.Process {
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
            id: state.id, condition: condition, isCurrent: isCurrent(state, service),
            condemnedSince: machine.condemnedSince)
    }

    func isCurrent(_ state: ReplicaFacts, _ service: ServiceFacts) -> Bool {
        state.digest == service.digest && state.epoch == service.epoch
    }

    private func isTrusted(_ state: ReplicaFacts) -> Bool {
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

    private func start(_ name: String, _ index: Int) {
        guard var service = services[name] else { return }
        var slot = service.slots[index] ?? SlotFacts()
        slot.lastGeneration += 1
        slot.starts += 1
        slot.notBefore = nil
        slot.hasFailed = false
        service.slots[index] = slot
        services[name] = service
        let id = ReplicaID(service: name, index: index, generation: slot.lastGeneration)
        let order = LaunchOrder(
            id: id, service: service.spec, specDigest: service.digest, preferredPort: slot.lastPort)
        begin(id, .launch(order), service)
    }

    private func stop(_ id: ReplicaID, _ reason: ServicePlanner.Reason) {
        replicas[id]?.stopReason = reason
        let phase = replicas[id]?.machine.phase
        act(id) { $0.handle(.stopAsked, at: $1) }
        if phase != replicas[id]?.machine.phase { replicas[id]?.since = wallTime }
    }

    func begin(_ id: ReplicaID, _ beginning: ReplicaRunner.Beginning, _ service: ServiceFacts) {
        guard let jobs else { return }
        let (steps, continuation) = AsyncStream.makeStream(of: ReplicaRunner.Step.self)
        var state = ReplicaFacts(
            id: id, machine: ReplicaMachine(probes: service.spec.probes, stop: service.spec.stop, now: now),
            digest: service.digest, epoch: service.epoch, steps: continuation, begun: now, since: wallTime)
        if case .adopt(let record) = beginning {
            state.digest = record.specDigest
            state.adoptedAt = now
        }
        replicas[id] = state
        let prober = Prober(hostEnvironment: configuration.hostEnvironment, clock: configuration.clock)
        let runner = ReplicaRunner(
            id: id, beginning: beginning, steps: steps, driver: driver, ports: ports,
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
        for action in actions { state.steps.yield(.act(action, probeRound: state.machine.probeRound)) }
    }

    /// A fact from a runner.
    func report(_ event: ReplicaMachine.Event, from id: ReplicaID, _ facts: ReplicaRunner.Findings) {
        guard let before = replicas[id] else { return }
        if let replica = facts.replica { replicas[id]?.running = replica }
        if let cause = facts.cause { replicas[id]?.cause = cause }
        act(id) { $0.handle(event, at: $1) }
        changed(id, from: before, facts)
        if replicas[id]?.machine.phase == .gone { replicas[id] = nil }
        advance(id.service)
    }

    func firstProbe(_ kind: ProbeKind, _ round: Int, of id: ReplicaID) -> NextProbe? {
        guard let state = replicas[id], state.machine.probeRound == round else { return nil }
        return nextProbe(kind, of: id, after: state.machine.firstDelay(kind))
    }

    func probed(_ kind: ProbeKind, _ round: Int, _ answer: ProbeAnswer, of id: ReplicaID) -> NextProbe? {
        guard let before = replicas[id], before.machine.probeRound == round else { return nil }
        act(id) { $0.handle(.probed(kind, passed: answer.passed), at: $1) }
        let streak = replicas[id]?.machine.gate(kind)?.streak ?? 1
        replicas[id]?.answers[kind] = ProbeStatus(
            kind: kind, passed: answer.passed, text: answer.text, time: wallTime, streak: streak)
        changed(id, from: before, ReplicaRunner.Findings())
        if before.machine.phase != replicas[id]?.machine.phase
            || before.machine.condemned != replicas[id]?.machine.condemned
        {
            advance(id.service)
        }
        guard let delay = replicas[id]?.machine.nextDelay(kind, round: round, at: now) else { return nil }
        return nextProbe(kind, of: id, after: delay)
    }

    func checkedReachable(_ answer: ProbeAnswer, of id: ReplicaID) {
        replicas[id]?.isBeingChecked = false
        guard !answer.passed, replicas[id]?.machine.inRotation == true else { return }
        replicas[id]?.answers[.readiness] = ProbeStatus(
            kind: .readiness, passed: false, text: answer.text, time: wallTime, streak: 1)
        report(.unreachable, from: id, ReplicaRunner.Findings())
    }

    private func nextProbe(_ kind: ProbeKind, of id: ReplicaID, after delay: Duration) -> NextProbe? {
        guard let service = services[id.service]?.spec, let spec = service.probes.spec(kind) else { return nil }
        return NextProbe(delay: delay, spec: spec, service: service)
    }
}

/// When and how a probe is asked next.
struct NextProbe: Sendable {
    var delay: Duration
    var spec: ProbeSpec
    var service: ServiceSpec
}
