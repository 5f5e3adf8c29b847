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
    /// Writes or replaces releases and, unless nil, the rollout of a service, all or none.
    ///
    /// What a step changes is one transaction, so that a crash finds releases and rollout in agreement.
    package func save(
        releases: [ReleaseRow], rollout: (service: String, json: [UInt8])? = nil
    ) async throws(JournalError) {
        try await write("saving a release") { database in
            for release in releases {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO releases (service, number, json) VALUES (?, ?, ?)",
                    arguments: [release.service, release.number, String(decoding: release.json, as: UTF8.self)])
            }
            if let rollout {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO rollouts (service, json) VALUES (?, ?)",
                    arguments: [rollout.service, String(decoding: rollout.json, as: UTF8.self)])
            }
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

    /// The last rollout of each service, ended or not.
    package func rollouts() async throws(JournalError) -> [String: [UInt8]] {
        try await read("reading rollouts") { database in
            let rows = try Row.fetchAll(database, sql: "SELECT service, json FROM rollouts")
            return Dictionary(
                uniqueKeysWithValues: rows.map { ($0["service"] as String, Array(($0["json"] as String).utf8)) })
        }
    }
}
