import AloftModel
import Testing

@testable import AloftRollout

@Suite("Numbers")
struct NumbersTests {
    @Test("a canary with 20% errors at 5% is back to 0% within two intervals, and less than 1% of all failed")
    func badCanary() throws {
        var world = World(requestsPerSecond: 1000)
        world.behaviours[2] = Behaviour(failures: 2000)
        var driver = SyncDriver(
            world,
            .web(.canary(steps: [.weight(Percent(5), for: .seconds(60)), .weight(Percent(50), for: .seconds(60))])))
        var enough: Duration?
        var back: Duration?
        while back == nil, driver.world.time < .seconds(300) {
            driver.run(for: World.tick)
            let requests = driver.world.numbers[2]?.requests ?? 0
            if enough == nil, requests >= 100 { enough = driver.world.time }
            if requests > 0, driver.world.split?.canaryShare == Percent(0) { back = driver.world.time }
        }
        let took = try #require(back) - (try #require(enough))
        #expect(took <= .seconds(20))
        #expect(driver.world.dropped == 0)
        #expect(Double(driver.world.failed) / Double(driver.world.sent) < 0.01)
        print(
            "20% errors at 5%: back to 0% \(took.quantity) after 100 requests; \(driver.world.failed) of "
                + "\(driver.world.sent) requests failed")
    }

    @Test(
        "good versions never leave fewer replicas serving than are allowed, nor lose a request",
        arguments: [
            ("canary", DeploySpec.canary(), 4, 8), ("rolling", .rolling(), 4, 5),
            ("rolling with one missing", .rolling(surge: 0, unavailable: 1), 3, 4), ("blueGreen", .blueGreen, 4, 8),
        ])
    func neverFewer(_ name: String, _ deploy: DeploySpec, _ fewest: Int, _ most: Int) {
        var driver = SyncDriver(World(), .web(deploy))
        driver.requests = [(.seconds(100), .approve(name: "qa", by: "bob"))]
        driver.run()
        #expect(driver.journal.state.phase == .done)
        #expect(driver.world.fewestServing >= fewest)
        #expect(driver.world.mostReplicas <= most)
        #expect(driver.world.dropped == 0 && driver.world.failed == 0)
    }

    @Test("both versions bad: frozen with one error, not back and forth")
    func bothBad() {
        var world = World()
        world.behaviours = [1: Behaviour(failures: 3000), 2: Behaviour(failures: 3000)]
        var driver = SyncDriver(world, .web(.canary()))
        driver.run()
        #expect(driver.journal.state.phase == .frozen)
        #expect(driver.events.filter { $0.severity == .error }.count == 1)
        #expect(driver.journal.verdicts.last?.verdict.name == "inconclusive")
        #expect(driver.phases.count == 5)
    }

    @Test("an idle canary is judged by synthetic requests; without them it waits, and says so once")
    func idle() {
        var deploy = DeploySpec.canary(steps: [.weight(Percent(50), for: .seconds(30))])
        deploy.watch = .zero
        var waiting = SyncDriver(World(requestsPerSecond: 0), .web(deploy))
        waiting.run(for: .seconds(1000))
        #expect(waiting.journal.state.phase == .shifting)
        #expect(waiting.events.filter { $0.kind == "rollout.waiting" }.count == 1)
        deploy.analysis?.probeRequests = AnalysisSpec.ProbeRequests(path: "/", rate: Rate(5, per: .seconds(1)))
        var probed = SyncDriver(World(requestsPerSecond: 0), .web(deploy))
        probed.run(for: .seconds(1000))
        #expect(probed.journal.state.phase == .done)
        #expect(probed.world.numbers[2]?.requests ?? 0 >= 100)
    }

