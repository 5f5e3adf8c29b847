import AloftModel
import AloftTestKit
import Testing

@testable import AloftRollout

@Suite("Kills")
struct CrashTests {
    struct Outcome: Equatable, CustomStringConvertible {
        var phase: RolloutPhase
        var primary: Int?
        var sets: [Int: Int]
        var statuses: [Int: Release.Status]
        var split: TrafficSplit?

        init(_ driver: SyncDriver) {
            phase = driver.journal.state.phase
            primary = driver.world.primary
            sets = Dictionary(uniqueKeysWithValues: driver.world.states().map { ($0.release, $0.desired) })
            statuses = driver.journal.statuses
            split = driver.world.split
        }

        var description: String { "\(phase) primary \(primary ?? 0) sets \(sets) \(statuses)" }
    }

    /// What the plain story does, killed before each of its effects in turn.
    @Test("killed at any effect, every strategy with every version ends as it would have", arguments: Story.all)
    func killedAnywhere(_ story: Story) {
        var plain = story.driver()
        plain.run()
        plain.settle()
        let expected = Outcome(plain)
        #expect(plain.effects > 5)
        for effect in 1...plain.effects {
            var driver = story.driver()
            driver.crashes = [effect]
            driver.run()
            driver.settle()
            #expect(Outcome(driver) == expected, "killed at effect \(effect)\n\(driver.log.joined(separator: "\n"))")
            #expect(driver.violations.isEmpty, "killed at effect \(effect): \(driver.violations)")
        }
    }

    @Test("killed twice, close together, it ends the same too", arguments: Story.all)
    func killedTwice(_ story: Story) {
        var plain = story.driver()
        plain.run()
        plain.settle()
        for effect in stride(from: 1, through: plain.effects, by: 3) {
            var driver = story.driver()
            driver.crashes = [effect, effect + 2]
            driver.run()
            driver.settle()
            #expect(Outcome(driver) == Outcome(plain), "killed at effects \(effect) and \(effect + 2)")
        }
    }

    @Test(
        "a migration runs once, whenever the daemon is killed; cut off in the middle, nobody guesses",
        arguments: [
            true, false,
        ])
    func migration(reversible: Bool) {
        var world = World()
        world.behaviours[2] = .good
        let spec = ServiceSpec.web(.canary(), release: .migration(reversible: reversible))
        func driver(_ crashes: [Int]) -> SyncDriver {
            var driver = SyncDriver(world, spec)
            driver.requests = [(.seconds(120), .approve(name: "qa", by: "bob"))]
            driver.crashes = crashes
            return driver
        }
        var plain = driver([])
        plain.run()
        #expect(plain.journal.state.phase == .done)
        #expect(plain.world.migrationsStarted == 1)
        var cutOff = 0
        for effect in 1...plain.effects {
            var killed = driver([effect])
            killed.run(stopFrozen: true)
            #expect(killed.world.migrationsStarted <= 1)
            #expect(killed.violations.isEmpty)
            switch killed.journal.state.migration {
            case .succeeded: #expect(killed.journal.state.phase == .done)
            case .unknown:
                cutOff += 1
                #expect(killed.journal.state.phase == (reversible ? .failed : .frozen))
                #expect(killed.world.primary == 1 && killed.world.ready(1) == 4)
                #expect(killed.journal.statuses[1] == .current)
            default: Issue.record("killed at \(effect): migration \(killed.journal.state.migration)")
            }
        }
        #expect(cutOff >= 1)
    }

    @Test("approved or aborted, a migration of unknown outcome lets the rollout go on or end")
    func unknownMigration() {
        let spec = ServiceSpec.web(
            .canary(steps: [.weight(Percent(50), for: .seconds(10))]), release: .migration(reversible: false))
        for (request, phase) in [
            (RolloutRequest.approve(name: "migration", by: "ann"), RolloutPhase.done),
            (.abort(by: "ann", force: false), .failed),
        ] {
            var driver = SyncDriver(World(), spec)
            while driver.journal.state.migration != .running { driver.run(for: World.tick) }
            driver.crashes = [0]
            driver.effects = 0
            driver.run(for: .seconds(5))
            // A killed daemon is noticed at its next effect: nothing is due but the end of the migration.
            #expect(driver.world.migrationsStarted == 1)
            guard driver.journal.state.phase == .frozen else {
                Issue.record("\(driver.journal.state.phase)")
                continue
            }
            driver.requests = [(.zero, request)]
            driver.run()
            #expect(driver.refusals.isEmpty)
            #expect(driver.journal.state.phase == phase)
            #expect(driver.world.migrationsStarted == 1)
        }
    }

    @Test("random requests and kills break no rule, and every rollout ends", arguments: 0..<100)
    func random(_ index: Int) {
        let seed = UInt64(index) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        var random = SplitMix(seed: seed)
        let (_, deploy) = Story.strategies[Int(random.next() % 4)]
        let (version, behaviour) = Story.versions[Int(random.next() % 6)]
        let migration: ReleaseSpec? = random.next() % 2 == 0 ? nil : .migration(reversible: random.next() % 2 == 0)
        var world = World(wanted: 1 + Int(random.next() % 6))
        world.behaviours[2] = behaviour
        var driver = SyncDriver(world, .web(deploy, release: migration))
        var at = Duration.zero
        for _ in 0..<Int(random.next() % 8) {
            at += .seconds(Int(random.next() % 40))
            driver.requests.append((at, Self.request(&random)))
        }
        var effect = 0
        for _ in 0..<Int(random.next() % 5) {
            effect += 1 + Int(random.next() % 15)
            driver.crashes.append(effect)
        }
        driver.requests.append((at + .seconds(200), .resume(by: "x")))
        driver.requests.append((at + .seconds(300), .approve(name: "qa", by: "x")))
        driver.requests.append((at + .seconds(700), .abort(by: "x", force: true)))
        driver.run()
        driver.settle()
        let log = driver.log.joined(separator: "\n")
        #expect(driver.violations.isEmpty, "seed \(seed), \(version): \(driver.violations)\n\(log)")
        let state = driver.journal.state
        #expect(state.phase.isEnd || state.phase == .frozen, "seed \(seed): \(state.phase)")
        #expect(driver.phases.count < 60, "seed \(seed): it flaps")
        // Whoever is current is primary, whole, and alone with all requests once the rollout has ended.
        guard state.phase.isEnd, let current = driver.journal.current else { return }
        #expect(driver.journal.statuses.values.filter { $0 == .current }.count == 1)
        #expect(driver.world.primary == current, "seed \(seed)")
        #expect(driver.world.split == nil, "seed \(seed)")
        #expect(driver.world.groups.count == 1, "seed \(seed)")
        if behaviour.crashAfter == nil || current == 1 {
            #expect(driver.world.groups[current]?.desired == world.wanted, "seed \(seed)")
        }
    }

    private static func request(_ random: inout SplitMix) -> RolloutRequest {
        switch random.next() % 7 {
        case 0: .pause(by: "x")
        case 1: .resume(by: "x")
        case 2: .promote(by: "x")
        case 3: .approve(name: "qa", by: "x")
        case 4: .approve(name: "migration", by: "x")
        case 5: .abort(by: "x", force: random.next() % 2 == 0)
        default: .supersede(next: 3, by: "x")
        }
    }
}
