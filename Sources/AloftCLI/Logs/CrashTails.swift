import AloftModel

/// Pairs the news that a replica has ended with the last lines it printed, whichever comes first.
struct CrashTails: Sendable {
    /// Ends of this many replicas are remembered; more are forgotten, the oldest first.
    static let limit = 64
    /// Lines that are shown of one end.
    static let lineLimit = 10

    private var ends: [String] = []
    private var tails: [(replica: String, lines: [String])] = []

    /// Takes an event.
    ///
    /// - Returns: Lines to show below it.
    mutating func happened(_ event: Event) -> [String] {
        let isCrash = ["replica.exited", "replica.failed"].contains(event.kind) && event.severity != .notice
        if let index = tails.firstIndex(where: { $0.replica == event.subject }) {
            guard isCrash || event.kind == "replica.stopped" else { return [] }
            let lines = tails.remove(at: index).lines
            return isCrash ? Self.telling(lines) : []
        }
        guard isCrash else { return [] }
        ends.append(event.subject)
        ends.removeFirst(max(0, ends.count - Self.limit))
        return []
    }

    /// Takes the last lines of a replica whose process has ended.
    ///
    /// - Returns: Lines to show, where its end has been shown already.
    mutating func printed(_ replica: String, _ lines: [String]) -> [String] {
        if let index = ends.firstIndex(of: replica) {
            ends.remove(at: index)
            return Self.telling(lines)
        }
        tails.removeAll { $0.replica == replica }
        tails.append((replica, lines))
        tails.removeFirst(max(0, tails.count - Self.limit))
        return []
    }

    /// The last lines that say something: Node.js ends each crash with its version, others with carets and blank lines.
    static func telling(_ lines: [String]) -> [String] {
        lines.filter { line in
            let isNode = line.wholeMatch(of: #/Node\.js v\d+[\d.]*\s*/#) != nil
            return !isNode && line.contains { $0.isLetter || $0.isNumber }
        }.suffix(lineLimit)
    }
}
