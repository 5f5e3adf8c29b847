import AloftModel
import AloftSystem
import Glibc
import Testing

@testable import AloftCompute

@Suite("Ready by running")
struct SettleTests {
    private typealias Action = ReplicaMachine.Action

    private let stop = StopSpec(drain: .zero, grace: .seconds(15), signal: .quit)
    private let probe = ProbeSpec(
        check: .exec([Template("./check")]), period: .seconds(5), timeout: .seconds(1), initialDelay: .zero,
        successThreshold: 1, failureThreshold: 1)
    private var now: MonotonicTime { MonotonicTime(nanoseconds: 0) }

    @Test("a worker is asked nothing: it is ready once it has run for two seconds, and ends by its own signal")
    func settles() {
        var machine = ReplicaMachine(probes: Probes(), stop: stop, settles: true, now: now)
        #expect(machine.handle(.launched, at: now) == [.settle(.seconds(2))])
        #expect(!machine.inRotation)
        #expect(machine.handle(.settled, at: now) == [.admit])
        #expect(machine.handle(.admitted, at: now) == [])
        #expect(machine.inRotation && machine.wasReady)
        #expect(machine.handle(.stopAsked, at: now) == [.eject, .drain(.zero)])
        #expect(machine.handle(.drained, at: now) == [.signal(SIGQUIT), .waitGrace(.seconds(15))])
    }

    @Test("one that was adopted has run for long enough")
    func adopted() {
        var machine = ReplicaMachine(probes: Probes(), stop: stop, settles: true, now: now)
        #expect(machine.handle(.adopted, at: now) == [.settle(.zero)])
    }

    @Test("its liveness probe runs beside, and what ended does not settle")
    func ends() {
        var machine = ReplicaMachine(probes: Probes(liveness: probe), stop: stop, settles: true, now: now)
        #expect(machine.handle(.launched, at: now) == [.settle(.seconds(2)), .probe(.liveness)])
        #expect(machine.handle(.exited, at: now) == [.sweep])
        #expect(machine.handle(.settled, at: now) == [])
    }

    @Test("a readiness probe that comes by a reload decides from then on")
    func update() {
        var machine = ReplicaMachine(probes: Probes(), stop: stop, settles: true, now: now)
        _ = machine.handle(.launched, at: now)
        let actions = machine.update(probes: Probes(readiness: probe), stop: stop, settles: false, at: now)
        #expect(actions == [.probe(.readiness)])
        #expect(machine.handle(.settled, at: now) == [])
        #expect(machine.handle(.probed(.readiness, passed: false), at: now) == [])
        // And goes again.
        #expect(machine.update(probes: Probes(), stop: stop, settles: true, at: now) == [.settle(.seconds(2))])
    }

    @Test("a worker settles, and so does a service that no route leads to, unless a readiness probe says more")
    func who() {
        var spec = service("web", ["x"], listen: .nothing)
        #expect(spec.settles)
        spec.probes.readiness = probe
        #expect(!spec.settles)
        spec = service("web", ["x"])
        #expect(!spec.settles)
        spec.isRouted = false
        #expect(spec.settles)
    }

    @Test("signals are told to end a process or not by what it does about them")
    func handling() throws {
        let text = "Name:\tx\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000004001\n"
        let handling = try #require(SignalHandling(status: text))
        for number in [SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGWINCH] { #expect(!handling.wouldEnd(by: number)) }
        for number in [SIGUSR1, SIGUSR2, SIGQUIT] { #expect(handling.wouldEnd(by: number)) }
        #expect(SignalHandling(status: "Name:\tx\nSigCgt:\t00\n") == nil)
    }
}
