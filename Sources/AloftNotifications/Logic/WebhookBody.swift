import AloftModel
import Crypto
import Foundation

/// The JSON of the generic webhook, and its signature. The same message has the same bytes on every try.
enum WebhookBody {
    static func json(_ message: OutboxMessage, origin: Origin) throws -> Data {
        let text = MessageText(message, origin: origin)
        let body = Body(
            id: message.id, time: message.posted, project: origin.project, environment: origin.environment,
            machine: origin.machine, title: text.headline,
            notices: text.lines.map { line in
                Item(
                    route: line.notice.route, key: line.notice.key, title: line.notice.title, text: line.notice.text,
                    action: line.notice.action, advice: line.notice.advice, fields: line.notice.fields,
                    link: line.notice.link, since: line.since, time: line.notice.time, count: line.count,
                    isOver: line.notice.isOver, meantFor: line.from)
            })
        return try canonical(body)
    }

    /// `t=1795226400,v1=…`: HMAC-SHA256 with the secret over the seconds, a dot, and the body, in hexadecimal.
    static func signature(_ body: Data, secret: String, seconds: Int64) -> String {
        var signed = HMAC<SHA256>(key: SymmetricKey(data: Data(secret.utf8)))
        signed.update(data: Data("\(seconds).".utf8))
        signed.update(data: body)
        return "t=\(seconds),v1=" + hexadecimal(signed.finalize())
    }

    private struct Body: Encodable {
        let version = 1
        let id: String
        let time: Timestamp
        let project: String
        let environment: String?
        let machine: String
        let title: String
        let notices: [Item]
    }

    private struct Item: Encodable {
        let route: NoticeRoute
        let key: String
        let title: String
        let text: String
        let action: String?
        let advice: String?
        let fields: [Notice.Field]
        let link: String?
        let since: Timestamp
        let time: Timestamp
        let count: Int
        let isOver: Bool
        let meantFor: String?
    }
}
