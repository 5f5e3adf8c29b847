import AloftModel
import AloftSystem
import Glibc
import Testing

@testable import AloftCompute

@Suite("Replica machine")
struct ReplicaMachineTests {
    private typealias Action = ReplicaMachine.Action
    private typealias Event = ReplicaMachine.Event

    private let stop = StopSpec(drain: .seconds(30), grace: .seconds(15))

    private func probe(_ failure: Int = 1) -> ProbeSpec {
        ProbeSpec(
            check: .tcpSocket, period: .seconds(5), timeout: .seconds(1), initialDelay: .zero, successThreshold: 1,
            failureThreshold: failure)
    }

    /// Feeds events one second apart.
    private func run(_ probes: Probes, _ events: [Event]) -> (actions: [[Action]], machine: ReplicaMachine) {
        var now = MonotonicTime(nanoseconds: 0)
        var machine = ReplicaMachine(probes: probes, stop: stop, now: now)
        let actions = events.map { event in
            now = now + .seconds(1)
            return machine.handle(event, at: now)
        }
        return (actions, machine)
    }

    @Test("without probes it is admitted when it accepts a connection, and ends in order")
    func plain() {
        let (actions, machine) = run(
            Probes(),
            [
                .launched, .probed(.readiness, passed: false), .probed(.readiness, passed: true), .admitted, .stopAsked,
                .drained, .exited, .swept,
            ])
        let expected: [[Action]] = [
            [.probe(.readiness)], [], [.admit], [], [.eject, .drain(.seconds(30))],
            [.signal(SIGTERM), .waitGrace(.seconds(15))], [.sweep], [.forget],
        ]
        #expect(actions == expected)
        #expect(machine.phase == .gone && machine.longestReady == .seconds(1))
    }

    @Test("the startup probe holds the others back until it passes")
    func startup() {
        let probes = Probes(startup: probe(), readiness: probe(), liveness: probe())
        let (actions, _) = run(
            probes, [.launched, .probed(.readiness, passed: true), .probed(.startup, passed: true)])
        #expect(actions == [[.probe(.startup)], [], [.probe(.readiness), .probe(.liveness)]])
    }

    @Test("a failing startup or liveness probe condemns, once")
    func condemned() {
        let probes = Probes(startup: probe(), liveness: probe())
        let late = run(probes, [.launched, .probed(.startup, passed: false)]).machine
        #expect(late.condemned == .startup && late.phase == .startup)
        let hung = run(
            probes,
            [
                .launched, .probed(.startup, passed: true), .probed(.readiness, passed: true), .admitted,
                .probed(.liveness, passed: false), .probed(.liveness, passed: false),
            ]
        ).machine
        #expect(hung.condemned == .liveness && hung.phase == .ready)
        #expect(hung.condemnedSince == MonotonicTime(nanoseconds: 5_000_000_000))
    }

    @Test("readiness lost is rotation lost, and requests under way are still drained at the stop")
    func unready() {
        let (actions, _) = run(
            Probes(readiness: probe()),
            [
                .launched, .probed(.readiness, passed: true), .admitted, .probed(.readiness, passed: false), .stopAsked,
                .drained,
            ])
        #expect(actions[3] == [.eject])
        #expect(actions[4] == [.drain(.seconds(30))])
        #expect(actions[5] == [.signal(SIGTERM), .waitGrace(.seconds(15))])
    }

    @Test("one that was never ready gets SIGTERM at once; ignored, SIGKILL when the grace is over")
    func grace() {
        let (actions, machine) = run(Probes(), [.launched, .stopAsked, .graceOver, .graceOver, .exited])
        #expect(actions[1] == [.signal(SIGTERM), .waitGrace(.seconds(15))])
        #expect(actions[2...] == [[.signal(SIGKILL)], [], [.sweep]])
        #expect(machine.phase == .sweeping)
    }

    @Test("told to stop while it is being made, it stops as soon as it runs")
    func stopWhileLaunching() {
        let (actions, machine) = run(Probes(), [.stopAsked, .launched])
        #expect(actions == [[], [.signal(SIGTERM), .waitGrace(.seconds(15))]])
        #expect(machine.isEnding)
    }

    @Test("an end by itself in rotation ejects before it sweeps, and everything after it changes nothing")
    func exits() {
        let (actions, _) = run(
            Probes(),
            [
                .launched, .probed(.readiness, passed: true), .exited, .exited, .probed(.readiness, passed: true),
                .stopAsked, .unreachable, .graceOver, .drained, .swept, .swept,
            ])
        #expect(actions[2] == [.eject, .sweep])
        #expect(actions[3...8].allSatisfy { $0.isEmpty })
        #expect(actions[9...] == [[.forget], []])
    }

    @Test("a refused connection ejects at once and asks anew")
    func unreachable() {
        let events: [Event] = [.launched, .probed(.readiness, passed: true), .admitted, .unreachable, .unreachable]
        #expect(run(Probes(), events).actions[3...] == [[.eject, .probe(.readiness)], []])
        #expect(run(Probes(readiness: probe(3)), events).actions[3...] == [[.eject, .probe(.readiness)], []])
    }

