import GRDB

/// Small facts that must outlive the daemon: desired replica counts, the text of the plan that runs.
extension Journal {
    /// The value of a fact, or nil.
    package func fact(_ key: String) async throws(JournalError) -> String? {
        try await read("reading fact \(key)") { database in
            try String.fetchOne(database, sql: "SELECT value FROM facts WHERE key = ?", arguments: [key])
        }
    }

    /// All facts whose key begins with `prefix`.
    package func facts(prefix: String = "") async throws(JournalError) -> [String: String] {
        try await read("reading facts") { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT key, value FROM facts WHERE substr(key, 1, length(?1)) = ?1",
                arguments: [prefix])
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["key"] as String, $0["value"] as String) })
        }
    }

    /// Sets facts, all or none; nil removes one.
    package func setFacts(_ facts: [String: String?]) async throws(JournalError) {
        try await write("writing facts") { database in
            for (key, value) in facts {
                if let value {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", arguments: [key, value])
                } else {
                    try database.execute(sql: "DELETE FROM facts WHERE key = ?", arguments: [key])
                }
            }
        }
    }

    /// Sets one fact; nil removes it.
    package func setFact(_ key: String, _ value: String?) async throws(JournalError) {
        try await setFacts([key: value])
    }
}
