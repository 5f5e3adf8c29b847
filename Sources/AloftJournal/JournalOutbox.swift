import AloftModel
import GRDB

/// A notification that waits to be sent.
package struct OutboxRow: Sendable, Hashable {
    /// Made by the owner; the same one again replaces the row.
    package let id: String
    /// When it is to be looked at next.
    package let due: Timestamp
    /// The owner's own JSON; the journal does not look inside.
    package let json: [UInt8]

    package init(id: String, due: Timestamp, json: [UInt8]) {
        self.id = id
        self.due = due
        self.json = json
    }
}

/// What must still be sent after a crash.
extension Journal {
    /// Writes or replaces rows and removes others, all or none.
    package func changeOutbox(put rows: [OutboxRow], remove ids: [String] = []) async throws(JournalError) {
        try await write("writing the outbox") { database in
            for row in rows {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO outbox (id, due, json) VALUES (?, ?, ?)",
                    arguments: [row.id, row.due.nanoseconds, String(decoding: row.json, as: UTF8.self)])
            }
            for id in ids { try database.execute(sql: "DELETE FROM outbox WHERE id = ?", arguments: [id]) }
        }
    }

    /// All rows, those due first before the others.
    package func outbox() async throws(JournalError) -> [OutboxRow] {
        try await read("reading the outbox") { database in
            try Row.fetchAll(database, sql: "SELECT id, due, json FROM outbox ORDER BY due, id").map { row in
                let json: String = row["json"]
                return OutboxRow(
                    id: row["id"], due: Timestamp(nanoseconds: row["due"]), json: Array(json.utf8))
            }
        }
    }
}
