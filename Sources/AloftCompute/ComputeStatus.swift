import AloftModel
import AloftSystem

/// What is told to those who ask.
extension Compute {
    /// Everything as it is now; measures cpu and memory while at it.
    package func status() async -> [ServiceStatus] {
        let usages = await driver.measure(replicas.values.compactMap(\.running))
        for (id, usage) in usages { measured(id, usage) }
        var result = order.compactMap { name in services[name].map { status(of: $0, usages) } }
        // Asked last: nothing above waits any more.
        for service in result.indices {
            for index in result[service].replicas.indices where result[service].replicas[index].isTroubled {
                let lines = await ports.lastLines(result[service].replicas[index].id)
                result[service].replicas[index].lastLines = Array(lines.suffix(10))
            }
        }
        return result
    }

    private func status(of service: ServiceFacts, _ usages: [ReplicaID: ProcessUsage]) -> ServiceStatus {
        let mine = replicas.values.filter { $0.id.service == service.spec.name }
            .sorted { ($0.id.index, $0.id.generation) < ($1.id.index, $1.id.generation) }
        var rows = mine.map { status(of: $0, service, usages[$0.id]) }
        let present = Set(mine.map(\.id.index))
        for index in stride(from: 1, through: service.desired, by: 1) where !present.contains(index) {
            rows.append(status(ofEmpty: index, service))
        }
        rows.sort { ($0.id.index, $0.id.generation) < ($1.id.index, $1.id.generation) }
        return ServiceStatus(
            name: service.spec.name, desired: isStopping ? 0 : service.desired,
            ready: mine.count { $0.machine.inRotation }, minAvailable: service.spec.scaling.minAvailable,
            updating: mine.contains { !$0.machine.isEnding && !isCurrent($0, service) }, replicas: rows)
    }

    private func status(
        of state: ReplicaFacts, _ service: ServiceFacts, _ usage: ProcessUsage?
    ) -> ReplicaStatus {
        let slot = service.slots[state.id.index] ?? SlotFacts()
        let record = state.running?.record
        return ReplicaStatus(
            id: state.id, state: state.publicState, reason: reason(state), since: state.since,
            pid: record?.process.pid, address: record?.address, started: record?.started,
            adopted: state.adoptedAt != nil, current: isCurrent(state, service), restarts: max(0, slot.starts - 1),
            lastExit: slot.lastExit, probes: ProbeKind.allCases.compactMap { state.answers[$0] }, nextStart: nil,
            usage: usage.map { self.usage(state, $0) },
            enforcement: record?.enforcement ?? driver.enforcement(of: service.spec.resources), lastLines: [])
    }

    private func status(ofEmpty index: Int, _ service: ServiceFacts) -> ReplicaStatus {
        let slot = service.slots[index] ?? SlotFacts()
        let state: ReplicaState =
            slot.hasFailed ? .failed : slot.isFinished ? .exited : slot.lastGeneration == 0 ? .starting : .backingOff
        let left = slot.notBefore.map { $0 - now }
        return ReplicaStatus(
            id: ReplicaID(service: service.spec.name, index: index, generation: max(1, slot.lastGeneration)),
            state: state, reason: slot.lastExit.map { $0.cause.description },
            since: slot.since, pid: nil, address: nil, started: nil, adopted: false, current: true,
            restarts: max(0, slot.starts - 1), lastExit: slot.lastExit, probes: [],
            nextStart: left.map { wallTime + max($0, .zero) }, usage: nil,
            enforcement: driver.enforcement(of: service.spec.resources), lastLines: [])
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
        case .starting, .ready, .backingOff, .exited, .failed: return nil
        }
    }

    private func usage(_ state: ReplicaFacts, _ usage: ProcessUsage) -> ReplicaUsage {
        ReplicaUsage(
            cpuNanoseconds: usage.cpuNanoseconds, cores: state.cores, memoryBytes: usage.memoryBytes,
            processes: usage.processes)
    }

    /// Cores used are an average over a second at least, however often somebody asks.
    private func measured(_ id: ReplicaID, _ usage: ProcessUsage) {
        guard let last = replicas[id]?.lastUsage else {
            replicas[id]?.lastUsage = (usage, now)
            return
        }
        let time = now - last.at
        guard time >= .seconds(1) else { return }
        // Processes of a group that ended take their time with them.
        let used = max(0, usage.cpuNanoseconds - last.usage.cpuNanoseconds)
        replicas[id]?.cores = Double(used) / Double(time.nanoseconds)
        replicas[id]?.lastUsage = (usage, now)
    }

    // MARK: waiting

    /// Waits until the facts are of a kind.
    ///
    /// - Returns: False where the time was over first, or supervision ended.
    func wait(within limit: Duration?, until isDone: @escaping @Sendable (isolated Compute) -> Bool) async -> Bool {
        if isDone(self) { return true }
        lastWaiter += 1
        let number = lastWaiter
        return await withTaskGroup(of: Void.self) { group in
            if let limit {
                let clock = configuration.clock
                group.addTask {
                    do {
                        try await clock.sleep(for: limit)
                    } catch {
                        return
                    }
                    await self.give(up: number)
                }
            }
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { waiters[number] = Waiter(isDone: isDone, continuation: $0) }
            } onCancel: {
                // The waiter's own task is gone; this one only tells the actor.
                Task { await self.give(up: number) }
            }
            group.cancelAll()
            return result
        }
    }

    private func give(up number: UInt64) {
        waiters.removeValue(forKey: number)?.continuation.resume(returning: false)
    }

    /// Asks each waiter whether the facts are as it wants them.
    func resumeWaiters() {
        for (number, waiter) in waiters where waiter.isDone(self) {
            waiters.removeValue(forKey: number)?.continuation.resume(returning: true)
        }
    }

    /// Supervision has ended: nothing will change any more.
    func dismissWaiters() {
        for (number, waiter) in waiters {
            waiters[number] = nil
            waiter.continuation.resume(returning: waiter.isDone(self))
        }
    }
}

extension ReplicaStatus {
    /// True where what it printed last may tell why.
    var isTroubled: Bool {
        switch state {
        case .startup, .probing, .unready, .backingOff, .exited, .failed: true
        case .starting, .ready, .draining, .stopping: false
        }
    }
}
