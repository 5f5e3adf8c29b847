import GRDB

/// Something of the notifications that must survive: a message that waits, or what is remembered of a channel.
package struct OutboxRow: Sendable, Hashable {
    /// Made by the owner; the same one again replaces the row.
    package let id: String
    /// The owner's own JSON; the journal does not look inside.
    package let json: [UInt8]

    package init(id: String, json: [UInt8]) {
        self.id = id
        self.json = json
    }
}

/// What must still be sent after a crash.
extension Journal {
    package enum OutboxChange: Sendable, Hashable {
        case put(OutboxRow)
        /// One that is not there is no error.
        case remove(id: String)
    }

    /// Makes the changes in their order, all or none.
    package func changeOutbox(_ changes: [OutboxChange]) async throws(JournalError) {
        try await write("writing the outbox") { database in
            for change in changes {
                switch change {
                case .put(let row):
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO outbox (id, json) VALUES (?, ?)",
                        arguments: [row.id, String(decoding: row.json, as: UTF8.self)])
                case .remove(let id):
                    try database.execute(sql: "DELETE FROM outbox WHERE id = ?", arguments: [id])
                }
            }
        }
    }

    /// All rows, by id.
    package func outbox() async throws(JournalError) -> [OutboxRow] {
        try await read("reading the outbox") { database in
            try Row.fetchAll(database, sql: "SELECT id, json FROM outbox ORDER BY id").map { row in
                let json: String = row["json"]
                return OutboxRow(id: row["id"], json: Array(json.utf8))
            }
        }
    }
}
