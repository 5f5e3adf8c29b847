import AloftModel
import AloftSystem

/// What is told to those who ask.
extension Compute {
    /// Everything as it is now; measures cpu and memory while at it.
    package func status() async -> [ServiceStatus] {
        let usages = await driver.measure(replicas.values.compactMap(\.running))
        for (id, usage) in usages { replicas[id]?.shown.measured(usage, at: now) }
        var result = order.compactMap { name in services[name].map { status(of: $0, usages) } }
        // Asked last: nothing above waits any more.
        for index in result.indices {
            result[index].sets = await withLastLines(result[index].sets)
            result[index].replicas = result[index].sets.flatMap { $0.replicas + $0.waiting }.sorted {
                ($0.id.index, $0.id.generation) < ($1.id.index, $1.id.generation)
            }
        }
        return result
    }

    private func status(of service: ServiceFacts, _ usages: [ReplicaID: ProcessUsage]) -> ServiceStatus {
        let sets = sets(of: service, usages)
        let isUpdating = replicas.values.contains { state in
            state.id.service == service.name && !state.machine.isEnding
                && set(of: state).map { !isCurrent(state, $0) } == true
        }
        return ServiceStatus(
            name: service.name, release: service.primary.release, desired: sets.reduce(0) { $0 + $1.desired },
            ready: sets.reduce(0) { $0 + $1.ready }, minAvailable: service.primary.spec.scaling.minAvailable,
            updating: isUpdating, replicas: [], sets: sets)
    }

    func sets(of service: ServiceFacts, _ usages: [ReplicaID: ProcessUsage]) -> [ReplicaSetStatus] {
        let mine = Dictionary(grouping: replicas.values.filter { $0.id.service == service.name }, by: \.set)
        return service.sets.map { status(of: $0, service, mine[$0.release] ?? [], usages) }
    }

    private func status(
        of set: SetFacts, _ service: ServiceFacts, _ states: [ReplicaFacts], _ usages: [ReplicaID: ProcessUsage]
    ) -> ReplicaSetStatus {
        let isEnding = isStopping || service.isRemoved
        let rows = states.map { status(of: $0, set, usages[$0.id]) }
            .sorted { ($0.id.index, $0.id.generation) < ($1.id.index, $1.id.generation) }
        let present = Set(rows.map(\.id.index))
        let missing = set.isLeaving || service.isRemoved ? [] : set.wanted.filter { !present.contains($0) }
        return ReplicaSetStatus(
            release: set.release, isPrimary: set.release == service.primary.release,
            desired: isEnding ? 0 : set.desired, ready: states.count { $0.machine.inRotation },
            isLeaving: set.isLeaving || service.isRemoved,
            isInRotation: service.isInRotation(set), replicas: rows,
            waiting: missing.map { status(ofEmpty: $0, set) },
            adopting: states.count { isTrusted($0) && !$0.machine.isEnding }, crashes: set.crashes)
    }

    /// What those that are in trouble printed last.
    func withLastLines(_ sets: [ReplicaSetStatus]) async -> [ReplicaSetStatus] {
        var sets = sets
        for set in sets.indices {
            for index in sets[set].replicas.indices where sets[set].replicas[index].isTroubled {
                sets[set].replicas[index].lastLines = await lastLines(sets[set].replicas[index].id)
            }
            for index in sets[set].waiting.indices where sets[set].waiting[index].isTroubled {
                sets[set].waiting[index].lastLines = await lastLines(sets[set].waiting[index].id)
            }
        }
        return sets
    }

    private func lastLines(_ id: ReplicaID) async -> [String] {
        TellingLines.pick(await ports.lastLines(id), most: ReplicaStatus.mostLines)
    }

    private func status(
        of state: ReplicaFacts, _ set: SetFacts, _ usage: ProcessUsage?
    ) -> ReplicaStatus {
        let slot = set.slots[state.id.index] ?? SlotFacts()
        let record = state.running?.record
        return ReplicaStatus(
            id: state.id, release: state.release, state: state.publicState, reason: reason(state), since: state.since,
            pid: record?.process.pid, address: record?.address, started: record?.started,
            adopted: state.adoptedAt != nil, current: isCurrent(state, set), restarts: max(0, slot.starts - 1),
            lastExit: slot.lastExit, probes: ProbeKind.allCases.compactMap { state.answers[$0] }, nextStart: nil,
            usage: usage.map { self.usage(state, $0) },
            enforcement: record?.enforcement ?? driver.enforcement(of: set.spec.resources), lastLines: [],
            failedStarts: slot.failedStarts)
    }

    private func status(ofEmpty index: Int, _ set: SetFacts) -> ReplicaStatus {
        let slot = set.slots[index] ?? SlotFacts()
        let state: ReplicaState =
            slot.hasFailed
            ? .failed
            : slot.isFinished
                ? slot.lastExit?.cause == .code(0) ? .done : .exited
                : slot.lastGeneration == 0 ? .starting : .backingOff
        let left = slot.notBefore.map { $0 - now }
        let missing = services[set.spec.name].map(waitsFor) ?? []
        let waits = missing.isEmpty ? nil : "waits for \(missing.joined(separator: ", "))"
        return ReplicaStatus(
            id: ReplicaID(service: set.spec.name, index: index, generation: max(1, slot.lastGeneration)),
            release: set.release, state: state, reason: waits ?? slot.lastExit.map { $0.cause.description },
            since: slot.since, pid: nil, address: nil, started: nil, adopted: false, current: true,
            restarts: max(0, slot.starts - 1), lastExit: slot.lastExit, probes: [],
            nextStart: left.map { wallTime + max($0, .zero) }, usage: nil,
            enforcement: driver.enforcement(of: set.spec.resources), lastLines: [], failedStarts: slot.failedStarts)
    }

    /// One line for the states that need one.
    private func reason(_ state: ReplicaFacts) -> String? {
        if let condemned = state.machine.condemned {
            let kind: ProbeKind = condemned == .liveness ? .liveness : .startup
            return "\(condemned.rawValue): \(state.answers[kind]?.text ?? "no answer")"
        }
        switch state.publicState {
        case .startup: return state.answers[.startup]?.text
        case .probing, .unready: return state.answers[.readiness]?.text
        case .draining, .stopping: return state.stopReason?.rawValue
        case .starting, .ready, .backingOff, .done, .exited, .failed: return nil
        }
    }

    private func usage(_ state: ReplicaFacts, _ usage: ProcessUsage) -> ReplicaUsage {
        ReplicaUsage(
            cpuNanoseconds: usage.cpuNanoseconds, cores: state.shown.cores, memoryBytes: usage.memoryBytes,
            processes: usage.processes)
    }
}
