import AloftModel
import AloftSystem
import Synchronization

@testable import AloftCompute

/// A driver without processes: a test says how launches go and when replicas end.
final class FakeDriver: Driver {
    struct State {
        var launches: [LaunchOrder] = []
        var failure: LaunchFailure?
        var running: [ReplicaID: FakeReplica] = [:]
        var closed = false
        /// Processor time that every replica is said to have used.
        var used: Duration?
        /// How often replicas were measured, and how many of them.
        var measurements: [Int] = []
    }

    let state = Mutex(State())

    func prepare(known: [AdoptionRecord]) async throws(ComputeStartError) -> [Leftover] { [] }

    func launch(_ order: LaunchOrder) async throws(LaunchFailure) -> any RunningReplica {
        let failure = state.withLock { state in
            state.launches.append(order)
            return state.failure
        }
        if let failure { throw failure }
        let replica = FakeReplica(order)
        state.withLock { $0.running[order.id] = replica }
        return replica
    }

    func adopt(_ record: AdoptionRecord) async -> any RunningReplica { FakeReplica(record) }
    func forget(_ leftover: Leftover) async throws {}
    func measure(_ replicas: [any RunningReplica]) async -> [ReplicaID: ProcessUsage] {
        let used = state.withLock { state in
            state.measurements.append(replicas.count)
            return state.used
        }
        guard let used else { return [:] }
        let usage = ProcessUsage(
            cpuNanoseconds: Int64(used / .nanoseconds(1)), memoryBytes: 1 << 20, processes: 1)
        return Dictionary(uniqueKeysWithValues: replicas.map { ($0.record.id, usage) })
    }
    func enforcement(of resources: Resources) -> Enforcement { .none }
    func close() async { state.withLock { $0.closed = true } }

    var launches: [ReplicaID] { state.withLock { $0.launches.map(\.id) } }
    func replica(_ id: ReplicaID) -> FakeReplica? { state.withLock { $0.running[id] } }
}

final class FakeReplica: RunningReplica {
    private struct State {
        var cause: LastExit.Cause?
        var waiting: [CheckedContinuation<LastExit.Cause?, Never>] = []
        var signals: [Int32] = []
        var failing: Set<String> = []
    }

    let record: AdoptionRecord
    private let state = Mutex(State())

    init(_ record: AdoptionRecord) { self.record = record }

    convenience init(_ order: LaunchOrder) {
        self.init(
            AdoptionRecord(
                id: order.id, process: ProcessIdentity(pid: 2_000_000, startTicks: 1, boot: "x"), address: .port(1),
                specDigest: order.specDigest, directory: "/x", stdoutPath: "/x/stdout", stderrPath: "/x/stderr",
                started: Timestamp(nanoseconds: 0), enforcement: .none, cgroups: [], memoryLimit: nil))
    }

    /// From now on exec probes with this command fail.
    func fail(_ command: String) { state.withLock { _ = $0.failing.insert(command) } }
    var hasEnded: Bool { state.withLock { $0.cause != nil } }
    var signals: [Int32] { state.withLock { $0.signals } }

    func end(_ cause: LastExit.Cause) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.cause = cause
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: cause) }
    }

    func ended() async -> LastExit.Cause? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: LastExit.Cause?? = state.withLock { state in
                    if let cause = state.cause { return .some(cause) }
                    if Task.isCancelled { return .some(nil) }
                    state.waiting.append(continuation)
                    return .none
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume(returning: nil) }
        }
    }

    func signal(_ number: Int32) throws { state.withLock { $0.signals.append(number) } }
    func killRemains() async -> [String] { [] }
    func removeFiles() async -> [String] { [] }

    func exec(_ command: [String], environment: LaunchPlan, timeout: Duration) async -> ExecOutcome {
        .ended(.exited(state.withLock { $0.failing.contains(command[0]) } ? 1 : 0), output: [])
    }
}
