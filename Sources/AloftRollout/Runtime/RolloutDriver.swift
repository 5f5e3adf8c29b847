import AloftModel
import AloftSystem
import Logging

/// Observe, plan, write down, act; again and again until the rollout has ended.
extension Rollouts {
    /// Looks while something is expected any moment, and while only time passes.
    static let quickLook = Duration.milliseconds(200)
    static let slowLook = Duration.seconds(1)
    /// The rollout's clock is written at least so often, so that a crash costs no more of a wait than that.
    static let checkpoint = Duration.seconds(10)

    func drive(_ service: String) async {
        if lives[service]?.mayHaveRemains == true { await endRemains(of: service) }
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled, lives[service] != nil {
                await answerRequests(of: service)
                let pause = await look(at: service, &group)
                guard let pause, let life = lives[service] else { break }
                guard pause > .zero, !Task.isCancelled else { continue }
                _ = await within(pause, clock: ports.clock) { await life.signal.wait() }
            }
            lives[service]?.stopWork?.set()
            if lives[service]?.state.phase.isEnd == true { group.cancelAll() }
        }
        guard !Task.isCancelled, let life = lives[service], life.state.phase.isEnd else {
            if Task.isCancelled { refuseRequests(of: service) }
            return
        }
        await finish(life)
    }

    /// One look.
    ///
    /// - Returns: How long to wait until the next one; nil where the rollout has ended.
    private func look(at service: String, _ group: inout DiscardingTaskGroup) async -> Duration? {
        guard let facts = await observe(service), let life = lives[service] else { return nil }
        let before = life.state
        let step = RolloutPlanner.next(before, facts, spec: life.spec)
        guard await write(step, before: before, service) else { return Self.slowLook }
        await tellUntold(of: service)
        show(service, facts)
        guard let state = lives[service]?.state, !state.phase.isEnd else { return nil }
        if state.phase != before.phase { return .zero }
        for action in step.actions {
            guard await take(action, service, &group) else { return Self.slowLook }
        }
        if !step.gates.isEmpty { return .zero }
        return wait(after: state, acted: !step.actions.isEmpty)
    }

    private func wait(after state: RolloutState, acted: Bool) -> Duration {
        if acted || state.strategy == .rolling && state.phase == .shifting { return Self.quickLook }
        switch state.phase {
        case .shifting, .watching, .keeping, .frozen: return Self.slowLook
        default: return Self.quickLook
        }
    }

    /// Writes what changed; nothing is done before that has succeeded.
    private func write(_ step: RolloutStep, before: RolloutState, _ service: String) async -> Bool {
        guard let life = lives[service] else { return false }
        var same = before
        same.time = step.state.time
        let isDue = step.state.time - life.savedTime >= Self.checkpoint
        let releases = changed(by: step, life)
        guard same != step.state || !releases.isEmpty || isDue else {
            lives[service]?.state = step.state
            return true
        }
        do throws(RolloutError) {
            try await save(releases, step.state)
        } catch {
            if !life.hasWarned { logger.error("a step of a rollout was not written", metadata: life.metadata(error)) }
            lives[service]?.hasWarned = true
            return false
        }
        take(step, releases, service)
        return true
    }

    /// What the step changes about releases.
    func changed(by step: RolloutStep, _ life: RolloutLife) -> [Release] {
        var changed: [Release] = []
        for release in [life.release, life.stableRelease].compactMap({ $0 }) {
            var new = release
            if let change = step.statuses[release.number] {
                new.status = change.status
                new.statusReason = change.reason
                if change.status == .current, new.promoted == nil { new.promoted = wall }
            }
            if release.number == step.state.release {
                new.gates += step.gates
                new.verdicts = (new.verdicts + [step.verdict].compactMap { $0 }).suffix(Release.maxVerdicts)
                new.migration = step.state.migration
                if step.state.reason != nil, let output = step.state.output { new.output = output }
                let given = Set(new.approvals)
                new.approvals += step.state.approvals.filter { !given.contains($0) }
            }
            if new != release { changed.append(new) }
        }
        return changed
    }

    func take(_ step: RolloutStep, _ releases: [Release], _ service: String) {
        guard var life = lives[service] else { return }
        life.state = step.state
        life.savedTime = step.state.time
        life.hasWarned = false
        for release in releases {
            if release.number == life.release.number { life.release = release } else { life.stableRelease = release }
        }
        if let verdict = step.verdict { life.lastVerdict = verdict }
        if !step.gates.isEmpty {
            life.workKey = nil
            life.work = .idle
            // The next command has not said anything yet.
            life.lines = OutputTail()
        }
        if let key = life.workKey, key != RolloutLife.WorkKey(phase: step.state.phase, step: step.state.step) {
            life.stopWork?.set()
            life.workKey = nil
            life.work = .idle
        }
        lives[service] = life
    }

    /// Tells what was written to be told, and writes that it was.
    func tellUntold(of service: String) async {
        guard let state = lives[service]?.state, !state.untold.isEmpty else { return }
        for event in state.untold { ports.event(event) }
        lives[service]?.state.untold = []
        guard let told = lives[service]?.state else { return }
        do throws(RolloutError) {
            try await save([], told)
        } catch {
            // It is told again after a crash, equal in every field; the next step writes it anyway.
            logger.warning("that an event was told was not written", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Requests of people

    private func answerRequests(of service: String) async {
        while let life = lives[service], let (request, answer) = life.requests.first {
            lives[service]?.requests.removeFirst()
            do throws(RolloutError) {
                let time = life.time(at: ports.clock.now)
                let step = try RolloutPlanner.answer(request, life.state, at: wall, time: time, spec: life.spec)
                let releases = changed(by: step, life)
                try await save(releases, step.state)
                take(step, releases, service)
                // Whoever asked looks next, and must not find what was before.
                if let facts = await observe(service) { show(service, facts) }
                answer.resume(returning: .success(()))
                await tellUntold(of: service)
            } catch {
                answer.resume(returning: .failure(error))
            }
        }
    }

    func refuseRequests(of service: String) {
        let requests = lives[service]?.requests ?? []
        lives[service]?.requests = []
        for (_, answer) in requests { answer.resume(returning: .failure(.store("the daemon is stopping"))) }
    }

    func save(_ releases: [Release], _ state: RolloutState?) async throws(RolloutError) {
        do { try await ports.store.save(releases, rollout: state) } catch { throw .store("\(error)") }
    }

    func spec(of release: Release) async throws(RolloutError) -> ServiceSpec {
        do {
            return try await ports.spec(release)
        } catch {
            throw .spec(service: release.service, release: release.number, "\(error)")
        }
    }
}

extension RolloutLife {
    func metadata(_ error: any Error) -> Logger.Metadata {
        ["service": "\(state.service)", "release": "\(state.release)", "error": "\(error)"]
    }
}
