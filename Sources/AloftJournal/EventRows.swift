import AloftModel
import GRDB

extension Event.Severity {
    /// Ascending; stored, so never to be changed.
    var rank: Int {
        switch self {
        case .notice: 0
        case .warning: 1
        case .error: 2
        }
    }

    init?(rank: Int) {
        guard let severity = Self.allCases.first(where: { $0.rank == rank }) else { return nil }
        self = severity
    }
}

extension EventQuery {
    func fetch(_ database: Database) throws -> [JournaledEvent] {
        var conditions = ["severity >= ?"]
        var arguments: StatementArguments = [severity.rank]
        if let since {
            conditions.append("time >= ?")
            arguments += [since.nanoseconds]
        }
        if let after {
            conditions.append("id > ?")
            arguments += [after]
        }
        if let subject {
            // The service itself, or its name, a hyphen and digits.
            conditions.append(
                """
                (subject = ? OR substr(subject, 1, length(?) + 1) = ? \
                AND length(subject) > length(?) + 1 AND substr(subject, length(?) + 2) NOT GLOB '*[^0-9]*')
                """)
            arguments += [subject, subject, subject + "-", subject, subject]
        }
        arguments += [max(0, min(limit, Journal.eventLimit))]
        // A follower takes what comes next; anybody else wants the newest.
        let order = after == nil ? "DESC" : "ASC"
        let sql = """
            SELECT id, time, severity, kind, subject, message FROM events
            WHERE \(conditions.joined(separator: " AND ")) ORDER BY id \(order) LIMIT ?
            """
        let events = try Row.fetchAll(database, sql: sql, arguments: arguments).map(Self.event)
        return after == nil ? events.reversed() : events
    }

    private static func event(_ row: Row) throws -> JournaledEvent {
        guard let severity = Event.Severity(rank: row["severity"]) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "an event of unknown severity")
        }
        return JournaledEvent(
            id: row["id"],
            event: Event(
                time: Timestamp(nanoseconds: row["time"]), severity: severity, kind: row["kind"],
                subject: row["subject"], message: row["message"]))
    }
}