    @Test("a migration that can't be undone turns going back into a freeze, which only force overrules")
    func irreversible() {
        var world = World()
        world.behaviours[2] = Behaviour(failures: 2000)
        var driver = SyncDriver(world, .web(.canary(), release: .migration(reversible: false)))
        driver.run()
        #expect(driver.journal.state.phase == .frozen)
        #expect(driver.world.split?.canaryShare == Percent(5))
        driver.requests = [(.zero, .abort(by: "ann", force: false)), (.zero, .abort(by: "ann", force: true))]
        driver.run()
        #expect(driver.refusals == [.irreversible(service: "web", release: 2)])
        #expect(driver.journal.state.phase == .rolledBack)
        #expect(driver.world.primary == 1)
    }

    @Test("a failing check after promotion goes back: stable is whole before it is sent anything")
    func failingCheck() {
        for deploy in [DeploySpec.canary(steps: [.weight(Percent(50), for: .seconds(10))]), .rolling(), .blueGreen] {
            var world = World()
            world.failingChecks = [.health]
            var driver = SyncDriver(world, .web(deploy))
            driver.run()
            #expect(driver.journal.state.phase == .rolledBack)
            #expect(driver.world.dropped == 0)
            #expect(driver.world.fewestServing >= 4)
            #expect(driver.journal.statuses == [1: .current, 2: .rolledBack])
        }
    }

    @Test("paused, nothing moves, and a bad version still goes back")
    func paused() {
        var driver = SyncDriver(World(), .web(.canary()))
        driver.requests = [(.seconds(5), .pause(by: "ann"))]
        driver.run(for: .seconds(500))
        #expect(driver.journal.state.phase == .shifting && driver.journal.state.weight == Percent(5))
        var world = World()
        world.behaviours[2] = Behaviour(failures: 2000)
        var bad = SyncDriver(world, .web(.canary()))
        bad.requests = [(.seconds(5), .pause(by: "ann"))]
        bad.run(for: .seconds(500))
        #expect(bad.journal.state.phase == .rolledBack)
    }

    @Test("promote skips the steps that are left; resume after a freeze tries again")
    func manual() {
        var hastened = SyncDriver(World(), .web(.canary(watch: .zero)))
        hastened.requests = [(.seconds(5), .promote(by: "ann"))]
        hastened.run()
        #expect(hastened.journal.state.phase == .done)
        #expect(hastened.world.time < .seconds(30))
        var world = World()
        world.behaviours[2] = Behaviour(failures: 2000)
        var frozen = SyncDriver(world, .web(.canary(watch: .zero, onFailure: .freeze)))
        frozen.run()
        #expect(frozen.journal.state.phase == .frozen)
        frozen.world.behaviours[2] = .good
        frozen.requests = [
            (.zero, .resume(by: "ann")), (frozen.world.time + .seconds(90), .approve(name: "qa", by: "b")),
        ]
        frozen.run()
        #expect(frozen.journal.state.phase == .done)
    }

    @Test("scaling in the middle is followed: the wanted number is asked for each time")
    func scaled() {
        for deploy in [DeploySpec.canary(steps: [.weight(Percent(50), for: .seconds(30))]), .rolling(), .blueGreen] {
            var driver = SyncDriver(World(), .web(deploy))
            driver.run(for: .seconds(5))
            driver.world.wanted = 8
            driver.run()
            #expect(driver.journal.state.phase == .done)
            #expect(driver.world.dropped == 0)
            let isScaledByRollout = deploy.strategy != .blueGreen || driver.world.ready(2) >= 4
            #expect(isScaledByRollout)
        }
    }

    @Test("after promotion the number is left to scaling", arguments: Story.strategies.map(\.1))
    func leftToScaling(_ deploy: DeploySpec) {
        var driver = SyncDriver(World(), .web(deploy))
        driver.requests = [(.zero, .approve(name: "qa", by: "bob"))]
        while !driver.journal.state.isPromoted, driver.world.time < .seconds(600) { driver.run(for: World.tick) }
        driver.world.wanted = 7
        driver.world.scale(2, 7)
        driver.run()
        #expect(driver.journal.state.phase == .done)
        #expect(driver.world.ready(2) == 7)
    }

