import AloftModel
import AloftSystem

extension Notifier {
    /// How each channel does, in the order of the file.
    package func status() -> [ChannelStatus] {
        spec.channels.map { channel in
            let lane = lanes[channel.name] ?? Lane(channel: channel.name)
            let record = lane.record
            var status = ChannelStatus(
                name: channel.name, kind: channel.kind.name, host: nil, state: .working, problem: nil,
                lastSuccess: record.lastSuccess, lastFailure: record.lastFailure,
                lastFailureReason: record.lastFailureReason, waiting: lane.waiting, nextTry: nil,
                dropped: record.dropped, uncertain: record.uncertain)
            switch targets[channel.name] {
            case .ready(let host, _)?:
                status.host = host
                if let failure = record.lastFailure, failure > record.lastSuccess ?? failure + .seconds(-1) {
                    status.state = .failing
                }
                let left = lane.nextDue.map { max($0 - clock.now, .zero) }
                status.nextTry = left.map { Timestamp(nanoseconds: clock.wallNanoseconds) + $0 }
            case .misconfigured(let host, let problem)?:
                (status.host, status.state, status.problem) = (host, .misconfigured, problem)
            case nil: break
            }
            return status
        }
    }

    /// Sends a message of its own to one channel at once, past the queue, and says what came back.
    ///
    /// PagerDuty gets an event of severity info that is resolved right after. Ends within a few timeouts.
    package func test(channel name: String) async throws(NotificationError) -> TestOutcome {
        guard let channel = spec.channels.first(where: { $0.name == name }), let target = targets[name] else {
            throw .unknownChannel(name, known: spec.channels.map(\.name))
        }
        var outcome = TestOutcome(
            channel: name, kind: channel.kind.name, host: nil, isAccepted: false, answer: "", milliseconds: 0)
        switch target {
        case .misconfigured(let host, let problem):
            (outcome.host, outcome.answer) = (host, problem)
        case .ready(let host, let sender):
            let start = clock.now
            let delivery = await sender.send(testMessage(name))
            outcome.host = host
            outcome.isAccepted = delivery.result == .accepted
            outcome.answer = delivery.answer
            outcome.milliseconds = milliseconds(since: start)
        }
        return outcome
    }

    private func testMessage(_ channel: String) -> OutboxMessage {
        let wall = Timestamp(nanoseconds: clock.wallNanoseconds)
        let id = hexadecimal((0..<16).map { _ in UInt8.random(in: 0 ... .max) })
        let notice = Notice(
            route: .deploys, key: "test/\(id)", title: "This is a test of channel \(channel)",
            text: "Somebody ran 'aloft notify test \(channel)'. Notices of this kind arrive here.",
            advice: "Nothing.", time: wall)
        let over = Notice(
            route: .deploys, key: "test/\(id)", title: "The test of channel \(channel) is over", text: "", time: wall,
            isOver: true)
        var lines = [OutboxLine(notice: notice, since: wall)]
        if case .pagerduty? = spec.channels.first(where: { $0.name == channel })?.kind {
            lines.append(OutboxLine(notice: over, since: wall))
        }
        return OutboxMessage(id: id, channel: channel, lines: lines, posted: wall, notBefore: wall)
    }
}

extension NotificationSpec {
    func routing(of route: NoticeRoute) -> Routing {
        switch route {
        case .critical: critical
        case .warning: warning
        case .deploys: deploys
        }
    }

    /// A channel is not its own fallback.
    func hasFallback(for channel: String) -> Bool {
        guard let fallback, fallback != channel else { return false }
        return channels.contains { $0.name == fallback }
    }
}

extension NotificationSpec.Kind {
    /// As the file spells it.
    var name: String {
        switch self {
        case .slack: "slack"
        case .email: "email"
        case .pagerduty: "pagerduty"
        case .webhook: "webhook"
        }
    }
}

extension OutboxMessage {
    /// At most ten.
    var titles: [String] { lines.prefix(10).map(\.notice.title) }
}
