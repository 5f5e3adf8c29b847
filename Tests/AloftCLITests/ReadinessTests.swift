import AloftDaemon
import AloftModel
import Testing

@testable import AloftCLI

@Suite("Readiness after `up --detach`")
struct ReadinessTests {
    private func status(
        _ services: [ServiceReport], state: StatusReport.State = .running
    ) -> StatusReport {
        StatusReport(
            app: "a", file: "/a/aloft.yaml", digest: "", version: "", pid: 1, state: state, startedAt: Reports.start,
            now: Reports.start, urls: [],
            edge: EdgeReport(openConnections: 0, activeRequests: 0, requests: 0, failures: 0), services: services)
    }

    private func service(
        desired: Int = 2, ready: Int, replicas: [ReplicaReport] = [], rollout: RolloutReport? = nil
    ) -> ServiceReport {
        ServiceReport(
            name: "web", desired: desired, ready: ready, minReplicas: 0, maxReplicas: 4, minAvailable: 1,
            listen: "port", replicas: replicas, rollout: rollout)
    }

    private func replica(
        _ state: String, restarts: Int = 0, isCrashLooping: Bool = false
    ) -> ReplicaReport {
        ReplicaReport(
            name: "web-2", generation: 1, state: state, inRotation: false, since: Reports.start, restarts: restarts,
            reason: "ended before it was ready", lastExit: "exit code 3",
            probes: [ProbeReport(kind: "readiness", passed: false, answer: "connection refused", streak: 2)],
            lastLines: ["boom\u{1B}[2J"], isCrashLooping: isCrashLooping)
    }

    @Test("ready is every service with its number, none as well where none is wanted")
    func ready() {
        #expect(Readiness(status([service(ready: 2)])) == .ready)
        #expect(Readiness(status([service(desired: 0, ready: 0)])) == .ready)
        #expect(Readiness(status([service(ready: 2)], state: .starting)) == .waiting("the daemon starts"))
        #expect(Readiness(status([service(ready: 2)], state: .stopping)) == .failed("the daemon is stopping"))
    }

    @Test("a service that still starts is waited for, and says what for")
    func waiting() {
        #expect(
            Readiness(status([service(ready: 2), service(ready: 1, replicas: [replica("probing")])]))
                == .waiting(
                    """
                    web has 1 of 2 replicas ready; web-2 is probing: ended before it was ready; its process ended \
                    with exit code 3; readiness probe: connection refused; it printed:
                      | boom\\x1b[2J
                    """))
    }

    @Test("a replica that failed, or ended as often as `maxCrashes`, ends the wait")
    func failed() {
        func isFailed(_ readiness: Readiness) -> Bool { if case .failed = readiness { true } else { false } }
        #expect(isFailed(Readiness(status([service(ready: 1, replicas: [replica("failed")])]))))
        #expect(
            isFailed(Readiness(status([service(ready: 1, replicas: [replica("backingOff", isCrashLooping: true)])]))))
        #expect(!isFailed(Readiness(status([service(ready: 1, replicas: [replica("backingOff", restarts: 2)])]))))
        #expect(!isFailed(Readiness(status([service(ready: 1, replicas: [replica("starting", restarts: 5)])]))))
    }

    @Test("a first release that failed ends the wait; a frozen one that another serves for does not")
    func rollout() {
        let failed = Reports.rollout(message: "the migration failed", outcome: .failed)
        #expect(
            Readiness(status([service(ready: 0, rollout: failed)]))
                == .failed("web: release 7 is failed: the migration failed"))
        #expect(Readiness(status([service(ready: 2, rollout: Reports.rollout(outcome: .frozen))])) == .ready)
    }

    @Test("what an earlier daemon rolled back does not end the wait for what runs now")
    func earlier() {
        var old = Reports.rollout(message: "20% errors", outcome: .rolledBack)
        old.started = Reports.start + .seconds(-60)
        #expect(
            Readiness(status([service(ready: 0, rollout: old)])) == .waiting("web has 0 of 2 replicas ready"))
        old.stable = nil
        #expect(
            Readiness(status([service(ready: 0, rollout: old)]))
                == .failed("web: release 7 is rolled back: 20% errors"))
    }
}
