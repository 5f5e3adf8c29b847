import AloftModel
import AloftSystem

/// What a change of a process means for its index, and what is told of it.
extension Compute {
    func note(_ severity: Event.Severity, _ kind: String, _ subject: String, _ message: String) {
        ports.event(Event(time: wallTime, severity: severity, kind: kind, subject: subject, message: message))
    }

    /// Something went wrong that Aloft lives with.
    func warn(_ subject: String, _ kind: String, _ message: String) { note(.warning, kind, subject, message) }

    /// Called after each event of a process, with how it was before.
    func changed(_ id: ReplicaID, from before: ReplicaFacts, _ facts: ReplicaRunner.Findings) {
        guard let state = replicas[id] else { return }
        if before.machine.condemned == nil, let reason = state.machine.condemned {
            let kind: ProbeKind = reason == .liveness ? .liveness : .startup
            note(.warning, "replica.unhealthy", id.name, "\(reason.rawValue): \(answer(state, kind))")
        }
        guard before.machine.phase != state.machine.phase else { return }
        replicas[id]?.since = wallTime
        switch state.machine.phase {
        case .launching, .admitting: break
        case .startup, .probing: if before.machine.phase == .launching { began(state) }
        case .ready: becameReady(state)
        case .unready: note(.warning, "replica.unready", id.name, answer(state, .readiness))
        case .draining: break
        case .terminating: drained(id, facts)
        case .killing:
            let stop = set(of: state)?.spec.stop ?? StopSpec(drain: .zero, grace: .zero)
            note(
                .warning, "replica.killed", id.name,
                "did not end within \(stop.grace.quantity) of \(signalName(stop.signal.number)): SIGKILL to its whole "
                    + "group")
        case .sweeping: ended(state, whileUnwatched: before.machine.phase == .launching && before.adoptedAt != nil)
        case .gone: left(id, facts)
        }
    }

    private func answer(_ state: ReplicaFacts, _ kind: ProbeKind) -> String {
        state.answers[kind]?.text ?? "no answer"
    }

    private func began(_ state: ReplicaFacts) {
        guard let record = state.running?.record else { return }
        let place = (["process \(record.process.pid)", record.address.label] as [String?]).compactMap(\.self)
            .joined(separator: ", ")
        if state.adoptedAt != nil {
            note(.notice, "replica.adopted", state.id.name, "was running already: \(place)")
        } else {
            note(.notice, "replica.started", state.id.name, place)
        }
    }

    private func becameReady(_ state: ReplicaFacts) {
        changeSlot(of: state) { $0.failedStarts = 0 }
        if case .port(let port)? = state.running?.record.address {
            changeSlot(of: state) { $0.lastPort = port }
        }
        measureSoon(state.id)
        let after = (now - state.begun).milliseconds
        note(
            .notice, "replica.ready", state.id.name, state.machine.longestReady > .zero ? "again" : "after \(after) ms")
    }

    private func drained(_ id: ReplicaID, _ facts: ReplicaRunner.Findings) {
        guard facts.undrained > 0 else { return }
        let limit = replicas[id].flatMap(set(of:))?.spec.stop.drain ?? .zero
        note(
            .warning, "replica.undrained", id.name,
            "\(facts.undrained) requests still under way after \(limit.quantity)")
    }

    // MARK: ends

    /// A process has ended, or was never made.
    private func ended(_ state: ReplicaFacts, whileUnwatched: Bool) {
        let id = state.id
        let cause = state.cause ?? .unknown
        let asked = state.machine.stopAsked && state.machine.condemned == nil
        let condemnation = state.machine.condemned.map { reason in
            "\(reason.rawValue): \(answer(state, reason == .liveness ? .liveness : .startup))"
        }
        let exit = LastExit(cause: cause, time: wallTime, asked: asked, lastLines: [], condemnation: condemnation)
        changeSlot(of: state) { slot in
            slot.lastExit = exit
            slot.since = exit.time
        }
        if asked {
            let reason = state.stopReason.map { ": \($0.rawValue)" } ?? ""
            return note(.notice, "replica.stopped", id.name, "\(cause)\(reason)")
        }
        if state.machine.wasReady, let set = set(of: state), isCurrent(state, set),
            !set.spec.restart.policy.isDone(after: cause)
        {
            services[id.service]?[state.set]?.crashes += 1
        }
        if whileUnwatched && set(of: state)?.spec.restart.policy != .never {
            // How often it did that is not known, so its next start does not have to wait.
            return note(.warning, "replica.exited", id.name, "ended while no daemon watched")
        }
        let next = planNext(state, cause)
        if case .notStarted = cause {
            note(.error, "replica.failed", id.name, "\(cause); \(next)")
        } else {
            let severity: Event.Severity = cause == .code(0) ? .notice : .error
            let time = (now - state.begun).milliseconds
            let why = state.machine.condemned.map { "\($0.rawValue); " } ?? ""
            note(
                severity, "replica.exited", id.name,
                "\(why)\(cause) after \(Duration.milliseconds(time).quantity); \(next)")
        }
    }

