import AloftModel

/// Several sets of replicas of one service, each of a release: what rollouts are made of.
///
/// Every call may be made again and changes nothing then. None waits for processes; `sets` and `settled` tell.
extension Compute {
    /// Replicas that one set may be asked for.
    package static let mostReplicas = 1000

    /// Starts a set of this release beside the primary, or changes the number and the spec of one that is there; one
    /// that was leaving stays. The first set of a service is its primary.
    ///
    /// To be called for each set before `run()`, so that replicas of an earlier daemon are found to belong to it.
    /// Its replicas count for `minAvailable` unless `split` says that it is sent no requests.
    package func start(_ target: ServiceTarget, desired: Int) async throws(ComputeError) {
        let name = target.spec.name
        if isStopping { throw .stopping }
        try check(name, desired)
        guard let service = services[name], !service.isRemoved else { return startFirst(target, desired) }
        let before = service[target.release]
        if before == nil {
            services[name]?[target.release] = set(target, desired: desired)
        } else {
            take(target)
            services[name]?[target.release]?.isLeaving = false
            resize(name, target.release, desired)
        }
        if before == nil || before?.isLeaving == true {
            note(.notice, "set.started", name, "release \(target.release): \(numberOfReplicas(desired))")
        } else if let count = before?.wanted.count, count != desired {
            noteScaled(name, target.release, count, desired)
        }
        advance(name)
    }

    /// What still runs of a service that was removed leaves beside the new set.
    private func startFirst(_ target: ServiceTarget, _ desired: Int) {
        let name = target.spec.name
        if var service = services[name] {
            for set in service.sets where set.release != target.release { service[set.release]?.isLeaving = true }
            service.isRemoved = false
            service.split = nil
            if service[target.release] == nil { service.others[target.release] = set(target, desired: desired) }
            service.promote(target.release)
            services[name] = service
            take(target)
            resize(name, target.release, desired)
        } else {
            services[name] = ServiceFacts(set(target, desired: desired))
            order.append(name)
        }
        note(.notice, "service.added", name, "release \(target.release): \(numberOfReplicas(desired))")
        advance(name)
    }

    /// Changes the number of one set, whatever the file's bounds; replicas that are not ready are the first to go.
    ///
    /// Replicas in rotation leave only as far as `minAvailable` allows, counted over all sets that are sent requests;
    /// where fewer than that are asked for in all of them together, as for an idle service, the number asked for is the
    /// bound.
    package func scale(_ service: String, release: Int, to count: Int) async throws(ComputeError) {
        try check(service)
        try check(service, count)
        guard let set = services[service]?[release], !set.isLeaving else { throw unknown(release, of: service) }
        let before = set.wanted.count
        if before == count { return }
        resize(service, release, count)
        noteScaled(service, release, before, count)
        advance(service)
    }

    /// From now on this set is what the service runs: `apply`, `scale` without a release and `minAvailable` go by it.
    /// Touches no process.
    package func promote(_ service: String, release: Int) async throws(ComputeError) {
        try check(service)
        guard let state = services[service], let set = state[release], !set.isLeaving else {
            throw unknown(release, of: service)
        }
        if state.primary.release == release { return }
        services[service]?.promote(release)
        note(.notice, "set.promoted", service, "release \(release), after release \(state.primary.release)")
        advance(service)
    }

    /// Drains and stops a set that is not primary; it is listed until its last process has ended.
    package func remove(_ service: String, release: Int) async throws(ComputeError) {
        try check(service)
        guard let state = services[service], let set = state[release], !set.isLeaving else { return }
        if state.primary.release == release { throw .isPrimary(service: service, release: release) }
        services[service]?[release]?.isLeaving = true
        note(.notice, "set.removed", service, "release \(release): its replicas are stopped")
        advance(service)
    }

    /// Says who is sent requests, as the edge was told: a set without a share makes nobody available, so its replicas
    /// do not count for `minAvailable` and may stop at any time. Nil: all sets count. Kept until it is said anew, not
    /// over a restart of the daemon.
    package func split(_ split: TrafficSplit?, of service: String) async {
        guard services[service] != nil, services[service]?.split != split else { return }
        services[service]?.split = split
        advance(service)
    }

    /// The sets of a service, the primary first; empty where there is no such service. Measures nothing.
    ///
    /// Waits, a minute at most, until what an earlier daemon left is known: a set whose processes nobody has found yet
    /// looks like one that has none.
    package func sets(_ service: String) async -> [ReplicaSetStatus] {
        if !hasAdopted && !isStopping { _ = await wait(within: Self.adoptionLimit) { $0.hasAdopted } }
        guard let facts = services[service] else { return [] }
        return await withLastLines(sets(of: facts, [:]))
    }

    private static let adoptionLimit = Duration.seconds(60)

    /// The number that the primary set is being brought to; nil where there is no such service.
    package func desired(_ service: String) -> Int? { services[service]?.primary.wanted.count }

    /// Waits until one set has its desired replicas ready, or finished for good; until its last process has ended where
    /// it was removed.
    ///
    /// - Returns: False where that took longer than `within`, there is no such set, or supervision ended meanwhile.
    package func settled(_ service: String, release: Int, within: Duration) async -> Bool {
        guard services[service]?[release] != nil else { return false }
        return await wait(within: within) { !$0.decide(service).unsettled.contains(release) }
    }

    private func check(_ service: String, _ count: Int) throws(ComputeError) {
        guard (0...Self.mostReplicas).contains(count) else {
            throw .outOfBounds(service: service, asked: count, minReplicas: 0, maxReplicas: Self.mostReplicas)
        }
    }

    private func unknown(_ release: Int, of service: String) -> ComputeError {
        let known = services[service]?.sets.filter { !$0.isLeaving }.map(\.release) ?? []
        return .unknownRelease(service: service, release: release, known: known)
    }

    private func noteScaled(_ service: String, _ release: Int, _ before: Int, _ count: Int) {
        note(.notice, "set.scaled", service, "release \(release): \(before) → \(count) replicas")
    }
}

/// `1 replica`, `3 replicas`.
private func numberOfReplicas(_ count: Int) -> String { count == 1 ? "1 replica" : "\(count) replicas" }
