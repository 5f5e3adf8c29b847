import AloftModel
import AloftSystem
import Logging
import Testing

@testable import AloftRollout

@Suite("Rollouts")
struct RolloutsTests {
    static let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    static func draft(_ digest: String, by user: String = "ann") -> ReleaseDraft {
        ReleaseDraft(
            service: "web", by: user, reason: .deploy, fileDigest: "f", overrides: ReleaseOverrides(artifact: digest),
            specDigest: "s")
    }

    static func machine(_ spec: ServiceSpec, _ behaviour: Behaviour = .good) -> Machine {
        var world = World()
        world.behaviours[2] = behaviour
        let machine = Machine(world) { _ in spec }
        var first = draft("a").numbered(1, at: Timestamp(nanoseconds: 0), status: .current)
        first.promoted = Timestamp(nanoseconds: 0)
        machine.disk.withLock { $0.releases[1] = first }
        return machine
    }

    static let stories: [(DeploySpec, Behaviour)] = [
        (.canary(steps: [.weight(Percent(50), for: .seconds(10))], watch: .seconds(20)), .good),
        (.canary(steps: [.weight(Percent(50), for: .seconds(10))], watch: .seconds(20)), Behaviour(failures: 2000)),
        (.rolling(), .good), (.rolling(), Behaviour(failures: 2000)), (.blueGreen, .good),
        (.blueGreen, Behaviour(failures: 2000)), (.recreate, .good), (.recreate, Behaviour(crashAfter: .seconds(20))),
    ]

    @Test("the daemon killed at any effect, the next one brings it to the same end", arguments: stories.indices)
    func killed(_ index: Int) async throws {
        let (deploy, behaviour) = Self.stories[index]
        let spec = ServiceSpec.web(deploy)
        let phase: RolloutPhase = behaviour.failures == 0 && behaviour.crashAfter == nil ? .done : .rolledBack
        let plain = try await Self.story(spec, behaviour, kill: nil)
        #expect(plain.phase == phase)
        #expect(plain.effects > 10)
        #expect(plain.errors == (phase == .done ? 0 : 1))
        // The first two effects are those of `begin`, which throws then.
        for effect in 2...plain.effects {
            let killed = try await Self.story(spec, behaviour, kill: effect)
            #expect(killed.phase == phase, "killed at effect \(effect)")
            #expect(killed.current == plain.current, "killed at effect \(effect)")
            #expect(killed.sets == plain.sets, "killed at effect \(effect)")
            #expect(killed.distinctErrors == plain.errors, "killed at effect \(effect)")
        }
    }

    struct End: Sendable {
        var phase: RolloutPhase?
        var current: Int?
        var sets: [Int: Int]
        var effects: Int
        var errors: Int
        var distinctErrors: Int
    }

    static func story(_ spec: ServiceSpec, _ behaviour: Behaviour, kill: Int?) async throws -> End {
        let machine = machine(spec, behaviour)
        let first = Life(machine, effects: kill ?? .max)
        let rollouts = Rollouts(ports: first.ports, logger: log)
        _ = try await rollouts.begin(draft("b"))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await rollouts.run() }
            await machine.run(rollouts, first)
            group.cancelAll()
        }
        if kill != nil {
            machine.restart()
            let second = Life(machine)
            let next = Rollouts(ports: second.ports, logger: log)
            try await next.restore()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await next.run() }
                await machine.run(next, second)
                group.cancelAll()
            }
        }
        for _ in 0..<50 { machine.world.withLock { $0.advance() } }
        let errors = machine.events.filter { $0.severity == .error }
        return machine.disk.withLock { disk in
            End(
                phase: disk.rollout?.phase, current: disk.releases.values.first { $0.status == .current }?.number,
                sets: machine.world.withLock { world in
                    Dictionary(uniqueKeysWithValues: world.states().map { ($0.release, $0.desired) })
                }, effects: first.effects, errors: errors.count, distinctErrors: Set(errors).count)
        }
    }
}