    /// A canary of so many replicas, half of all that are wanted, that is looked at each second; all of them are ready
    /// whenever somebody looks.
    private func phase(replicas: Int, crashes: [Int]) -> RolloutState {
        var state = RolloutState(
            service: "web", release: 2, stable: 1, strategy: .canary, by: "ann", began: Timestamp(nanoseconds: 0),
            migration: .none)
        state.phase = .shifting
        state.canaryTarget = replicas
        let spec = ServiceSpec.web(.canary(steps: [.weight(Percent(50), for: .seconds(600))]))
        for (second, count) in crashes.enumerated() {
            let sets = [
                SetState(release: 1, isPrimary: true, desired: 8, ready: 8, replicas: 8),
                SetState(
                    release: 2, isPrimary: false, desired: replicas, ready: replicas, replicas: replicas,
                    crashes: count, failure: "web-1: exit code 3"),
            ]
            let facts = RolloutFacts(
                time: .seconds(second), wall: Timestamp(nanoseconds: 0), wanted: replicas * 2, sets: sets,
                split: .told(state.split))
            state = RolloutPlanner.next(state, facts, spec: spec).state
        }
        return state
    }

    /// A set of one replica that was never ready, after so many ends.
    private func never(
        _ phase: RolloutPhase = .starting, failedStarts: Int, isStuck: Bool = false, stable: Int? = 1,
        _ deploy: DeploySpec = .blueGreen
    ) -> RolloutStep {
        var state = RolloutState(
            service: "web", release: 2, stable: stable, strategy: deploy.strategy, by: "ann",
            began: Timestamp(nanoseconds: 0), migration: .none)
        state.phase = phase
        state.canaryTarget = 1
        let sets = [
            SetState(release: 1, isPrimary: true, desired: 1, ready: 1, replicas: 1),
            SetState(
                release: 2, isPrimary: false, desired: 1, ready: 0, replicas: 0,
                failure: "web-1: exit code 1: Error: boom", failedStarts: failedStarts, isStuck: isStuck,
                output: ["Error: boom"]),
        ]
        let facts = RolloutFacts(
            time: .seconds(1), wall: Timestamp(nanoseconds: 0), wanted: 1,
            sets: stable == nil ? [sets[1]] : sets, split: .told(nil))
        return RolloutPlanner.next(state, facts, spec: .web(deploy))
    }

