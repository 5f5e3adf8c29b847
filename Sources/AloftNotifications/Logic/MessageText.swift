import AloftModel

/// Where a message comes from.
struct Origin: Sendable, Hashable {
    var machine: String
    var project: String
    var environment: String?

    /// `shop (production) on web-eu-1`.
    var text: String { project + (environment.map { " (\($0))" } ?? "") + " on " + machine }
}

/// What a message says to people, without the marks of any one channel.
struct MessageText: Sendable {
    /// Shown in full; of the others only the number.
    static let shown = 20

    let origin: Origin
    /// What matters most first: critical, warnings, deploys, then what is over.
    let lines: [OutboxLine]

    init(_ message: OutboxMessage, origin: Origin) {
        self.origin = origin
        let ranked = message.lines.enumerated().sorted {
            ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset)
        }
        lines = ranked.map(\.element)
    }

    /// One line: `[CRITICAL] shop: api: release 12 was rolled back`, `[WARNING] shop: 12 notices: …`.
    var headline: String {
        guard let first = lines.first else { return origin.project }
        let mark = "[\(first.mark)] \(origin.project): "
        guard lines.count > 1 else { return mark + first.notice.title }
        return mark + "\(lines.count) notices: " + first.notice.title
    }

    /// Plain text for a mail: what, where, since when, how one can tell, what Aloft did, what to do.
    var body: String {
        var parts = lines.prefix(Self.shown).map(paragraph)
        if lines.count > Self.shown { parts.append(rest(after: Self.shown)) }
        return parts.joined(separator: "\n\n" + String(repeating: "-", count: 60) + "\n\n")
            + "\n\nSent by Aloft for \(origin.text).\n"
    }

    /// Titles of those that are not shown, at most 30.
    func rest(after count: Int) -> String {
        let hidden = lines.dropFirst(count)
        let titles = hidden.prefix(30).map { "- [\($0.mark)] \($0.notice.title)" }
        return (["And \(hidden.count) more; 'aloft events' has them all:"] + titles).joined(separator: "\n")
    }

    private func paragraph(_ line: OutboxLine) -> String {
        let notice = line.notice
        var parts = ["\(line.mark): \(notice.title)", "Where: \(origin.text)\n\(line.when)"]
        if !notice.text.isEmpty { parts.append(notice.text) }
        if !notice.fields.isEmpty {
            let width = notice.fields.map(\.name.count).max() ?? 0
            parts.append(
                notice.fields.map { field in
                    "  \(field.name):" + String(repeating: " ", count: width - field.name.count + 2) + field.value
                }.joined(separator: "\n"))
        }
        if let action = notice.action { parts.append("What Aloft did: \(action)") }
        if let advice = notice.advice { parts.append("What to do: \(advice)") }
        if let link = notice.link { parts.append(link) }
        if let from = line.handedOverText { parts.append(from) }
        return parts.joined(separator: "\n\n")
    }
}

extension OutboxLine {
    /// The first word that a reader needs.
    var mark: String {
        if notice.isOver { return "OVER" }
        return switch notice.route {
        case .critical: "CRITICAL"
        case .warning: "WARNING"
        case .deploys: "DEPLOY"
        }
    }

    /// `Since: 2026-11-21 02:14:05 UTC`, with how often it came.
    var when: String {
        let start = since.readable
        if notice.isOver { return "Over: \(notice.time.readable)" }
        guard count > 1 else { return "Since: \(start)" }
        return "Since: \(start), \(count) times, last \(notice.time.readable)"
    }

    var handedOverText: String? {
        from.map { "This was meant for channel '\($0)', which did not take it." }
    }

    fileprivate var rank: Int {
        if notice.isOver { return 3 }
        return NoticeRoute.allCases.firstIndex(of: notice.route) ?? 0
    }
}

extension Timestamp {
    /// To the second, for people: `2026-11-21 02:14:05 UTC`.
    var readable: String {
        let text = description
        return text.prefix(10) + " " + text.dropFirst(11).prefix(8) + " UTC"
    }
}
