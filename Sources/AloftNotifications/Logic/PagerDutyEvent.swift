import AloftModel
import Foundation

/// One event of PagerDuty's Events API v2. Each notice is an event of its own, because each is resolved on its own.
///
/// Limits of PagerDuty: 512 KB an event, 1,024 characters of summary, 255 of `dedup_key`. A notice is far below the first.
enum PagerDutyEvent {
    static func json(_ line: OutboxLine, key: String, origin: Origin) throws -> Data {
        let notice = line.notice
        var details: [String: String] = ["where": origin.text, "since": line.since.readable]
        for field in notice.fields { details[field.name] = field.value }
        if !notice.text.isEmpty { details["what"] = notice.text }
        if let action = notice.action { details["what Aloft did"] = action }
        if let advice = notice.advice { details["what to do"] = advice }
        if line.count > 1 { details["times"] = String(line.count) }
        if let from = line.handedOverText { details["note"] = from }
        let payload = Payload(
            summary: clipped("\(origin.project): \(notice.title)", 1024), source: origin.machine,
            severity: severity(notice.route), timestamp: notice.time.description, component: component(notice.key),
            group: origin.project, customDetails: details)
        return try canonical(
            Event(
                routingKey: key, action: notice.isOver ? "resolve" : "trigger",
                dedupKey: dedupKey(notice.key, origin: origin), payload: payload,
                links: notice.link.map { [Link(href: $0, text: "Look closer")] }))
    }

    /// The same for the trigger and the resolve of a key, and on every try; two machines of a project share it on purpose.
    static func dedupKey(_ key: String, origin: Origin) -> String {
        let whole = ["aloft", origin.project, origin.environment ?? "", key].joined(separator: "/")
        return whole.utf8.count <= 255 ? whole : digestedKey(whole)
    }

    private static func severity(_ route: NoticeRoute) -> String {
        switch route {
        case .critical: "critical"
        case .warning: "warning"
        case .deploys: "info"
        }
    }

    /// The second word of `rollout/api/12`.
    private static func component(_ key: String) -> String? {
        let words = key.split(separator: "/")
        return words.count > 1 ? String(words[1]) : nil
    }

    private struct Event: Encodable {
        let routingKey: String
        let action: String
        let dedupKey: String
        let payload: Payload
        let links: [Link]?
        let client = "Aloft"

        enum CodingKeys: String, CodingKey {
            case payload, links, client
            case routingKey = "routing_key"
            case action = "event_action"
            case dedupKey = "dedup_key"
        }
    }

    private struct Payload: Encodable {
        let summary: String
        let source: String
        let severity: String
        let timestamp: String
        let component: String?
        let group: String
        let customDetails: [String: String]

        enum CodingKeys: String, CodingKey {
            case summary, source, severity, timestamp, component, group
            case customDetails = "custom_details"
        }
    }

    private struct Link: Encodable {
        let href: String
        let text: String
    }
}