    @Test("after a refused connection it is asked at 100, 200, 400 ms up to the period, and the old asking ends")
    func returning() {
        let events: [Event] = [.launched, .probed(.readiness, passed: true), .admitted, .unreachable]
        var machine = run(Probes(readiness: probe()), events).machine
        let now = MonotonicTime(nanoseconds: 0)
        #expect(machine.nextDelay(.readiness, round: 0, at: now) == nil)
        #expect(machine.firstDelay(.readiness) == .milliseconds(100))
        let delays = (0..<7).compactMap { _ in machine.nextDelay(.readiness, round: 1, at: now) }
        #expect(delays == [200, 400, 800, 1600, 3200, 5000, 5000].map { Duration.milliseconds($0) })
        _ = machine.handle(.probed(.readiness, passed: true), at: now)
        _ = machine.handle(.admitted, at: now)
        #expect(machine.nextDelay(.readiness, round: 1, at: now) == .seconds(5))
    }

    @Test("drain that is over after an end by itself does not signal anybody")
    func exitWhileDraining() {
        let (actions, _) = run(
            Probes(), [.launched, .probed(.readiness, passed: true), .stopAsked, .exited, .drained, .graceOver])
        #expect(actions[3...] == [[.sweep], [], []])
    }

    @Test("asks at 10, 20, 40 … 250 ms until it is ready, then never or once a period")
    func pace() {
        var now = MonotonicTime(nanoseconds: 0)
        for probes in [Probes(), Probes(readiness: probe())] {
            var machine = ReplicaMachine(probes: probes, stop: stop, now: now)
            _ = machine.handle(.launched, at: now)
            #expect(machine.firstDelay(.readiness) == .zero)
            let delays = (0..<7).compactMap { _ in machine.nextDelay(.readiness, round: 0, at: now) }
            #expect(delays == [10, 20, 40, 80, 160, 250, 250].map { Duration.milliseconds($0) })
            let period: Duration = probes.readiness == nil ? .seconds(1) : .seconds(5)
            #expect(machine.nextDelay(.readiness, round: 0, at: now + .seconds(61)) == period)
            now = now + .seconds(1)
            _ = machine.handle(.probed(.readiness, passed: true), at: now)
            _ = machine.handle(.admitted, at: now)
            #expect(machine.nextDelay(.readiness, round: 0, at: now) == (probes.readiness == nil ? nil : period))
        }
    }

    @Test("a liveness probe is first asked after a period, or its initial delay")
    func livenessDelay() {
        var probes = Probes(liveness: probe())
        let now = MonotonicTime(nanoseconds: 0)
        #expect(ReplicaMachine(probes: probes, stop: stop, now: now).firstDelay(.liveness) == .seconds(5))
        probes.liveness?.initialDelay = .seconds(40)
        #expect(ReplicaMachine(probes: probes, stop: stop, now: now).firstDelay(.liveness) == .seconds(40))
    }

    @Test("new probes start a new round, keep it in rotation, and end the old asking")
    func update() {
        let now = MonotonicTime(nanoseconds: 0)
        var machine = ReplicaMachine(probes: Probes(), stop: stop, now: now)
        _ = machine.handle(.launched, at: now)
        _ = machine.handle(.probed(.readiness, passed: true), at: now)
        _ = machine.handle(.admitted, at: now)
        let probes = Probes(startup: probe(), readiness: probe(), liveness: probe())
        #expect(machine.update(probes: probes, stop: stop, at: now) == [.probe(.readiness), .probe(.liveness)])
        #expect(machine.phase == .ready && machine.round(of: .readiness) == 1)
        #expect(machine.nextDelay(.readiness, round: 0, at: now) == nil)
        #expect(machine.nextDelay(.readiness, round: 1, at: now) == .seconds(5))
        #expect(machine.update(probes: probes, stop: stop, at: now).isEmpty)
        #expect(machine.handle(.probed(.readiness, passed: false), at: now) == [.eject])
    }
}

extension ReplicaMachineTests {
    @Test("counts as in rotation only once the edge was told; what comes before that still ejects")
    func admitting() {
        let now = MonotonicTime(nanoseconds: 0)
        let stop = StopSpec(drain: .seconds(1), grace: .seconds(1))
        for (event, action) in [
            (ReplicaMachine.Event.exited, [ReplicaMachine.Action.eject, .sweep]),
            (.stopAsked, [.eject, .drain(.seconds(1))]), (.admitted, []), (.unreachable, []),
        ] {
            var machine = ReplicaMachine(probes: Probes(), stop: stop, now: now)
            _ = machine.handle(.launched, at: now)
            #expect(machine.handle(.probed(.readiness, passed: true), at: now) == [.admit])
            #expect(!machine.inRotation && !machine.wasReady)
            #expect(machine.handle(event, at: now) == action)
            #expect(machine.inRotation == (event == .admitted))
        }
    }
}
