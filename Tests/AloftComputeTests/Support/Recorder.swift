import AloftModel
import Synchronization

@testable import AloftCompute

/// Everything `Compute` has outside itself, kept in memory, and what it said in the order it said it.
final class Recorder: Rotation, ReplicaStore, OutputSink {
    struct State: Sendable {
        var inRotation: [ReplicaID: Endpoint] = [:]
        /// The fewest replicas that were in rotation at once since `watchMinimum`.
        var fewest: Int?
        var records: [ReplicaID: AdoptionRecord] = [:]
        var attached: Set<ReplicaID> = []
        /// What was in the spool files when they were to be read to their end.
        var output: [ReplicaID: String] = [:]
        var events: [Event] = []
        var drains: [ReplicaID] = []
    }

    let state = Mutex(State())
    /// Requests that are said to be under way when a drain ends.
    let undrained = Mutex(0)

    var ports: ComputePorts {
        ComputePorts(
            rotation: self, store: self, output: self,
            event: { event in self.state.withLock { $0.events.append(event) } },
            lastLines: { id in self.lines(id) })
    }

    func events(_ kind: String) -> [Event] { state.withLock { $0.events.filter { $0.kind == kind } } }

    var endpoints: [Endpoint] {
        state.withLock { $0.inRotation.values.sorted { $0.replica.name < $1.replica.name } }
    }

    func watchMinimum() { state.withLock { $0.fewest = $0.inRotation.count } }
    var fewest: Int? { state.withLock { $0.fewest } }

    private func lines(_ id: ReplicaID) -> [String] {
        state.withLock { state in
            state.output[id].map { $0.split(separator: "\n").map(String.init) } ?? []
        }
    }

    // MARK: Rotation

    func admit(_ endpoint: Endpoint) async { state.withLock { $0.inRotation[endpoint.replica] = endpoint } }

    func eject(_ replica: ReplicaID) async {
        state.withLock { state in
            state.inRotation[replica] = nil
            if let fewest = state.fewest { state.fewest = min(fewest, state.inRotation.count) }
        }
    }

    func drained(_ replica: ReplicaID, within: Duration) async -> Int {
        state.withLock { $0.drains.append(replica) }
        return undrained.withLock { $0 }
    }

    // MARK: ReplicaStore

    func save(_ record: AdoptionRecord) async throws { state.withLock { $0.records[record.id] = record } }
    func remove(_ replica: ReplicaID) async throws { state.withLock { _ = $0.records.removeValue(forKey: replica) } }
    func all() async throws -> [AdoptionRecord] { state.withLock { Array($0.records.values) } }

    // MARK: OutputSink

    func attached(_ replica: ReplicaID, stdoutPath: String, stderrPath: String) async {
        state.withLock { state in
            state.attached.insert(replica)
            state.output[replica] = stdoutPath
        }
    }

    func detached(_ replica: ReplicaID) async {
        let path = state.withLock { state in
            state.attached.remove(replica)
            return state.output[replica]
        }
        guard let path, let text = try? readSpool(path) else { return }
        state.withLock { $0.output[replica] = text }
    }
}
