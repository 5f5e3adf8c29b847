import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Replica machine in a world of chance")
struct ReplicaMachineSimulationTests {
    /// What the world has seen of one process; says what must never be seen.
    private struct Witness {
        var inRotation = false
        var signals: [Int32] = []
        var swept = 0
        var forgotten = 0
        var wrong: [String] = []

        mutating func see(_ action: ReplicaMachine.Action) {
            if forgotten > 0 { wrong.append("\(action) after it was forgotten") }
            switch action {
            case .admit:
                if inRotation { wrong.append("admitted twice") }
                if swept > 0 || !signals.isEmpty { wrong.append("admitted while it ends") }
                inRotation = true
            case .eject: inRotation = false
            case .signal(let number):
                if inRotation { wrong.append("signalled in rotation") }
                if number == SIGKILL && signals != [SIGTERM] { wrong.append("SIGKILL without SIGTERM") }
                signals.append(number)
            case .sweep:
                if inRotation { wrong.append("swept in rotation") }
                swept += 1
            case .forget:
                if swept != 1 { wrong.append("forgotten after \(swept) sweeps") }
                forgotten += 1
            case .probe, .settle, .drain, .waitGrace: break
            }
        }
    }

    @Test("whatever happens in whatever order, it leaves rotation before it is signalled and is swept once")
    func anyOrder() {
        let seed = UInt64.random(in: 0 ... .max)
        var dice = SplitMix(seed: seed)
        let events: [ReplicaMachine.Event] = [
            .launched, .launchFailed, .adopted, .exited, .probed(.startup, passed: true),
            .probed(.startup, passed: false), .probed(.readiness, passed: true), .probed(.readiness, passed: true),
            .probed(.readiness, passed: false), .probed(.liveness, passed: false), .admitted, .admitted, .unreachable,
            .stopAsked, .drained, .graceOver, .swept,
        ]
        let probe = ProbeSpec(
            check: .tcpSocket, period: .seconds(1), timeout: .seconds(1), initialDelay: .zero, successThreshold: 1,
            failureThreshold: 1)
        for round in 0..<3_000 {
            let probes = Probes(
                startup: round % 2 == 0 ? probe : nil, readiness: round % 3 == 0 ? probe : nil, liveness: probe)
            var now = MonotonicTime(nanoseconds: 0)
            var machine = ReplicaMachine(probes: probes, stop: StopSpec(drain: .zero, grace: .zero), now: now)
            var witness = Witness()
            var script = (0..<25).map { _ in events[Int.random(in: 0..<events.count, using: &dice)] }
            // However it went, this is how every process ends.
            script += [.launched, .stopAsked, .drained, .graceOver, .exited, .swept]
            for event in script {
                now = now + .seconds(1)
                for action in machine.handle(event, at: now) { witness.see(action) }
            }
            #expect(witness.wrong.isEmpty, "seed \(seed), round \(round): \(witness.wrong) by \(script)")
            #expect(machine.phase == .gone && witness.forgotten == 1 && !witness.inRotation, "seed \(seed): \(script)")
        }
    }
}
