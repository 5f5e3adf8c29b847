import AloftCompute
import AloftEdge
import AloftJournal
import AloftLogs
import AloftModel
import Foundation

/// Compute puts replicas into the edge's rotation.
struct EdgeRotation: Rotation {
    let edge: Edge

    func admit(_ endpoint: Endpoint) async { edge.admit(endpoint) }

    func eject(_ replica: ReplicaID) async { edge.eject(replica) }

    func drained(_ replica: ReplicaID, within limit: Duration) async -> Int {
        await edge.drained(replica, within: limit)
    }
}

/// Compute writes into the journal which processes run.
struct JournalReplicaStore: ReplicaStore {
    let journal: Journal

    func save(_ record: AdoptionRecord) async throws {
        let json = Array(try JSONEncoder().encode(record))
        try await journal.saveReplica(
            AloftJournal.ReplicaRecord(key: record.id.description, json: json, updated: .now))
    }

    func remove(_ replica: ReplicaID) async throws { try await journal.removeReplica(replica.description) }

    func all() async throws -> [AdoptionRecord] {
        try await journal.replicas().map { record in
            try JSONDecoder().decode(AdoptionRecord.self, from: Data(record.json))
        }
    }
}

/// What replicas print is read into the application log.
struct SpoolSink: OutputSink {
    let spool: SpoolReader
    let events: EventQueue
    let ended: @Sendable (String, [String]) -> Void

    func attached(_ replica: ReplicaID, stdoutPath: String, stderrPath: String) async {
        do {
            let directory = stdoutPath.lastIndex(of: "/").map { String(stdoutPath[..<$0]) } ?? "."
            try spool.attach(replica, directory: directory)
        } catch {
            events.publish(.error, "logs.failing", replica.name, "its output is not read: \(error)")
        }
    }

    func detached(_ replica: ReplicaID) async {
        await spool.finish(replica)
        ended(replica.name, spool.lastLines(replica))
    }
}
