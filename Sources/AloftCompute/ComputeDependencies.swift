import AloftModel

/// `dependsOn`: who starts after whom, and who stops before whom.
extension Compute {
    /// Services of these names that are not ready yet, each with how far it is: `db (0 of 2 replicas ready)`.
    ///
    /// One replica in rotation is enough, and so is a service of which none are wanted, or whose replicas all ended
    /// with exit code 0 and stay so. A service that nobody has named yet waits for its first release.
    func unready(_ names: [String]) -> [String] {
        names.compactMap { name in
            guard let service = services[name], !service.isRemoved else { return "\(name) (no release yet)" }
            let wanted = service.sets.filter { !$0.isLeaving }.reduce(0) { $0 + $1.wanted.count }
            let ready = replicas.values.count { $0.id.service == name && $0.machine.inRotation }
            if ready > 0 || wanted == 0 || isDone(service.primary) { return nil }
            return "\(name) (0 of \(wanted) \(wanted == 1 ? "replica" : "replicas") ready)"
        }
    }

    private func isDone(_ set: SetFacts) -> Bool {
        set.wanted.allSatisfy { index in
            guard let slot = set.slots[index] else { return false }
            return slot.isFinished && slot.lastExit?.cause == .code(0)
        }
    }

    /// What a service that never ran still waits for; empty for one that runs or has run.
    func waitsFor(_ service: ServiceFacts) -> [String] {
        service.hasBegun ? [] : unready(service.primary.spec.dependsOn)
    }

    /// Waits until what the service depends on is ready, for a command that needs it.
    ///
    /// - Returns: What is not ready after `within`.
    package func awaitDependencies(of spec: ServiceSpec, within limit: Duration) async -> [String] {
        let names = spec.dependsOn
        if names.isEmpty || unready(names).isEmpty { return [] }
        note(
            .notice, "release.waiting", spec.name,
            "its release command waits for \(unready(names).joined(separator: ", "))")
        _ = await wait(within: limit) { $0.unready(names).isEmpty }
        return unready(names)
    }

    /// Tells once that a service does not start yet, and why.
    func hold(_ name: String, _ missing: [String]) {
        guard services[name]?.isHeld == false else { return }
        services[name]?.isHeld = true
        note(.notice, "service.waiting", name, "starts once this is ready: \(missing.joined(separator: ", "))")
    }

    /// Whether services that need this one still run and are to end first.
    func isNeededToTheEnd(_ name: String) -> Bool {
        services.values.contains { other in
            other.name != name && (isStopping || other.isRemoved) && other.primary.spec.dependsOn.contains(name)
                && replicas.values.contains { $0.id.service == other.name }
                // The file has no rings; plans of two files might have one for a moment.
                && !reaches(from: name, to: other.name)
        }
    }

    private func reaches(from start: String, to end: String) -> Bool {
        var seen: Set<String> = [start]
        var waiting = [start]
        while let name = waiting.popLast() {
            if name == end { return true }
            for next in services[name]?.primary.spec.dependsOn ?? [] where seen.insert(next).inserted {
                waiting.append(next)
            }
        }
        return false
    }

    /// A service has changed: who waited for it may start, and what it needed may stop.
    func advanceOthers(of name: String, needed: [String]) {
        for other in order where services[other]?.isHeld == true {
            guard let service = services[other], service.primary.spec.dependsOn.contains(name),
                waitsFor(service).isEmpty
            else { continue }
            services[other]?.isHeld = false
            advance(other)
        }
        for other in needed where isStopping || services[other]?.isRemoved == true {
            if !isNeededToTheEnd(other) { advance(other) }
        }
    }
}