    @Test(
        "a release whose replica ends `maxCrashes` times before it was ready goes back at once",
        arguments: Story.strategies.map(\.1))
    func givenUp(_ deploy: DeploySpec) {
        let phase: RolloutPhase = deploy.strategy == .rolling ? .shifting : .starting
        #expect(never(phase, failedStarts: 2, deploy).state.phase == phase)
        let step = never(phase, failedStarts: 3, deploy)
        #expect(step.state.phase == .restoring)
        #expect(
            step.state.reason == "a replica ended 3 times in a row before it was ready: web-1: exit code 1: Error: boom"
        )
        #expect(step.state.output == ["Error: boom"])
        #expect(
            never(phase, failedStarts: 0, deploy).state.output == nil, "what one prints that starts explains nothing")
        #expect(never(phase, failedStarts: 1, deploy).state.output == ["Error: boom"])
        var patient = deploy
        patient.maxCrashes = 5
        #expect(never(phase, failedStarts: 4, patient).state.phase == phase)
        #expect(never(phase, failedStarts: 5, patient).state.phase == .restoring)
    }

    @Test("one that its restart policy never starts again is given up after its first end; without stable it is frozen")
    func stuck() {
        #expect(never(failedStarts: 1, isStuck: true).state.phase == .restoring)
        let first = never(failedStarts: 3, stable: nil)
        #expect(first.state.phase == .frozen)
        #expect(first.state.reason?.hasSuffix("there is no release to go back to") == true)
    }

    @Test("one that was frozen for it and is tried again has as many ends once more")
    func triedAgain() throws {
        let frozen = never(failedStarts: 3, stable: nil).state
        let again = try RolloutPlanner.answer(
            .resume(by: "ann"), frozen, at: Timestamp(nanoseconds: 0), time: .seconds(2), spec: .web(.blueGreen)
        ).state
        func phase(_ failedStarts: [Int]) -> RolloutPhase {
            failedStarts.reduce(into: again) { state, count in
                let set = SetState(
                    release: 2, isPrimary: true, desired: 1, ready: 0, replicas: 0, failedStarts: count)
                let facts = RolloutFacts(
                    time: .seconds(3), wall: Timestamp(nanoseconds: 0), wanted: 1, sets: [set], split: .told(nil))
                state = RolloutPlanner.next(state, facts, spec: .web(.blueGreen)).state
            }.phase
        }
        #expect(phase([3, 4, 5]) == .starting)
        #expect(phase([3, 4, 6]) == .frozen)
        // It was ready in between.
        #expect(phase([3, 0, 2]) == .starting)
        #expect(phase([3, 0, 2, 3]) == .frozen)
    }

    @Test("what is kept for longer than it is watched is kept behind the rollout, and goes when `keep` is over")
    func keeps() throws {
        var driver = SyncDriver(World(), .web(.blueGreen))
        driver.run()
        let phases = driver.phases
        let keeping = try #require(phases.firstIndex(of: .keeping))
        #expect(phases[keeping - 1] == .watching && phases[keeping + 1] == .cleaning, "\(phases)")
        #expect(driver.journal.state.phase == .done && driver.journal.current == 2)
        #expect(driver.violations.isEmpty)
    }

    @Test("while the old set is kept, `abort` goes back to it at once")
    func abortsWhileKept() {
        var driver = SyncDriver(World(), .web(.blueGreen))
        driver.requests = [(.seconds(50), .abort(by: "ann", force: false))]
        driver.run()
        #expect(driver.phases.contains(.keeping))
        #expect(driver.journal.state.phase == .rolledBack && driver.journal.current == 1)
        #expect(driver.violations.isEmpty)
    }

    @Test("replicas that crash and are ready again between two looks count as lost")
    func crashesBetweenLooks() throws {
        #expect(phase(replicas: 4, crashes: [0, 0, 0]).phase == .shifting)
        // All of a set, and a set of one is no other case.
        let one = phase(replicas: 1, crashes: [0, 0, 1])
        #expect(one.phase == .restoring)
        #expect(one.reason == "its replicas were ready and ended, 1 in a moment: web-1: exit code 3")
        #expect(phase(replicas: 4, crashes: [0, 4]).phase == .restoring)
        // Some of them: as often as half of the replicas, and three times.
        #expect(phase(replicas: 4, crashes: [0, 1, 1, 2, 2]).phase == .shifting)
        #expect(phase(replicas: 4, crashes: [0, 1, 2, 3]).phase == .restoring)
        #expect(phase(replicas: 8, crashes: [0, 1, 2, 3]).phase == .shifting)
        // A daemon that began anew counts from 0.
        #expect(phase(replicas: 4, crashes: [2, 0, 0, 0]).phase == .shifting)
    }

    @Test("a watch that is no longer than an interval judges all the same", arguments: [10, 9, 3])
    func shortWatch(_ seconds: Int) {
        var deploy = DeploySpec.blueGreen
        deploy.keep = .zero
        deploy.watch = .seconds(seconds)
        deploy.analysis?.interval = .seconds(10)
        var world = World()
        world.behaviours[2] = Behaviour(failures: 2000)
        var driver = SyncDriver(world, .web(deploy))
        driver.run()
        #expect(driver.journal.state.phase == .rolledBack, "\(driver.log.joined(separator: "\n"))")
    }
}
