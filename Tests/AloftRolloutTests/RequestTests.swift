import AloftModel
import AloftSystem
import Testing

@testable import AloftRollout

@Suite("Requests of people")
struct RequestTests {
    private typealias Kit = RolloutsTests

    /// A daemon beside which the body runs, until it returns.
    private func with(
        _ machine: Machine, _ body: (Rollouts, Life) async throws -> Void
    ) async throws {
        let life = Life(machine)
        let rollouts = Rollouts(ports: life.ports, logger: Kit.log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await rollouts.run() }
            // Requests are answered between two looks, so somebody must move the clock meanwhile.
            let mover = Mover()
            group.addTask { await mover.move(machine) }
            defer {
                mover.stop()
                group.cancelAll()
            }
            try await body(rollouts, life)
        }
    }

    @Test("the second person is told who holds the service; the same person's release takes over")
    func held() async throws {
        let machine = Kit.machine(.web(.canary()))
        try await with(machine) { rollouts, life in
            let first = try await rollouts.begin(Kit.draft("b"))
            #expect(first.number == 2)
            do throws(RolloutError) {
                _ = try await rollouts.begin(Kit.draft("c", by: "bob"))
                Issue.record("two rollouts at once")
            } catch {
                guard case .held("web", 2, "ann", _, _) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect("\(error)".hasPrefix("ann is rolling out release 2 of `web` since "))
            }
            await #expect(throws: RolloutError.sameRelease(service: "web", release: 2)) {
                try await rollouts.begin(Kit.draft("b", by: "bob"), replacing: true)
            }
            try await machine.wait { await rollouts.status("web")?.weight == Percent(5) }
            let second = try await rollouts.begin(Kit.draft("c", by: "bob"), replacing: true)
            #expect(second.number == 3 && second.status == .pending)
            try await machine.wait {
                await rollouts.status("web")?.release == 3 && machine.world.withLock { $0.groups[2] == nil }
            }
            #expect(machine.release(2)?.status == .superseded)
            #expect(machine.release(3)?.status == .rollingOut)
            #expect(machine.events.contains { $0.kind == "rollout.superseded" })
            #expect(machine.events.allSatisfy { $0.severity != .error })
        }
    }

    @Test("what is shown right after an answer is what was asked for")
    func shownAtOnce() async throws {
        let machine = Kit.machine(.web(.canary(steps: [.weight(Percent(5), for: .seconds(600))])))
        try await with(machine) { rollouts, _ in
            _ = try await rollouts.begin(Kit.draft("b"))
            try await machine.wait { await rollouts.status("web")?.weight == Percent(5) }
            machine.turns.withLock { $0 = 50 }
            for _ in 1...20 {
                try await rollouts.pause("web", by: "ann")
                #expect(await rollouts.status("web")?.isPaused == true)
                try await rollouts.resume("web", by: "ann")
                #expect(await rollouts.status("web")?.isPaused == false)
            }
            try await rollouts.pause("web", by: "ann", because: "looking at the logs")
            try await rollouts.abort("web", by: "ann", because: "wrong branch")
            #expect(await rollouts.status("web")?.phase != .shifting)
            try await machine.wait { machine.release(2)?.status == .rolledBack }
            #expect(machine.release(2)?.statusReason?.contains("aborted by ann: wrong branch") == true)
            #expect(machine.events.contains { $0.message.contains("paused by ann: looking at the logs") })
        }
    }

    @Test("the release that runs is not deployed again")
    func same() async throws {
        let machine = Kit.machine(.web(.canary()))
        try await with(machine) { rollouts, _ in
            await #expect(throws: RolloutError.sameRelease(service: "web", release: 1)) {
                try await rollouts.begin(Kit.draft("a"))
            }
            #expect(await rollouts.status("web") == nil)
            await #expect(throws: RolloutError.noRollout(service: "web")) { try await rollouts.pause("web", by: "ann") }
        }
    }

    @Test("an abort during a gate stops the gate's command, and nothing was started")
    func abortInGate() async throws {
        let machine = Kit.machine(.web(.canary()))
        machine.world.withLock { _ = $0.hangingCommands.insert("tests") }
        try await with(machine) { rollouts, life in
            _ = try await rollouts.begin(Kit.draft("b"))
            try await machine.wait { await rollouts.status("web")?.output == "running tests" }
            try await rollouts.abort("web", by: "bob")
            try await machine.wait { await rollouts.status("web")?.isEnd == true }
            try await machine.wait { machine.disk.withLock { $0.ended } == ["tests"] }
            #expect(machine.release(2)?.status == .failed)
            #expect(machine.release(2)?.statusReason == "aborted by bob")
            #expect(machine.world.withLock { $0.groups[2] == nil && $0.ready(1) == 4 })
        }
    }

    @Test("a gate that fails ends it with its output kept; stable was never touched")
    func gateFails() async throws {
        let machine = Kit.machine(.web(.blueGreen))
        machine.world.withLock { _ = $0.failingCommands.insert("tests") }
        try await with(machine) { rollouts, _ in
            _ = try await rollouts.begin(Kit.draft("b"))
            try await machine.wait { await rollouts.status("web")?.isEnd == true }
            let release = try #require(machine.release(2))
            #expect(release.status == .failed)
            #expect(release.gates.first?.output == ["running tests"])
            #expect(release.statusReason == "gate `tests` failed: exit code 1: running tests")
            #expect(machine.events.filter { $0.severity == .error }.count == 1)
            #expect(machine.world.withLock { $0.fewestServing } == 4)
        }
    }

    @Test("a journal that can't be written holds everything until it can")
    func fullDisk() async throws {
        let machine = Kit.machine(.web(.blueGreen))
        try await with(machine) { rollouts, _ in
            _ = try await rollouts.begin(Kit.draft("b"))
            try await machine.wait { await rollouts.status("web")?.phase == .starting }
            machine.disk.withLock { $0.isFull = true }
            let time = machine.world.withLock { $0.time }
            try await machine.wait { machine.world.withLock { $0.time } > time + .seconds(30) }
            #expect(machine.world.withLock { $0.primary } == 1)
            #expect(machine.world.withLock { $0.split?.canaryShare ?? Percent(0) } == Percent(0))
            machine.disk.withLock { $0.isFull = false }
            try await machine.wait { await rollouts.status("web")?.isEnd == true }
            #expect(await rollouts.status("web")?.phase == .done)
        }
    }

    @Test("a wall clock that goes back an hour changes nothing but what people read")
    func clockBack() async throws {
        let machine = Kit.machine(.web(.canary(steps: [.weight(Percent(50), for: .seconds(20))])))
        try await with(machine) { rollouts, _ in
            _ = try await rollouts.begin(Kit.draft("b"))
            try await machine.wait { await rollouts.status("web")?.weight == Percent(50) }
            let time = machine.world.withLock { $0.time }
            machine.clock.setWallBack(.seconds(3600))
            try await machine.wait { await rollouts.status("web")?.isPromoted == true }
            #expect(machine.world.withLock { $0.time } - time < .seconds(30))
        }
    }

    @Test("watchers see each phase once and the end; the list of releases is pruned")
    func watching() async throws {
        let machine = Kit.machine(.web(.rolling()))
        try await with(machine) { rollouts, _ in
            _ = try await rollouts.begin(Kit.draft("b"))
            #expect(await rollouts.isRollingOut("web"))
            var phases: [RolloutPhase] = []
            for await progress in await rollouts.stream("web") where phases.last != progress.phase {
                phases.append(progress.phase)
            }
            #expect(phases.first == .gates && phases.last == .done)
            #expect(Set(phases).count == phases.count)
            #expect(await !rollouts.isRollingOut("web"))
            _ = try await rollouts.begin(Kit.draft("c"))
            try await machine.wait { await rollouts.status("web")?.release == 3 }
            try await machine.wait { await rollouts.status("web")?.isEnd == true }
            #expect(try await rollouts.current("web")?.number == 3)
            let removed = try await rollouts.prune("web", keeping: HistorySpec(keep: 1, maxAge: .seconds(1 << 40)))
            #expect(removed.map(\.number) == [1])
        }
    }

    @Test("a first release is rolled out with nothing to go back to, and frozen where it does not start")
    func first() async throws {
        for isBad in [false, true] {
            var world = World(stable: nil)
            world.behaviours[1] = Behaviour(neverReady: isBad)
            let machine = Machine(world) { _ in .web(.canary(), release: .migration(reversible: true)) }
            try await with(machine) { rollouts, _ in
                _ = try await rollouts.begin(Kit.draft("a"))
                try await machine.wait {
                    let status = await rollouts.status("web")
                    return status?.isEnd == true || status?.phase == .frozen
                }
                #expect(await rollouts.status("web")?.phase == (isBad ? .frozen : .done))
                #expect(machine.release(1)?.status == (isBad ? .rollingOut : .current))
                #expect(machine.world.withLock { $0.migrationsStarted } == 1)
            }
        }
    }
}

/// Moves a machine's clock until it is stopped.
final class Mover: Sendable {
    private let signal = Signal()

    func stop() { signal.set() }

    func move(_ machine: Machine) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    if !machine.tick() { await Task.yield() }
                }
            }
            group.addTask { await self.signal.wait() }
            _ = await group.next()
            group.cancelAll()
        }
    }
}

extension Machine {
    struct TookTooLong: Error {}

    /// Waits for a state; an hour of the machine's time is too long.
    func wait(until condition: () async -> Bool) async throws {
        let end = world.withLock { $0.time } + .seconds(3600)
        while world.withLock({ $0.time }) < end {
            if await condition() { return }
            await Task.yield()
        }
        throw TookTooLong()
    }
}
