import AloftModel
import AloftSystem

@testable import AloftNotifications

/// 2026-11-21 02:14:05 UTC, when the tests' stories begin.
let night = Timestamp(nanoseconds: 1_795_227_245_000_000_000)

let shop = Origin(machine: "web-eu-1", project: "shop", environment: "production")

extension Notice {
    static func sample(
        _ key: String = "rollout/api", _ title: String? = nil, route: NoticeRoute = .critical, over: Bool = false,
        at time: Timestamp = night
    ) -> Notice {
        Notice(route: route, key: key, title: title ?? "\(key) failed", text: "", time: time, isOver: over)
    }
}

extension OutboxMessage {
    static func sample(_ notices: [Notice], id: String = "5f0c2a9e1b7d4c38a6e1f2d3c4b5a697") -> OutboxMessage {
        OutboxMessage(
            id: id, channel: "ops", lines: notices.map { OutboxLine(notice: $0, since: $0.time) }, posted: night,
            notBefore: night)
    }
}

/// What people get when a canary fails at night.
let failedCanary = Notice(
    route: .critical, key: "rollout/api/12", title: "api: release 12 was rolled back",
    text: "4.1% of its requests failed in the last minute, 0.2% of release 11's.",
    action: "All traffic goes to release 11 again.", advice: "Look at 'aloft history api'; nothing is urgent.",
    fields: [.init("release", "12"), .init("by", "bob"), .init("p95", "812 ms")],
    link: "https://shop.example/runbook?a=1&b=2", time: night)

/// One channel's queue, its clock, and what was given to the fallback.
final class Queue {
    var lane = Lane(channel: "ops")
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    var wall = night
    var hasFallback = false
    var handedOver: [OutboxLine] = []
    /// What the store holds.
    var stored: [String: OutboxMessage] = [:]
    private var ids = 0

    var moment: Lane.Moment { Lane.Moment(now: now, wall: wall) }

    /// Seconds from now until there is something to do.
    var wait: Double? { lane.nextDue.map { max(0, ($0 - now) / .seconds(1)) } }

    func pass(_ time: Duration) {
        now = now + time
        wall = wall + time
    }

    func post(_ notice: Notice, window: Duration = Limits.window) {
        ids += 1
        let id = "m\(ids)"
        keep(lane.add(OutboxLine(notice: notice, since: notice.time), window: window, at: moment, id: id))
    }

    func begin() -> OutboxMessage? {
        let expired = lane.expire(hasFallback: hasFallback, at: moment)
        handedOver += expired.handOver
        keep(expired.changes)
        let begun = lane.begin(at: moment)
        keep(begun.changes)
        return begun.message
    }

    @discardableResult
    func finish(_ message: OutboxMessage, _ delivery: Delivery, random: Double = 1) -> Lane.Finished {
        let end = lane.finish(message.id, delivery, hasFallback: hasFallback, at: moment, random: random)
        handedOver += end.handOver
        keep(end.changes)
        return end
    }

    /// Waits until something is due, and ends it so; nil where nothing ever is.
    @discardableResult
    func deliver(_ delivery: Delivery = .accepted) -> OutboxMessage? {
        while let due = lane.nextDue {
            if due > now { pass(due - now) }
            guard let message = begin() else { continue }
            finish(message, delivery)
            return message
        }
        return nil
    }

    func keep(_ changes: [OutboxChange]) {
        for change in changes {
            switch change {
            case .save(let message): stored[message.id] = message
            case .remove(let id): stored[id] = nil
            case .record, .forget: break
            }
        }
    }

    /// As another daemon finds it after this one was killed.
    func restart(recognises: Bool = true) {
        var next = Lane(channel: "ops", record: lane.record)
        for message in stored.values.sorted(by: { $0.id < $1.id }) {
            next.restore(message, at: moment, longest: Limits.age)
        }
        let resumed = next.resume(recognisesRepetition: recognises, hasFallback: hasFallback)
        handedOver += resumed.handOver
        lane = next
        keep(resumed.changes)
    }
}

extension Delivery {
    static let accepted = Delivery(result: .accepted, answer: "HTTP 200 OK")
    static let failed = Delivery(result: .failed, answer: "HTTP 500")
    static let silent = Delivery(result: .failed, answer: "no answer within 15.0 seconds", seals: true)
    static let refused = Delivery(result: .refused, answer: "HTTP 404")
}
