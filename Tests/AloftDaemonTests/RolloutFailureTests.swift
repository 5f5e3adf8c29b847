import AloftModel
import Testing

@testable import AloftCompute
@testable import AloftDaemon

@Suite("What a rollout says of replicas that fail")
struct RolloutFailureTests {
    private func failure(
        _ state: ReplicaState, reason: String? = nil, printed: [String] = [], exit: LastExit? = nil, crashes: Int = 0
    ) -> String? {
        let time = Timestamp(nanoseconds: 0)
        let replica = ReplicaStatus(
            id: ReplicaID(service: "web", index: 1, generation: 2), release: 2, state: state, reason: reason,
            since: time, adopted: false, current: true, restarts: exit == nil ? 0 : 1, lastExit: exit, probes: [],
            enforcement: .none, lastLines: printed)
        return ComputeSets.failure(
            of: ReplicaSetStatus(
                release: 2, isPrimary: true, desired: 1, ready: 0, isLeaving: false, isInRotation: true,
                replicas: [replica], waiting: [], crashes: crashes))
    }

    private let crash = LastExit(
        cause: .code(3), time: Timestamp(nanoseconds: 0), asked: false, lastLines: ["listens", "out of luck"])

    @Test("its probe, and what it printed last")
    func probe() {
        #expect(failure(.probing, reason: "HTTP 503", printed: ["warming up"]) == "web-1: HTTP 503: warming up")
        #expect(failure(.ready) == nil)
    }

    @Test("one that crashed and was started again: how it ended, not that the next process does not listen yet")
    func crashed() {
        let refused = "cannot connect to 127.0.0.1:2: Connection refused"
        for state in [ReplicaState.starting, .startup, .probing, .backingOff, .exited] {
            #expect(
                failure(state, reason: refused, printed: ["listens"], exit: crash, crashes: 1)
                    == "web-1: exit code 3: out of luck", "\(state)")
        }
        #expect(failure(.ready, printed: ["listens"], exit: crash, crashes: 1) == "web-1: exit code 3: out of luck")
    }

    @Test("one that was ready since its crash, and fails its probe now: the probe")
    func unready() {
        #expect(
            failure(.unready, reason: "HTTP 500", printed: ["oh"], exit: crash, crashes: 1) == "web-1: HTTP 500: oh")
    }

    @Test("one that a probe condemned: the probe, and not what it happened to print last")
    func condemned() {
        var exit = crash
        exit.cause = .code(0)
        exit.condemnation = "liveness probe failed: HTTP 500"
        #expect(
            failure(.backingOff, printed: ["listens"], exit: exit)
                == "web-1: liveness probe failed: HTTP 500; ended by Aloft: exit code 0")
    }

    @Test("what it printed before its end is read after the end: until then what is known")
    func unread() {
        var exit = crash
        exit.lastLines = []
        #expect(failure(.backingOff, printed: ["listens"], exit: exit, crashes: 1) == "web-1: exit code 3: listens")
    }
}
