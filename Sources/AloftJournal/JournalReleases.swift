import GRDB

/// One release of a service as the journal keeps it.
package struct ReleaseRow: Sendable, Hashable {
    package let service: String
    /// From 1 for each service.
    package let number: Int
    /// The owner's own JSON; the journal does not look inside.
    package let json: [UInt8]

    package init(service: String, number: Int, json: [UInt8]) {
        self.service = service
        self.number = number
        self.json = json
    }
}

/// The history of releases, and the rollout of each service that is under way.
extension Journal {
    /// Writes or replaces releases and the state of a service's rollout, all or none.
    ///
    /// What a step changes is one transaction, so that a crash finds release and rollout in agreement.
    package func saveRollout(
        _ service: String, json: [UInt8]?, releases: [ReleaseRow]
    ) async throws(JournalError) {
        try await write("saving the rollout of \(service)") { database in
            for release in releases { try Self.put(release, database) }
            if let json {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO rollouts (service, json) VALUES (?, ?)",
                    arguments: [service, String(decoding: json, as: UTF8.self)])
            } else {
                try database.execute(sql: "DELETE FROM rollouts WHERE service = ?", arguments: [service])
            }
        }
    }

    package func saveRelease(_ release: ReleaseRow) async throws(JournalError) {
        try await write("saving release \(release.number) of \(release.service)") { database in
            try Self.put(release, database)
        }
    }

    /// All releases of one service or of all, by service and number.
    package func releases(of service: String? = nil) async throws(JournalError) -> [ReleaseRow] {
        try await read("reading releases") { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT service, number, json FROM releases WHERE ?1 IS NULL OR service = ?1
                    ORDER BY service, number
                    """,
                arguments: [service])
            return rows.map { row in
                let json: String = row["json"]
                return ReleaseRow(service: row["service"], number: row["number"], json: Array(json.utf8))
            }
        }
    }

    /// Forgets releases; it is no error where there are none.
    package func removeReleases(_ numbers: [Int], of service: String) async throws(JournalError) {
        try await write("removing releases of \(service)") { database in
            for number in numbers {
                try database.execute(
                    sql: "DELETE FROM releases WHERE service = ? AND number = ?", arguments: [service, number])
            }
        }
    }

    /// The rollouts that were not finished, by service.
    package func rollouts() async throws(JournalError) -> [String: [UInt8]] {
        try await read("reading rollouts") { database in
            let rows = try Row.fetchAll(database, sql: "SELECT service, json FROM rollouts")
            return Dictionary(
                uniqueKeysWithValues: rows.map { ($0["service"] as String, Array(($0["json"] as String).utf8)) })
        }
    }

    private static func put(_ release: ReleaseRow, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO releases (service, number, json) VALUES (?, ?, ?)",
            arguments: [release.service, release.number, String(decoding: release.json, as: UTF8.self)])
    }
}
