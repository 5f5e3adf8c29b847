import AloftModel
import AloftSystem

/// What is done about what an earlier daemon left.
extension Compute {
    func find() async throws(ComputeStartError) -> (records: [ReplicaRecord], leftovers: [Leftover]) {
        let records: [ReplicaRecord]
        do {
            records = try await ports.store.all()
        } catch {
            throw .store(error)
        }
        return (records, try await driver.prepare(known: records))
    }

    /// Takes over each replica of the records; those that ended meanwhile are found out by their runners.
    ///
    /// Those of a service that the file has no more are taken over as well, to be stopped as they should.
    func adopt(_ records: [ReplicaRecord], _ leftovers: [Leftover]) {
        for record in records {
            let id = record.id
            var service = services[id.service] ?? vanishedService(id.service)
            var slot = service.slots[id.index] ?? SlotFacts()
            slot.lastGeneration = max(slot.lastGeneration, id.generation)
            if case .port(let port) = record.address { slot.lastPort = port }
            service.slots[id.index] = slot
            services[id.service] = service
            begin(id, .adopt(record), service)
        }
        for leftover in leftovers { jobs?.yield { await self.readLeftover(leftover) } }
    }

    /// Only its name is known: it is stopped with short limits.
    private func vanishedService(_ name: String) -> ServiceFacts {
        let spec = ServiceSpec(
            name: name, command: [], directory: "/", listen: .port, environment: [], resources: Resources(),
            probes: Probes(),
            restart: RestartSpec(
                policy: .never, backoff: .init(initial: .seconds(1), max: .seconds(1), resetAfter: .seconds(1))),
            stop: StopSpec(drain: .zero, grace: .seconds(10)),
            scaling: ScalingSpec(minReplicas: 0, maxReplicas: 0, minAvailable: 0))
        var service = ServiceFacts(spec, host: configuration.hostEnvironment)
        service.isRemoved = true
        order.append(name)
        return service
    }

    /// The daemon was killed between starting the replica and writing it down: what it printed is still worth reading.
    private func readLeftover(_ leftover: Leftover) async {
        await ports.output.attached(
            leftover.id, stdoutPath: leftover.stdoutPath, stderrPath: leftover.stderrPath)
        await ports.output.detached(leftover.id)
        do {
            try await driver.forget(leftover)
        } catch {
            warn(leftover.id.name, "replica.remains", "\(error)")
        }
    }
}