    /// Applies the restart policy and the back-off to the index.
    ///
    /// - Returns: What will be done, for people.
    private func planNext(_ state: ReplicaFacts, _ cause: LastExit.Cause) -> String {
        let id = state.id
        guard let set = set(of: state), services[id.service]?.isRemoved == false, !set.isLeaving,
            set.wanted.contains(id.index)
        else { return "it is not wanted any more" }
        // The end of an outdated process says nothing about the new configuration.
        guard isCurrent(state, set), var slot = set.slots[id.index] else { return "it is being replaced" }
        if case .notStarted = cause { slot.hasFailed = true }
        let policy = set.spec.restart.policy
        if policy == .never || (policy == .onFailure && cause == .code(0)) {
            slot.isFinished = true
            changeSlot(of: state) { $0 = slot }
            return policy.isDone(after: cause)
                ? "done (restart policy `\(policy.rawValue)`)" : "stays so (restart policy `\(policy.rawValue)`)"
        }
        // A port on which it never got ready may be somebody else's.
        if !state.machine.wasReady { slot.lastPort = nil }
        let readyFor = state.machine.longestReady
        let wait = slot.backoff.ended(readyFor: readyFor, spec: set.spec.restart.backoff)
        slot.notBefore = now + wait
        changeSlot(of: state) { $0 = slot }
        return "next start in \(wait.quantity)"
    }

    /// Nothing is left of the process.
    private func left(_ id: ReplicaID, _ facts: ReplicaRunner.Findings) {
        guard let state = replicas[id] else { return }
        let isFailedStart = !state.machine.wasReady && state.adoptedAt == nil
        changeSlot(of: state) { slot in
            slot.lastExit?.lastLines = TellingLines.pick(facts.lastLines, most: ReplicaStatus.mostLines)
            // Counted only now, so that whoever gives it up knows what it printed.
            if isFailedStart, slot.lastExit?.asked == false { slot.failedStarts += 1 }
        }
        tellCrashLoop(state)
        guard let set = set(of: state), set.slots.count > set.wanted.count else { return }
        forgetSlots(set, of: id.service)
    }

    /// Said once, when a replica has ended as often as a rollout of it would bear.
    private func tellCrashLoop(_ state: ReplicaFacts) {
        guard let set = set(of: state), let slot = set.slots[state.id.index], let exit = slot.lastExit, !exit.asked,
            slot.failedStarts == set.spec.deploy.maxCrashes, isCurrent(state, set), !set.isLeaving
        else { return }
        let said = TellingLines.headline(exit.lastLines).map { ": \($0)" } ?? ""
        let times = slot.failedStarts == 1 ? "once" : "\(slot.failedStarts) times in a row"
        note(
            .error, "replica.crashLoop", state.id.name,
            "ended \(times) before it was ready: \(exit.cause)\(said)")
    }

    /// Indexes that are not wanted are forgotten once they are empty, but for their last port.
    private func forgetSlots(_ set: SetFacts, of service: String) {
        let wanted = Set(set.wanted)
        for index in set.slots.keys where !wanted.contains(index) {
            services[service]?[set.release]?.slots[index]?.forgive()
            services[service]?[set.release]?.slots[index]?.hasFailed = false
        }
    }

    private func changeSlot(of state: ReplicaFacts, _ body: (inout SlotFacts) -> Void) {
        guard var slot = set(of: state)?.slots[state.id.index] else { return }
        body(&slot)
        services[state.id.service]?[state.set]?.slots[state.id.index] = slot
    }
}

extension RestartSpec.Policy {
    /// Whether a process that ended so has done its work and is not missed.
    fileprivate func isDone(after cause: LastExit.Cause) -> Bool { self != .always && cause == .code(0) }
}

extension ReplicaAddress {
    /// `port 20123`, `socket /x/y`; nil for a worker.
    var label: String? {
        switch self {
        case .port(let port): "port \(port)"
        case .unix(let path): "socket \(path)"
        case .nowhere: nil
        }
    }
}
