import AloftModel
import Foundation

/// Slack's incoming webhooks. They know no idempotency key.
struct SlackSender: ChannelSender {
    let poster: HTTPPoster
    let origin: Origin

    var recognisesRepetition: Bool { false }

    func send(_ message: OutboxMessage) async -> Delivery {
        do {
            var delivery = await poster.send([.init(body: try SlackBody.json(message, origin: origin))]).delivery
            (delivery.isInDoubt, delivery.seals) = (delivery.seals, false)
            return delivery
        } catch {
            return Delivery(result: .refused, answer: "the message cannot be written as JSON: \(error)")
        }
    }
}

/// PagerDuty's Events API v2, which takes two triggers of one `dedup_key` for one alert.
struct PagerDutySender: ChannelSender {
    let poster: HTTPPoster
    let origin: Origin
    let key: String

    var recognisesRepetition: Bool { true }

    func send(_ message: OutboxMessage) async -> Delivery {
        do {
            let posts = try message.lines.map { line in
                HTTPPoster.Post(body: try PagerDutyEvent.json(line, key: key, origin: origin))
            }
            var (delivery, accepted) = await poster.send(posts)
            delivery.keysTaken = Set(message.lines.prefix(accepted).map(\.notice.key))
            delivery.seals = false  // each event is recognised by itself, so the message may change
            return delivery
        } catch {
            return Delivery(result: .refused, answer: "the event cannot be written as JSON: \(error)")
        }
    }
}

/// Any HTTP server: signed JSON, with the message's id as the idempotency key.
struct WebhookSender: ChannelSender {
    let poster: HTTPPoster
    let origin: Origin
    let secret: String?

    var recognisesRepetition: Bool { true }

    func send(_ message: OutboxMessage) async -> Delivery {
        do {
            let body = try WebhookBody.json(message, origin: origin)
            var headers = [("Idempotency-Key", message.id), ("X-Aloft-Delivery", message.id)]
            if let secret {
                let seconds = poster.clock.wallNanoseconds / 1_000_000_000
                headers.append(("X-Aloft-Signature", WebhookBody.signature(body, secret: secret, seconds: seconds)))
            }
            return await poster.send([.init(headers: headers, body: body)]).delivery
        } catch {
            return Delivery(result: .refused, answer: "the message cannot be written as JSON: \(error)")
        }
    }
}
