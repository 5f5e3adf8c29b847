import AloftModel
import Testing

@testable import AloftRollout

@Suite("Analysis")
struct AnalysisTests {
    private func numbers(_ requests: Int, _ failures: Int, p95: Int = 100) -> ReleaseNumbers {
        ReleaseNumbers(
            requests: requests, failures: failures,
            latency: LatencyCounts([20_000: requests * 9 / 10, p95 * 1000: requests - requests * 9 / 10]))
    }

    private let spec = AnalysisSpec(
        minRequests: 200, maxErrorRate: Percent(1), maxLatency: [LatencyBound(.p95, .milliseconds(500))],
        comparedToStable: AnalysisSpec.Comparison(errorRate: 2, latency: [LatencyFactor(.p95, 1.5)]))

    @Test("a judgement reads well and has its numbers")
    func words() {
        let verdict = Analysis.judge(canary: numbers(512, 21), stable: numbers(9000, 9), by: spec)
        #expect(verdict.description == "fail: 4.1% errors (21 of 512), allowed 1%; stable 0.1%")
        let slow = Analysis.judge(canary: numbers(512, 0, p95: 612), stable: numbers(9000, 9), by: spec)
        #expect(slow.description == "fail: p95 612 ms, allowed 500 ms; stable 100 ms")
        let few = Analysis.judge(canary: numbers(40, 40), stable: numbers(9000, 9), by: spec)
        #expect(few.description == "insufficient: 40 of 200 requests")
        let worse = Analysis.judge(canary: numbers(512, 0, p95: 200), stable: numbers(9000, 9), by: spec)
        #expect(worse.description == "fail: p95 200 ms, stable 100 ms, allowed 1.5 times that")
        #expect(Analysis.judge(canary: numbers(512, 2), stable: numbers(9000, 9), by: spec) == .pass)
    }

    @Test("where stable is as bad, nothing is said against the new release")
    func inconclusive() {
        let verdict = Analysis.judge(canary: numbers(500, 100), stable: numbers(9000, 1800), by: spec)
        guard case .inconclusive(let reasons) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(reasons.last == "stable too: 20% errors (1800 of 9000), allowed 1%")
    }

    @Test("too few requests to stable compare nothing, and bounds of its own still hold")
    func noStable() {
        #expect(Analysis.judge(canary: numbers(500, 0, p95: 400), stable: numbers(10, 0), by: spec) == .pass)
        let verdict = Analysis.judge(canary: numbers(500, 50), stable: ReleaseNumbers(), by: spec)
        #expect(verdict == .fail(["10% errors (50 of 500), allowed 1%"]))
    }

    @Test("a failure or two are chance where stable has none", arguments: [(0, true), (2, true), (3, false)])
    func chance(failures: Int, passes: Bool) {
        var spec = spec
        spec.maxErrorRate = nil
        let verdict = Analysis.judge(canary: numbers(500, failures), stable: numbers(9000, 0), by: spec)
        #expect((verdict == .pass) == passes)
    }

    @Test("a release without bounds passes once it has requests")
    func noBounds() {
        let spec = AnalysisSpec(minRequests: 0)
        #expect(Analysis.judge(canary: ReleaseNumbers(), stable: ReleaseNumbers(), by: spec).name == "insufficient")
        #expect(Analysis.judge(canary: numbers(1, 1), stable: ReleaseNumbers(), by: spec) == .pass)
    }

    @Test("numbers that went back are those of an edge that began anew")
    func edgeRestart() {
        #expect(numbers(300, 3).since(numbers(100, 1)).requests == 200)
        #expect(numbers(300, 3).since(numbers(1000, 1)) == numbers(300, 3))
    }

    @Test("a quantile is the end of the bucket that holds it")
    func quantiles() {
        let counts = LatencyCounts([1000: 50, 2000: 45, 9000: 5])
        #expect(counts.quantile(.p50) == .milliseconds(1))
        #expect(counts.quantile(.p95) == .milliseconds(2))
        #expect(counts.quantile(.p99) == .milliseconds(9))
        #expect(LatencyCounts().quantile(.p50) == nil)
    }
}

@Suite("Rolling arithmetic")
struct RollingArithmeticTests {
    @Test("steps to the end without fewer ready than allowed or more than the surge", arguments: 1..<9)
    func invariants(_ total: Int) {
        for surge in 0..<4 {
            for missing in 0..<3 {
                for minAvailable in [0, total] {
                    check(total, surge, missing, minAvailable)
                }
            }
        }
    }

    private func check(_ total: Int, _ surge: Int, _ missing: Int, _ minAvailable: Int) {
        let spec = RollingSpec(maxSurge: .count(surge), maxUnavailable: .count(missing))
        let floor = RollingArithmetic.floor(total: total, spec: spec, minAvailable: minAvailable)
        let allowed = RollingArithmetic.surge(total: total, spec: spec, floor: floor)
        var sets = RollingArithmetic.Sets(old: total, oldReady: total, new: 0, newReady: 0)
        var steps = 0
        while sets.old > 0 || sets.newReady < total, steps < 200 {
            let next = RollingArithmetic.next(sets, total: total, spec: spec, minAvailable: minAvailable)
            #expect(next.old + next.new <= total + allowed)
            #expect(min(next.old, sets.oldReady) + sets.newReady >= floor)
            // What is new becomes ready one at a time; what is old ends at once.
            let ready = next.new == sets.new && next.old == sets.old && sets.newReady < next.new ? 1 : 0
            sets = .init(
                old: next.old, oldReady: min(sets.oldReady, next.old), new: next.new, newReady: sets.newReady + ready)
            steps += 1
        }
        #expect(steps < 200, "total \(total) surge \(surge) missing \(missing) floor \(floor) does not end")
    }

    @Test("old replicas that are not ready make room")
    func brokenOld() {
        let sets = RollingArithmetic.Sets(old: 3, oldReady: 1, new: 1, newReady: 1)
        let next = RollingArithmetic.next(
            sets, total: 3, spec: RollingSpec(maxSurge: .count(1), maxUnavailable: .count(0)), minAvailable: 0)
        #expect(next == (2, 1))
    }

    @Test("shares are rounded as Kubernetes does: 25% of 10 is a surge of 3 and 2 missing")
    func shares() {
        let spec = RollingSpec(maxSurge: .share(Percent(25)), maxUnavailable: .share(Percent(25)))
        #expect(RollingArithmetic.floor(total: 10, spec: spec, minAvailable: 0) == 8)
        #expect(RollingArithmetic.surge(total: 10, spec: spec, floor: 8) == 3)
        #expect(RollingArithmetic.floor(total: 10, spec: spec, minAvailable: 10) == 10)
    }
}
