import AloftModel
import AloftSystem
import Testing

@testable import AloftCompute

@Suite("Probe gate")
struct ProbeGateTests {
    private func decisions(_ gate: ProbeGate, _ answers: [Bool], every step: Duration) -> [ProbeGate.Decision?] {
        var gate = gate
        var now = MonotonicTime(nanoseconds: 0)
        return answers.map { answer in
            defer { now = now + step }
            return gate.answered(passed: answer, at: now)
        }
    }

    @Test("passes after so many passes in a row, fails after so many failures in a row")
    func thresholds() {
        let gate = ProbeGate(successThreshold: 2, failureThreshold: 3, period: .seconds(1))
        let answers = [true, false, true, true, false, false, true, false, false, false, false]
        let expected: [ProbeGate.Decision?] = [nil, nil, nil, .passed, nil, nil, nil, nil, nil, .failed, nil]
        #expect(decisions(gate, answers, every: .seconds(1)) == expected)
    }

    @Test("failures of hurried asking count once a period")
    func hurried() {
        let gate = ProbeGate(successThreshold: 1, failureThreshold: 3, period: .seconds(1))
        let made = decisions(gate, Array(repeating: false, count: 10), every: .milliseconds(250))
        // Counted at 0 s, 1 s and 2 s.
        #expect(made.firstIndex(of: .failed) == 8)
    }

    @Test("one decided already needs the other threshold to change")
    func decided() {
        let gate = ProbeGate(successThreshold: 1, failureThreshold: 2, period: .seconds(1), decision: .passed)
        #expect(decisions(gate, [true, false, false, true], every: .seconds(1)) == [nil, nil, .failed, .passed])
    }

    @Test("a failure from elsewhere is taken at once, and passes count from nothing")
    func failed() {
        var gate = ProbeGate(successThreshold: 2, failureThreshold: 3, period: .seconds(1), decision: .passed)
        gate.fail()
        #expect(gate.decision == .failed)
        let now = MonotonicTime(nanoseconds: 0)
        #expect(gate.answered(passed: true, at: now) == nil)
        #expect(gate.answered(passed: true, at: now) == .passed)
        #expect(gate.streak == 2)
    }
}
