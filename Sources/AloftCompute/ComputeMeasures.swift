import AloftModel
import AloftSystem

/// What one replica needs, as the autoscaler wants to know it.
package struct ReplicaMeasure: Sendable, Hashable {
    package var id: ReplicaID
    package var release: Int
    package var address: ReplicaAddress?
    /// Time in rotation without a break; nil while it is not.
    package var readyFor: Duration?
    /// Cores used on average since it was measured last, a second ago at least; nil before there were two measurements.
    package var cores: Double?
    /// Memory that cannot be taken back for free, in bytes; nil where it can't be measured.
    package var memoryBytes: Int?
    /// What its service asks for.
    package var requests: Resources.Amount

    package var ready: Bool { readyFor != nil }
}

extension Compute {
    /// Replicas of one service that run or start, those of all sets; leaving and ended ones are left out.
    ///
    /// For one asker: the interval of `cores` is that between two calls for the same replica. Looking at `status` does
    /// not shorten it.
    package func measure(_ service: String) async -> [ReplicaMeasure] {
        await measure { $0 == service }[service] ?? []
    }

    /// The same for all services, by name, in one pass.
    package func measureAll() async -> [String: [ReplicaMeasure]] { await measure { _ in true } }

    private func measure(_ isWanted: (String) -> Bool) async -> [String: [ReplicaMeasure]] {
        let wanted = replicas.values.filter { isWanted($0.id.service) && !$0.machine.isEnding }
        let usages = await driver.measure(wanted.compactMap(\.running))
        var result: [String: [ReplicaMeasure]] = [:]
        for id in wanted.map(\.id).sorted(by: { ($0.index, $0.generation) < ($1.index, $1.generation) }) {
            guard replicas[id]?.machine.isEnding == false else { continue }
            if let usage = usages[id] { replicas[id]?.measured.measured(usage, at: now) }
            if let state = replicas[id] { result[id.service, default: []].append(measure(of: state, usages[id])) }
        }
        return result
    }

    private func measure(of state: ReplicaFacts, _ usage: ProcessUsage?) -> ReplicaMeasure {
        ReplicaMeasure(
            id: state.id, release: state.release, address: state.running?.record.address,
            readyFor: state.machine.inRotation ? now - state.machine.since : nil, cores: state.measured.cores,
            memoryBytes: usage.map { Int($0.memoryBytes) },
            requests: set(of: state)?.spec.resources.requests ?? Resources.Amount())
    }

    // MARK: soon after the start

    /// Two measurements a second apart as soon as a replica is ready, so that whoever looks first sees a number. Replicas
    /// that get ready meanwhile are measured along: one pass a second, however many they are.
    func measureSoon(_ id: ReplicaID) {
        guard replicas[id]?.shown.cores == nil else { return }
        unmeasured.insert(id)
        if isMeasuringSoon { return }
        isMeasuringSoon = true
        jobs?.yield { await self.measureFirst() }
    }

    private func measureFirst() async {
        while !unmeasured.isEmpty {
            // Others may be added while these are measured.
            let asked = unmeasured
            let usages = await driver.measure(asked.compactMap { replicas[$0]?.running })
            for id in asked {
                if let usage = usages[id] {
                    replicas[id]?.shown.measured(usage, at: now)
                    replicas[id]?.measured.measured(usage, at: now)
                }
                // One that can't be measured is not tried again.
                if usages[id] == nil || replicas[id]?.shown.cores != nil { unmeasured.remove(id) }
            }
            if unmeasured.isEmpty { break }
            do {
                try await configuration.clock.sleep(for: .seconds(1))
            } catch {
                break
            }
        }
        isMeasuringSoon = false
    }
}
