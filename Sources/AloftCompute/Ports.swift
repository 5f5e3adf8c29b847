import AloftModel
import AloftSystem

/// What `Compute` needs from the rest of Aloft; the daemon adapts the edge, the journal and the logs to it.
package struct ComputePorts: Sendable {
    /// Who sends requests to replicas.
    package var rotation: any Rotation
    /// Where it is written down which processes run, so that a restarted daemon finds them.
    package var store: any ReplicaStore
    /// Who reads what replicas print.
    package var output: any OutputSink
    /// Told of every change of state, from any thread; must not block.
    package var event: @Sendable (Event) -> Void
    /// The last lines a replica printed, oldest first, for reports of failures; at most a few dozen.
    package var lastLines: @Sendable (ReplicaID) async -> [String]

    package init(
        rotation: any Rotation, store: any ReplicaStore, output: any OutputSink,
        event: @escaping @Sendable (Event) -> Void,
        lastLines: @escaping @Sendable (ReplicaID) async -> [String]
    ) {
        self.rotation = rotation
        self.store = store
        self.output = output
        self.event = event
        self.lastLines = lastLines
    }
}

/// Which replicas are sent requests.
package protocol Rotation: Sendable {
    /// From now on the replica may be sent requests; again for one that is in rotation changes nothing.
    func admit(_ endpoint: Endpoint) async
    /// No new request goes to it; those under way go on.
    func eject(_ replica: ReplicaID) async
    /// Returns once no request to an ejected replica is under way, or after `within`.
    ///
    /// - Returns: Requests that are still under way.
    func drained(_ replica: ReplicaID, within: Duration) async -> Int
}

/// The journal's table of running replicas. Each call is durable once it returns.
package protocol ReplicaStore: Sendable {
    func save(_ record: AdoptionRecord) async throws
    func remove(_ replica: ReplicaID) async throws
    func all() async throws -> [AdoptionRecord]
}

/// Who turns spool files into log records.
package protocol OutputSink: Sendable {
    /// The files exist and grow from now on; also called for an adopted replica, which may have been read in part.
    func attached(_ replica: ReplicaID, stdoutPath: String, stderrPath: String) async
    /// The replica has ended and nothing more is written: returns once the rest has been read.
    ///
    /// The files are removed right after, so what is not read by then is lost; takes a few seconds at most.
    func detached(_ replica: ReplicaID) async
}
