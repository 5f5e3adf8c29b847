import AloftModel
import AloftSystem

/// What is done about what an earlier daemon left.
extension Compute {
    func find() async throws(ComputeStartError) -> (records: [AdoptionRecord], leftovers: [Leftover]) {
        let records: [AdoptionRecord]
        do {
            records = try await ports.store.all()
        } catch {
            throw .store(error)
        }
        return (records, try await driver.prepare(known: records))
    }

    /// Takes over each replica of the records; those that ended meanwhile are found out by their runners.
    ///
    /// Those of a service that the file has no more, or of a release that nobody has named, are taken over as well, to
    /// be stopped as they should.
    func adopt(_ records: [AdoptionRecord], _ leftovers: [Leftover]) {
        let placed = records.map { (record: $0, release: place($0)) }
        for (record, release) in placed { prepare(record, release) }
        keepIndexes(placed)
        for (record, release) in placed {
            guard let set = services[record.id.service]?[release] else { continue }
            begin(record.id, .adopt(record), set)
            // From a daemon that did not tell releases apart: from now on it is known.
            if record.release != release { rewrite(record, release) }
        }
        for leftover in leftovers { jobs?.yield { await self.readLeftover(leftover) } }
    }

    private func rewrite(_ record: AdoptionRecord, _ release: Int) {
        var record = record
        record.release = release
        replicas[record.id]?.steps.yield(.rewrite(record))
    }

    /// The set that a replica belongs to. One without a release belongs to the set that it fits; to the primary, as one
    /// to be replaced, where it fits none.
    private func place(_ record: AdoptionRecord) -> Int {
        guard record.release == 0, let service = services[record.id.service] else { return record.release }
        return service.sets.first { $0.digest == record.specDigest }?.release ?? service.primary.release
    }

    /// Makes a place for what the record knows, and the set where there is none.
    private func prepare(_ record: AdoptionRecord, _ release: Int) {
        let id = record.id
        var service = services[id.service] ?? vanishedService(id.service, release)
        var set = service[release] ?? vanishedSet(id.service, release)
        var slot = set.slots[id.index] ?? SlotFacts()
        slot.lastGeneration = max(slot.lastGeneration, id.generation)
        if case .port(let port) = record.address { slot.lastPort = port }
        set.slots[id.index] = slot
        service[release] = set
        service.hasBegun = true
        service.generations[id.index] = max(service.generations[id.index] ?? 0, id.generation)
        services[id.service] = service
    }

    /// A set that lost `web-2` when it got smaller goes on without it.
    private func keepIndexes(_ placed: [(record: AdoptionRecord, release: Int)]) {
        for (service, mine) in Dictionary(grouping: placed, by: \.record.id.service) {
            for (release, members) in Dictionary(grouping: mine, by: \.release) {
                services[service]?[release]?.keep(Set(members.map(\.record.id.index)))
            }
        }
    }

    private func vanishedService(_ name: String, _ release: Int) -> ServiceFacts {
        var service = ServiceFacts(vanishedSet(name, release))
        service.isRemoved = true
        order.append(name)
        return service
    }

    /// Only its name is known: it is stopped with short limits.
    private func vanishedSet(_ name: String, _ release: Int) -> SetFacts {
        let spec = ServiceSpec(
            name: name, command: [], directory: "/", listen: .port, environment: [], resources: Resources(),
            probes: Probes(),
            restart: RestartSpec(
                policy: .never, backoff: .init(initial: .seconds(1), max: .seconds(1), resetAfter: .seconds(1))),
            stop: StopSpec(drain: .zero, grace: .seconds(10)),
            scaling: ScalingSpec(minReplicas: 0, maxReplicas: 0, minAvailable: 0))
        var set = set(ServiceTarget(spec: spec, release: release), desired: 0)
        set.isLeaving = true
        set.isUnknown = true
        return set
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
