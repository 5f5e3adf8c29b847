import AloftModel
import Testing

@testable import AloftRollout

/// What is shown of gates and migrations, and what must hold once they and all else have passed.
@Suite("What commands say")
struct CommandTests {
    private static let gates = ["types", "tests", "scan"]

    private static func spec() -> ServiceSpec {
        var deploy = DeploySpec.recreate
        deploy.gates.before = gates.map { GatesSpec.Command(name: $0, run: [Template($0)]) }
        return .web(deploy)
    }

    @Test("each gate keeps the last line it printed, and its own line is shown while it runs, never that of another")
    func lastLines() async throws {
        let machine = RolloutsTests.machine(Self.spec())
        machine.world.withLock { _ = $0.failingCommands.insert("scan") }
        let life = Life(machine)
        let rollouts = Rollouts(ports: life.ports, logger: RolloutsTests.log)
        _ = try await rollouts.begin(RolloutsTests.draft("b"))
        let changes = await rollouts.stream("web")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await rollouts.run() }
            await machine.run(rollouts, life)
            group.cancelAll()
        }
        var shown: Set<String> = []
        for await change in changes where change.phase == .gates {
            guard let output = change.output else { continue }
            shown.insert(output)
            #expect(output == "running \(change.stepName ?? "nothing")")
        }
        #expect(!shown.isEmpty)
        let release = try #require(machine.release(2))
        #expect(release.gates.map(\.detail) == ["running types", "running tests", "exit code 1: running scan"])
        #expect(release.statusReason == "gate `scan` failed: exit code 1: running scan")
    }

    @Test("a line that is blank is not the last one")
    func lastLine() {
        let tail = OutputTail()
        #expect(tail.last == nil)
        tail.append("found")
        tail.append("  ")
        #expect(tail.last == "found")
    }

    @Test(
        "what is watched must be whole at the end of `watch`, and what is kept for longer at the end of `keep`",
        arguments: [RolloutPhase.watching, .keeping])
    func wholeAtTheEnd(_ phase: RolloutPhase) {
        var state = RolloutState(
            service: "web", release: 2, stable: 1, strategy: .blueGreen, by: "ann", began: Timestamp(nanoseconds: 0),
            migration: .none)
        state.phase = phase
        state.isPromoted = true
        state.isSplit = true
        state.weight = Percent(100)
        var deploy = DeploySpec.blueGreen
        if phase == .watching { deploy.keep = deploy.watch }
        let spec = ServiceSpec.web(deploy)
        func next(ready: Int, at time: Duration) -> RolloutStep {
            let sets = [
                SetState(release: 1, isPrimary: false, desired: 4, ready: 4, replicas: 4),
                SetState(release: 2, isPrimary: true, desired: 4, ready: ready, replicas: 4),
            ]
            return RolloutPlanner.next(
                state,
                RolloutFacts(
                    time: time, wall: Timestamp(nanoseconds: 0), wanted: 4, sets: sets, split: .told(state.split),
                    known: [1, 2]), spec: spec)
        }
        let end = phase == .watching ? deploy.watch : deploy.keep - deploy.watch
        state = next(ready: 4, at: .seconds(1)).state
        let broken = next(ready: 3, at: end + .seconds(1))
        #expect(broken.state.phase == phase)
        #expect(!broken.actions.contains(.remove(release: 1)))
        #expect(next(ready: 4, at: end + .seconds(1)).state.phase == .cleaning)
        state = next(ready: 3, at: end + .seconds(1)).state
        #expect(next(ready: 3, at: end + deploy.progressDeadline + .seconds(1)).state.phase == .restoring)
    }
}
