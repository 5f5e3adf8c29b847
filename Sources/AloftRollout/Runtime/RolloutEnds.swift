import AloftModel
import AloftSystem
import Logging

/// Where rollouts come from after a restart, where they go when they end, and which releases are kept.
extension Rollouts {
    /// Reads the journal and goes on with what it has: the edge is told the shares, and each set its number.
    ///
    /// To be called once, after the primary sets are known to compute and before it looks for replicas of an earlier
    /// daemon. A rollout whose release can't be read any more ends as failed; what was current stays so.
    package func restore() async throws(RolloutError) {
        let states: [RolloutState]
        do { states = try await ports.store.rollouts() } catch { throw .store("\(error)") }
        for state in states {
            if state.isUnderWay {
                try await restore(state)
            } else if let next = state.next {
                await beginNext(next, of: state.service)
            } else if !state.untold.isEmpty {
                for event in state.untold { ports.event(event) }
                var told = state
                told.untold = []
                try await save([], told)
            }
            if !state.isUnderWay { ended[state.service] = RolloutProgress(ended: state) }
        }
    }

    private func restore(_ written: RolloutState) async throws(RolloutError) {
        var state = written
        state.analysis.restart()
        state.readiness.restart(at: state.time)
        let releases = try await releases(of: state.service)
        let stable = releases.first { $0.number == state.stable }
        do throws(RolloutError) {
            guard let release = releases.first(where: { $0.number == state.release }) else {
                throw .noSuchRelease(
                    service: state.service, number: state.release, known: releases.map(\.number))
            }
            let spec = try await spec(of: release)
            var stableSpec: ServiceSpec?
            if let stable { stableSpec = try await self.spec(of: stable) }
            var life = RolloutLife(
                state: state, release: release, stableRelease: stable, spec: spec, stableSpec: stableSpec,
                at: ports.clock.now)
            life.mayHaveRemains = true
            lives[state.service] = life
        } catch {
            return try await giveUp(state, releases, error)
        }
        await ports.traffic.split(state.split, of: state.service)
        lives[state.service]?.split = .told(state.split)
        await startSets(state)
        lives[state.service]?.progress = RolloutProgress(ended: state)
        drive(restored: state.service)
    }

    /// The primary first, since a service's first set is.
    private func startSets(_ state: RolloutState) async {
        guard let life = lives[state.service] else { return }
        let stable = state.stable.flatMap { number in life.stableSpec.map { ($0, number, state.stableTarget) } }
        let canary = (life.spec, state.release, state.canaryTarget)
        for case (let spec, let release, let target?) in [stable, canary].compactMap({ $0 }) {
            // A set that is brought to zero may have processes still, which are found to belong to it.
            do {
                try await ports.sets.start(spec, release: release, desired: target)
                lives[state.service]?.known.insert(release)
            } catch {
                logger.warning("a set was not started again", metadata: life.metadata(error))
            }
        }
    }

    private func giveUp(
        _ written: RolloutState, _ releases: [Release], _ error: RolloutError
    ) async throws(RolloutError) {
        var state = written
        state.phase = .failed
        state.isSplit = false
        state.reason = "\(error)"
        let event = Event(
            time: wall, severity: .error, kind: "rollout.failed", subject: state.service,
            message: error.message(ofRelease: state.release))
        for event in state.untold + [event] { ports.event(event) }
        state.untold = []
        let changed = releases.filter { $0.number == state.release && $0.status == .rollingOut }.map { release in
            var release = release
            release.status = .failed
            release.statusReason = "\(error)"
            return release
        }
        try await save(changed, state)
        ended[state.service] = RolloutProgress(ended: state)
    }

    /// A rollout has ended: whoever waits is told, and the release that waits for it begins.
    func finish(_ life: RolloutLife) async {
        let service = life.state.service
        ended[service] = life.progress
        let requests = lives[service]?.requests ?? []
        lives[service] = nil
        for (_, answer) in requests { answer.resume(returning: .failure(.noRollout(service: service))) }
        let watching = watchers.removeValue(forKey: service) ?? [:]
        for continuation in watching.values { continuation.finish() }
        if let next = life.state.next { await beginNext(next, of: service) }
    }

    private func beginNext(_ number: Int, of service: String) async {
        await exclusively(service) {
            do throws(RolloutError) {
                let releases = try await self.releases(of: service)
                guard var next = releases.first(where: { $0.number == number }), next.status == .pending else { return }
                guard lives[service] == nil else {
                    next.status = .superseded
                    next.statusReason = "another release was begun before it"
                    return try await save([next], nil)
                }
                _ = try await start(next, stable: releases.last { $0.status == .current })
            } catch {
                await refuse(number, of: service, error)
            }
        }
    }

    private func refuse(_ number: Int, of service: String, _ error: RolloutError) async {
        ports.event(
            Event(
                time: wall, severity: .error, kind: "rollout.failed", subject: service,
                message: error.message(ofRelease: number)))
        do throws(RolloutError) {
            guard var release = try await releases(of: service).first(where: { $0.number == number }) else { return }
            release.status = .failed
            release.statusReason = "\(error)"
            try await save([release], nil)
        } catch {
            logger.error("a release that failed was not written", metadata: ["service": "\(service)"])
        }
    }

    // MARK: Showing

    func show(_ service: String, _ facts: RolloutFacts) {
        guard let life = lives[service] else { return }
        let progress = RolloutProgress(
            life.state, facts, spec: life.spec, verdict: life.lastVerdict, output: life.lines.last)
        var same = progress
        same.time = life.progress?.time ?? progress.time
        guard same != life.progress else { return }
        lives[service]?.progress = progress
        for (key, continuation) in watchers[service] ?? [:] {
            if case .terminated = continuation.yield(progress) { watchers[service]?[key] = nil }
        }
    }

    // MARK: Keeping

    /// Forgets releases beyond what `history` keeps.
    ///
    /// - Parameter sizes: Bytes of artifacts, by their digests.
    /// - Returns: Those removed; what they alone named in `ReleaseArtifacts` may go too.
    package func prune(
        _ service: String, keeping history: HistorySpec, sizes: [String: Int] = [:]
    ) async throws(RolloutError) -> [Release] {
        let result = await exclusively(service) { await pruned(service, history, sizes) }
        return try result.get()
    }

    private func pruned(
        _ service: String, _ history: HistorySpec, _ sizes: [String: Int]
    ) async -> Result<[Release], RolloutError> {
        do throws(RolloutError) {
            let releases = try await releases(of: service)
            let state = lives[service]?.state
            let needed = Set([state?.release, state?.stable, state?.next].compactMap { $0 })
            let old = ReleaseHistory.superfluous(releases, keeping: history, sizes: sizes, needed: needed, now: wall)
            guard !old.isEmpty else { return .success([]) }
            do {
                try await ports.store.removeReleases(of: service, numbers: old.map(\.number))
            } catch {
                throw .store("\(error)")
            }
            return .success(old)
        } catch {
            return .failure(error)
        }
    }
}
