import AloftModel
import AloftSystem
import Logging

/// Rolls releases out, one at a time for each service, and keeps their history.
///
/// `init` starts nothing. `restore` reads the journal and is called before replicas of an earlier daemon are looked for;
/// `run` drives every rollout until its task is cancelled. What a rollout does next is `RolloutPlanner`'s to say; each
/// step is written down before it is taken.
package actor Rollouts {
    let ports: RolloutPorts
    let logger: Logger
    /// Rollouts that are under way.
    var lives: [String: RolloutLife] = [:]
    /// How the last rollout of each service ended.
    var ended: [String: RolloutProgress] = [:]
    var watchers: [String: [Int: AsyncStream<RolloutProgress>.Continuation]] = [:]
    private var nextWatcher = 0
    private var busy: Set<String> = []
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]
    private var isEnding = false
    private let beginnings: AsyncStream<String>
    private let begun: AsyncStream<String>.Continuation

    /// People who watch one rollout at once; a further one is shown its present state only.
    package static let maxWatchers = 64
    /// Requests of people that wait to be answered, for each rollout.
    package static let maxRequests = 64

    package init(ports: RolloutPorts, logger: Logger) {
        self.ports = ports
        self.logger = logger
        (beginnings, begun) = AsyncStream.makeStream(of: String.self)
    }

    var wall: Timestamp { Timestamp(nanoseconds: ports.clock.wallNanoseconds) }

    /// Drives all rollouts, those restored and those begun later, until its task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await service in beginnings {
                group.addTask { await self.drive(service) }
            }
            group.cancelAll()
        }
        isEnding = true
        for service in lives.keys { refuseRequests(of: service) }
        // Written although this task is cancelled by now.
        await Task { await self.leave() }.value
    }

    /// The next daemon starts all replicas anew, and must not take that for a loss.
    private func leave() async {
        for (service, life) in lives where life.state.isUnderWay {
            lives[service]?.state.readiness.forget()
            guard let state = lives[service]?.state else { continue }
            do throws(RolloutError) {
                try await save([], state)
            } catch {
                logger.warning("a rollout that stops with the daemon was not written", metadata: life.metadata(error))
            }
        }
    }

    // MARK: Beginning

    /// Makes a release of the draft and begins to roll it out.
    ///
    /// While another release of the service is rolled out: refused, unless `replacing`, or the same user asks. Then that
    /// one goes back first (one that is promoted already stays), and this one waits as `pending` meanwhile.
    package func begin(_ draft: ReleaseDraft, replacing: Bool = false) async throws(RolloutError) -> Release {
        await lock(draft.service)
        defer { unlock(draft.service) }
        guard !isEnding else { throw .store("the daemon is stopping") }
        let releases = try await releases(of: draft.service)
        let number = (releases.map(\.number).max() ?? 0) + 1
        var release = draft.numbered(number, at: wall, status: .pending)
        release.gates = ReleaseHistory.gates(wentThroughBy: draft, in: releases)
        if let life = lives[draft.service] {
            // All that is left of one that keeps its old set is to let that go.
            let isOver = life.state.phase == .keeping
            try check(release, against: life, replacing: replacing || isOver || draft.by == life.state.by)
            _ = try await spec(of: release)
            if try await queue(release, behind: life, releases) { return release }
        }
        let current = try await self.releases(of: draft.service).last { $0.status == .current }
        if let current, current.runsTheSame(as: release) {
            throw .sameRelease(service: draft.service, release: current.number)
        }
        release.status = .rollingOut
        return try await start(release, stable: current)
    }

    private func check(
        _ release: Release, against life: RolloutLife, replacing: Bool
    ) throws(RolloutError) {
        let state = life.state
        if release.runsTheSame(as: life.release), !state.phase.isGoingBack, state.phase != .frozen {
            throw .sameRelease(service: state.service, release: state.release)
        }
        guard replacing else {
            throw .held(
                service: state.service, release: state.release, by: state.by, since: state.began, phase: state.phase)
        }
    }

    /// Lets a release wait for the end of the rollout that is under way.
    ///
    /// - Returns: False where that ended meanwhile.
    private func queue(
        _ release: Release, behind life: RolloutLife, _ releases: [Release]
    ) async throws(RolloutError) -> Bool {
        var changed = [release]
        if var earlier = releases.first(where: { $0.number == life.state.next }), earlier.status == .pending {
            earlier.status = .superseded
            earlier.statusReason = "release \(release.number) took its place before it began"
            changed.append(earlier)
        }
        try await save(changed, nil)
        do throws(RolloutError) {
            try await ask(release.service, .supersede(next: release.number, by: release.by))
            return true
        } catch .noRollout {
            return false
        }
    }

    /// Writes a rollout down and has it driven.
    func start(_ release: Release, stable: Release?) async throws(RolloutError) -> Release {
        let spec = try await spec(of: release)
        var release = release
        release.status = .rollingOut
        release.migration = spec.release == nil ? .none : .pending
        var state = RolloutState(
            service: release.service, release: release.number, stable: stable?.number,
            strategy: spec.deploy.strategy, by: release.by, began: wall, migration: release.migration)
        if let stable, release.replacesCode(of: stable) { state.replacesCode = true }
        let from = stable.map { " takes over from release \($0.number)" } ?? ""
        state.untold = [
            Event(
                time: wall, severity: .notice, kind: "rollout.started", subject: release.service,
                message: "release \(release.number)\(from): \(spec.deploy.strategy.rawValue), "
                    + "\(release.reason) by \(release.by)")
        ]
        var stableSpec: ServiceSpec?
        if let stable { stableSpec = try await self.spec(of: stable) }
        try await save([release], state)
        lives[release.service] = RolloutLife(
            state: state, release: release, stableRelease: stable, spec: spec, stableSpec: stableSpec,
            at: ports.clock.now)
        lives[release.service]?.progress = RolloutProgress(ended: state)
        begun.yield(release.service)
        return release
    }

    /// Makes a release current at once, for processes that run already; nothing is rolled out.
    package func adopt(_ draft: ReleaseDraft) async throws(RolloutError) -> Release {
        await lock(draft.service)
        defer { unlock(draft.service) }
        if let state = lives[draft.service]?.state {
            throw .held(
                service: state.service, release: state.release, by: state.by, since: state.began, phase: state.phase)
        }
        let releases = try await releases(of: draft.service)
        var release = draft.numbered((releases.map(\.number).max() ?? 0) + 1, at: wall, status: .current)
        release.promoted = wall
        let replaced = releases.filter { $0.status == .current }.map { earlier in
            var earlier = earlier
            earlier.status = .superseded
            earlier.statusReason = "release \(release.number) took its place"
            return earlier
        }
        try await save(replaced + [release], nil)
        return release
    }

    // MARK: People, who may say why

    package func pause(_ service: String, by user: String, because: String? = nil) async throws(RolloutError) {
        try await ask(service, .pause(by: user, because: because))
    }

    /// Goes on after a pause, or tries again what was frozen.
    package func resume(_ service: String, by user: String, because: String? = nil) async throws(RolloutError) {
        try await ask(service, .resume(by: user, because: because))
    }

    /// Skips the steps that are left, and judgements until promotion; of a frozen one too.
    package func promote(_ service: String, by user: String, because: String? = nil) async throws(RolloutError) {
        try await ask(service, .promote(by: user, because: because))
    }

    /// - Parameter name: As in the steps of the canary; `migration` says that one of unknown outcome has done its work.
    package func approve(
        _ service: String, name: String, by user: String, because: String? = nil
    ) async throws(RolloutError) {
        try await ask(service, .approve(name: name, by: user, because: because))
    }

    /// Goes back to the old release.
    ///
    /// - Parameter force: Also where a migration that can't be undone has run.
    package func abort(
        _ service: String, by user: String, force: Bool = false, because: String? = nil
    ) async throws(RolloutError) {
        try await ask(service, .abort(by: user, force: force, because: because))
    }

    /// Hands the request to the rollout's driver, which answers between two steps.
    private func ask(_ service: String, _ request: RolloutRequest) async throws(RolloutError) {
        guard let life = lives[service] else { throw .noRollout(service: service) }
        guard !isEnding, life.requests.count < Self.maxRequests else { throw .store("too many requests wait") }
        let result: Result<Void, RolloutError> = await withCheckedContinuation { continuation in
            lives[service]?.requests.append((request, continuation))
            life.signal.set()
        }
        try result.get()
    }

    // MARK: Observation

    /// The rollout that is under way, or how the last one ended; nil where this daemon knows of none.
    package func status(_ service: String) -> RolloutProgress? { lives[service]?.progress ?? ended[service] }

    /// The present state at once, then each change; ends with the rollout. What nobody takes is dropped, oldest first.
    package func stream(_ service: String) -> AsyncStream<RolloutProgress> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: RolloutProgress.self, bufferingPolicy: .bufferingNewest(256))
        if let now = status(service) { continuation.yield(now) }
        guard lives[service] != nil, watchers[service]?.count ?? 0 < Self.maxWatchers else {
            continuation.finish()
            return stream
        }
        nextWatcher += 1
        watchers[service, default: [:]][nextWatcher] = continuation
        return stream
    }

    /// True from the beginning until all requests go to one release and its gates have passed: scale-down is held.
    package func isRollingOut(_ service: String) -> Bool {
        switch lives[service]?.state.phase {
        case nil, .watching, .keeping, .cleaning, .done, .failed, .rolledBack: false
        default: true
        }
    }

    /// Whether the number of each set is the rollout's to say, of all that the service should have; else scaling's.
    package func saysNumbers(of service: String) -> Bool {
        guard let state = lives[service]?.state, !state.isPromoted else { return false }
        return state.canaryTarget != nil || state.stableTarget != nil
    }

    /// The release that the service runs.
    package func current(_ service: String) async throws(RolloutError) -> Release? {
        try await releases(of: service).last { $0.status == .current }
    }

    /// All that are kept, by number.
    package func releases(of service: String) async throws(RolloutError) -> [Release] {
        do { return try await ports.store.releases(of: service) } catch { throw .store("\(error)") }
    }

    // MARK: One beginning at a time for each service

    private func lock(_ service: String) async {
        while busy.contains(service) {
            await withCheckedContinuation { waiting[service, default: []].append($0) }
        }
        busy.insert(service)
    }

    private func unlock(_ service: String) {
        busy.remove(service)
        let freed = waiting.removeValue(forKey: service) ?? []
        for continuation in freed { continuation.resume() }
    }

    /// Has a rollout driven that was written down earlier.
    func drive(restored service: String) { begun.yield(service) }

    /// As `begin` does, for what follows upon a rollout that has ended.
    func exclusively<Value: Sendable>(_ service: String, _ body: () async -> Value) async -> Value {
        await lock(service)
        defer { unlock(service) }
        return await body()
    }
}
