import AloftModel
import AloftSystem
import Logging

/// What is observed, and what is done.
extension Rollouts {
    func observe(_ service: String) async -> RolloutFacts? {
        guard let spec = lives[service]?.spec else { return nil }
        let wanted = await ports.wanted(service)
        let sets = await ports.sets.sets(of: service)
        let numbers = spec.deploy.analysis == nil ? [:] : await ports.traffic.numbers(of: service)
        guard var life = lives[service] else { return nil }
        let present = Set(sets.map(\.release))
        life.leaving.formIntersection(present)
        lives[service] = life
        let now = ports.clock.now
        return RolloutFacts(
            time: life.time(at: now), wall: wall, wanted: wanted, sets: sets, split: life.split, numbers: numbers,
            work: life.work(of: life.state), known: life.known, leaving: life.leaving,
            sinceProbe: life.isProbing ? .zero : life.lastProbe.map { now - $0 })
    }

    /// - Returns: False where it failed, so that what comes after it waits.
    func take(_ action: RolloutAction, _ service: String, _ group: inout DiscardingTaskGroup) async -> Bool {
        guard let life = lives[service] else { return false }
        do {
            switch action {
            case .split(let split):
                await ports.traffic.split(split, of: service)
                lives[service]?.split = .told(split)
            case .start(let release, let desired):
                guard let spec = release == life.state.release ? life.spec : life.stableSpec else { return false }
                try await ports.sets.start(spec, release: release, desired: desired)
                lives[service]?.known.insert(release)
                lives[service]?.leaving.remove(release)
            case .scale(let release, let count):
                try await ports.sets.scale(service, release: release, to: count)
            case .promote(let release):
                try await ports.sets.promote(service, release: release)
            case .remove(let release):
                try await ports.sets.remove(service, release: release)
                lives[service]?.leaving.insert(release)
                lives[service]?.known.remove(release)
            case .work:
                begin(&group, service)
            case .probe(let requests):
                probe(requests, &group, service)
            }
            return true
        } catch {
            if !life.hasWarned { logger.warning("a step of a rollout failed", metadata: life.metadata(error)) }
            lives[service]?.hasWarned = true
            return false
        }
    }

    private func probe(_ requests: Int, _ group: inout DiscardingTaskGroup, _ service: String) {
        guard let life = lives[service], !life.isProbing, let path = life.spec.deploy.analysis?.probeRequests?.path
        else { return }
        lives[service]?.isProbing = true
        lives[service]?.lastProbe = ports.clock.now
        let release = life.state.release
        group.addTask {
            await self.ports.traffic.probe(service, release: release, path: path, requests: requests)
            await self.probed(service, release)
        }
    }

    private func probed(_ service: String, _ release: Int) {
        if lives[service]?.state.release == release { lives[service]?.isProbing = false }
    }

    // MARK: Commands and checks

    private func begin(_ group: inout DiscardingTaskGroup, _ service: String) {
        guard let life = lives[service] else { return }
        let key = RolloutLife.WorkKey(phase: life.state.phase, step: life.state.step)
        let stop = Signal()
        let lines = OutputTail()
        lives[service]?.workKey = key
        lives[service]?.work = .running
        lives[service]?.stopWork = stop
        lives[service]?.lines = lines
        group.addTask {
            let record: GateRecord?
            if let command = life.command(key) {
                record = await self.run(command, key, stop, lines)
            } else {
                record = await self.check(life, key, stop)
            }
            guard let record else { return }
            await self.ended(record, key, service, life.state.release)
        }
    }

    /// Runs it to its end; nil where it was stopped because nobody wants its outcome any more.
    private nonisolated func run(
        _ command: ReleaseCommand, _ key: RolloutLife.WorkKey, _ stop: Signal, _ lines: OutputTail
    ) async -> GateRecord? {
        let began = ports.clock.now
        let ports = self.ports
        let outcome = await Self.unlessStopped(stop) {
            // The runner keeps the limit itself; this one holds where it does not.
            await within(command.timeout + .seconds(30), clock: ports.clock) {
                await ports.commands.run(command) { lines.append($0) }
            } ?? CommandResult(passed: false, detail: "did not end within \(command.timeout.quantity)")
        }
        guard let result = outcome else { return nil }
        return GateRecord(
            stage: command.kind == .migration ? .migration : .before, name: command.name,
            outcome: result.passed ? .passed : .failed, required: command.isRequired,
            time: Timestamp(nanoseconds: ports.clock.wallNanoseconds), took: ports.clock.now - began,
            detail: Self.detail(of: result, lastLine: lines.last), output: lines.all)
    }

    /// Characters of a command's last line that are shown with how it ended.
    private static let maxDetail = 200

    /// How it ended and what it said last, which of tests and scans is what they found.
    private static func detail(of result: CommandResult, lastLine: String?) -> String {
        guard let lastLine = lastLine.map({ String($0.prefix(maxDetail)) }) else { return result.detail }
        return result.passed ? lastLine : "\(result.detail): \(lastLine)"
    }

    private nonisolated func check(
        _ life: RolloutLife, _ key: RolloutLife.WorkKey, _ stop: Signal
    ) async -> GateRecord? {
        guard life.spec.deploy.gates.after.indices.contains(key.step) else { return nil }
        let check = life.spec.deploy.gates.after[key.step]
        let began = ports.clock.now
        let ports = self.ports
        let state = life.state
        let outcome = await Self.unlessStopped(stop) {
            await within(.seconds(90), clock: ports.clock) {
                await ports.checks.check(check, service: state.service, release: state.release)
            } ?? CheckResult(.failed, "did not end within 90s")
        }
        guard let result = outcome else { return nil }
        return GateRecord(
            stage: .after, name: check.rawValue, outcome: result.outcome,
            time: Timestamp(nanoseconds: ports.clock.wallNanoseconds), took: ports.clock.now - began,
            detail: result.detail)
    }

    private static func unlessStopped<Value: Sendable>(
        _ stop: Signal, _ body: @escaping @Sendable () async -> Value
    ) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await body() }
            group.addTask {
                await stop.wait()
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return Task.isCancelled ? nil : first
        }
    }

    private func ended(_ record: GateRecord, _ key: RolloutLife.WorkKey, _ service: String, _ release: Int) {
        guard let life = lives[service], life.state.release == release, life.workKey == key else { return }
        lives[service]?.work = .finished(record)
        life.signal.set()
    }

    /// What a daemon that was killed left running of the present gate or migration.
    func endRemains(of service: String) async {
        guard let life = lives[service] else { return }
        lives[service]?.mayHaveRemains = false
        let key = RolloutLife.WorkKey(phase: life.state.phase, step: life.state.step)
        if let command = life.command(key) { await ports.commands.endRemains(of: command) }
    }
}

extension RolloutLife {
    /// Nil where the phase and step have none.
    func command(_ key: WorkKey) -> ReleaseCommand? {
        switch key.phase {
        case .gates:
            guard spec.deploy.gates.before.indices.contains(key.step) else { return nil }
            let gate = spec.deploy.gates.before[key.step]
            return ReleaseCommand(
                kind: .gate, name: gate.name, run: gate.run, timeout: gate.timeout, spec: spec, release: state.release)
        case .migration:
            guard let release = spec.release else { return nil }
            return ReleaseCommand(
                kind: .migration, name: "release", run: release.command, timeout: release.timeout,
                spec: release.applied(to: spec), release: state.release)
        default:
            return nil
        }
    }
}

extension ReleaseCommand {
    fileprivate var isRequired: Bool {
        kind == .migration || spec.deploy.gates.before.first { $0.name == name }?.required != false
    }
}
