import AloftModel
import GRDB

/// What the journal holds about one replica.
package struct ReplicaRecord: Sendable, Hashable {
    /// The replica's name, `web-2`.
    package let key: String
    /// The owner's own JSON; the journal does not look inside.
    package let json: [UInt8]
    package let updated: Timestamp

    package init(key: String, json: [UInt8], updated: Timestamp) {
        self.key = key
        self.json = json
        self.updated = updated
    }
}

extension Journal {
    /// Writes or replaces one replica's record.
    package func saveReplica(_ record: ReplicaRecord) async throws(JournalError) {
        try await write("saving replica \(record.key)") { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO replicas (key, json, updated) VALUES (?, ?, ?)",
                arguments: [
                    record.key, String(decoding: record.json, as: UTF8.self), record.updated.nanoseconds,
                ])
        }
    }

    /// Removes one replica's record; it is no error if there is none.
    package func removeReplica(_ key: String) async throws(JournalError) {
        try await write("removing replica \(key)") { database in
            try database.execute(sql: "DELETE FROM replicas WHERE key = ?", arguments: [key])
        }
    }

    /// All records, by key.
    package func replicas() async throws(JournalError) -> [ReplicaRecord] {
        try await read("reading replicas") { database in
            try Row.fetchAll(database, sql: "SELECT key, json, updated FROM replicas ORDER BY key").map { row in
                let json: String = row["json"]
                return ReplicaRecord(
                    key: row["key"], json: Array(json.utf8), updated: Timestamp(nanoseconds: row["updated"]))
            }
        }
    }
}
