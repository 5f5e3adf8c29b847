import AloftModel
import AloftRollout
import AloftSystem
import Logging
import Synchronization

/// What outlives a daemon: replicas, the journal, people's list of events.
final class Machine: Sendable {
    struct Disk: Sendable {
        var releases: [Int: Release] = [:]
        var rollout: RolloutState?
        var events: [Event] = []
        var ended: [String] = []
        var isFull = false
    }

    let world: Mutex<World>
    let disk = Mutex(Disk())
    let clock = SimulatedClock()
    let specs: @Sendable (Release) throws -> ServiceSpec
    /// How often others have their turn while somebody looks at the sets.
    let turns = Mutex(0)

    init(_ world: World, specs: @escaping @Sendable (Release) throws -> ServiceSpec) {
        self.world = Mutex(world)
        self.specs = specs
    }

    /// Moves world and clock one tick on where somebody sleeps for no more than a second; the driver always does.
    func tick() -> Bool {
        guard let next = clock.untilNext, next <= .seconds(1) else { return false }
        world.withLock { $0.advance() }
        clock.advance(by: World.tick)
        return true
    }

    var events: [Event] { disk.withLock { $0.events } }
    func release(_ number: Int) -> Release? { disk.withLock { $0.releases[number] } }

    /// What the next daemon finds.
    func restart() {
        let (current, state) = disk.withLock { disk in
            (disk.releases.values.filter { $0.status == .current }.map(\.number).max(), disk.rollout)
        }
        let targets = [(state?.stable, state?.stableTarget), (state?.release, state?.canaryTarget)]
            .compactMap { pair in pair.0.flatMap { release in pair.1.map { (release, $0) } } }
        world.withLock { $0.restart(primary: current, targets: state?.isUnderWay == true ? targets : []) }
    }
}

/// One daemon's hold on the machine: dies before its effect of a number, and does nothing any more then.
final class Life: ReplicaSets, Traffic, RolloutStore, CommandRunner, Checks {
    struct Killed: Error {}

    let machine: Machine
    private let left: Mutex<Int>
    private let count = Mutex(0)

    init(_ machine: Machine, effects: Int = .max) {
        self.machine = machine
        left = Mutex(effects)
    }

    var isDead: Bool { left.withLock { $0 <= 0 } }
    var effects: Int { count.withLock { $0 } }

    private func effect() throws {
        count.withLock { $0 += 1 }
        let isDead = left.withLock { left in
            if left > 0, left != .max { left -= 1 }
            return left <= 0
        }
        if isDead { throw Killed() }
    }

    var ports: RolloutPorts {
        RolloutPorts(
            sets: self, traffic: self, store: self, commands: self, checks: self, clock: machine.clock,
            spec: { try self.machine.specs($0) }, wanted: { _ in self.machine.world.withLock { $0.wanted } },
            event: { event in if !self.isDead { self.machine.disk.withLock { $0.events.append(event) } } })
    }

    func sets(of service: String) async -> [SetState] {
        for _ in 0..<machine.turns.withLock({ $0 }) { await Task.yield() }
        return machine.world.withLock { $0.states() }
    }

    func start(_ spec: ServiceSpec, release: Int, desired: Int) async throws {
        try effect()
        machine.world.withLock { $0.start(release, desired) }
    }

    func scale(_ service: String, release: Int, to desired: Int) async throws {
        try effect()
        machine.world.withLock { $0.scale(release, desired) }
    }

    func promote(_ service: String, release: Int) async throws {
        try effect()
        machine.world.withLock { $0.promote(release) }
    }

    func remove(_ service: String, release: Int) async throws {
        try effect()
        machine.world.withLock { $0.remove(release) }
    }

    func split(_ split: TrafficSplit?, of service: String) async {
        do { try effect() } catch { return }
        machine.world.withLock { $0.split = split }
    }

    func numbers(of service: String) async -> [Int: ReleaseNumbers] { machine.world.withLock { $0.numbers } }

    func probe(_ service: String, release: Int, path: String, requests: Int) async {
        machine.world.withLock { $0.deliver(requests, to: release) }
    }

    func releases(of service: String) async throws -> [Release] {
        machine.disk.withLock { $0.releases.values.sorted { $0.number < $1.number } }
    }

    func save(_ releases: [Release], rollout: RolloutState?) async throws {
        try effect()
        try machine.disk.withLock { disk in
            if disk.isFull { throw SystemError("write", "journal", code: 28) }
            for release in releases { disk.releases[release.number] = release }
            if let rollout { disk.rollout = rollout }
        }
    }

    func rollouts() async throws -> [RolloutState] { machine.disk.withLock { $0.rollout.map { [$0] } ?? [] } }

    func removeReleases(of service: String, numbers: [Int]) async throws {
        try effect()
        machine.disk.withLock { disk in for number in numbers { disk.releases[number] = nil } }
    }

    /// A command of the name `hangs` ends only when it is stopped.
    func run(_ command: ReleaseCommand, line: @escaping @Sendable (String) -> Void) async -> CommandResult {
        do { try effect() } catch { return CommandResult(passed: false, detail: "the daemon is dead") }
        line("running \(command.name)")
        if command.kind == .migration { machine.world.withLock { $0.migrationsStarted += 1 } }
        if machine.world.withLock({ $0.hangingCommands.contains(command.name) }) {
            do { try await machine.clock.sleep(for: .seconds(100_000)) } catch {
                machine.disk.withLock { $0.ended.append(command.name) }
            }
        }
        let isBad = machine.world.withLock { $0.failingCommands.contains(command.name) }
        return CommandResult(passed: !isBad, detail: isBad ? "exit code 1" : "exit code 0")
    }

    func endRemains(of command: ReleaseCommand) async {
        machine.disk.withLock { $0.ended.append("remains of \(command.name)") }
    }

    func check(_ check: GatesSpec.Check, service: String, release: Int) async -> CheckResult {
        machine.world.withLock { $0.failingChecks.contains(check) }
            ? CheckResult(.failed, "3 of 4 ready") : CheckResult(.passed, "4 of 4 ready")
    }
}

extension Machine {
    /// Runs a daemon until its rollout has ended or is frozen, `until` holds, or it is killed.
    func run(
        _ rollouts: Rollouts, _ life: Life, ticks: Int = 6000, until: (RolloutProgress?) -> Bool = { _ in false }
    ) async {
        var left = ticks
        let end = ContinuousClock.now + .seconds(120)
        while left > 0, !life.isDead, ContinuousClock.now < end {
            let progress = await rollouts.status("web")
            if progress == nil || progress?.isEnd == true || progress?.phase == .frozen || until(progress) { return }
            if tick() {
                left -= 1
            } else {
                await Task.yield()
            }
        }
    }
}
