import AloftModel
import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftNotifications

@Suite("A Slack that is down for an hour")
struct OutageTests {
    private let slack = TestSender(recognisesRepetition: false)
    private let mail = TestSender(recognisesRepetition: true)

    /// Posts thirty criticals while Slack fails, and lets it take them after an hour.
    /// - Returns: Messages that Slack took, and those of the fallback.
    private func live(
        _ failure: Delivery, every pause: Duration, key: @Sendable (Int) -> String
    ) async throws -> (slack: [OutboxMessage], mail: [OutboxMessage]) {
        let desk = Desk(senders: ["slack": slack, "mail": mail])
        try await desk.start(.to("slack", "mail"))
        slack.answers(failure)
        let start = desk.clock.now
        for number in 0..<30 {
            try await desk.until("it is time") { desk.clock.now - start >= pause * number }
            try await desk.notifier.post(desk.notice(key(number)))
        }
        try await desk.until("an hour") { desk.clock.now - start >= .seconds(3600) }
        #expect(slack.taken.isEmpty && (5...20).contains(slack.messages.count), "\(slack.messages.count) tries")
        let tries = slack.messages.count
        slack.answers(.accepted)
        try await desk.untilIdle()
        #expect(slack.messages.count == tries + slack.taken.count)
        #expect(await desk.notifier.status().map(\.dropped) == [0, 0])
        await desk.stop()
        return (slack.taken, mail.taken)
    }

    static let failures: [Delivery] = [
        .failed, Delivery(result: .failed, answer: "no answer within 15.0 seconds", isInDoubt: true),
        Delivery(result: .failed, answer: "HTTP 429 Too Many Requests", retryAfter: .seconds(300)),
    ]

    @Test("gets one line of a notice that came thirty times, and the fallback one", arguments: failures)
    func same(failure: Delivery) async throws {
        let told = try await live(failure, every: .seconds(120)) { _ in "probe/api" }
        #expect(told.slack.map { $0.lines.map(\.count) } == [[30]] || failure.isInDoubt)
        #expect(told.slack.flatMap(\.lines).count == 1)
        #expect(told.mail.map { $0.lines.map(\.from) } == [["slack"]])
    }

    @Test("gets one message of thirty replicas that crash within a minute, and the fallback one", arguments: failures)
    func many(failure: Delivery) async throws {
        let told = try await live(failure, every: .seconds(2)) { "crash/api-\($0)" }
        #expect(told.slack.map(\.lines.count) == [30])
        #expect(told.mail.map(\.lines.count) == [30])
    }

    @Test("gets one message of thirty different criticals, and the fallback one in ten minutes with all of them")
    func slow() async throws {
        let told = try await live(.failed, every: .seconds(120)) { "crash/api-\($0)" }
        #expect(told.slack.map(\.lines.count) == [30])
        #expect((4...6).contains(told.mail.count), "\(told.mail.map(\.lines.count))")
        #expect(Set(told.mail.flatMap(\.lines).map(\.notice.key)).count == told.mail.flatMap(\.lines).count)
    }
}

@Suite("A server that comes back")
struct ComingBackTests {
    @Test("refused, 429, 500, silence, then 200: the same message with the same key, signed each time, once taken")
    func webhook() async throws {
        try await withFixture { fixture in
            let port = try Machine.freePort()
            let desk = Desk(configuration: .shop(timeout: .seconds(1)))
            var spec = NotificationSpec.to("hook")
            spec.channels[0].kind = .webhook(
                url: Template("http://127.0.0.1:\(port)/429,500,silent,ok/x"), secret: Template("a very s3cret secret"))
            try await desk.start(spec)
            try await desk.notifier.post(desk.notice("a"))
            try await desk.notifier.post(desk.notice("b"))
            try await desk.until("nobody is there") { await desk.notifier.status()[0].lastFailureReason != nil }
            let reason = await desk.notifier.status()[0].lastFailureReason
            #expect(reason == "no connection to 127.0.0.1:\(port): Connection refused")

            let sink = try await Sink.web(fixture, ["--port", "\(port)", "--secret", "a very s3cret secret"])
            try await desk.untilIdle()
            await desk.stop()
            let requests = try sink.requests
            #expect(requests.count == 4 && requests.allSatisfy { $0.isSigned == true }, "\(requests)")
            #expect(
                Set(requests.map(\.body)).count == 1 && Set(requests.map { $0.headers["idempotency-key"] }).count == 1)
            let body = try JSONSerialization.jsonObject(with: Data(requests[0].body.utf8)) as? [String: Any]
            #expect(body?["id"] as? String == requests[0].headers["idempotency-key"])
            #expect((body?["notices"] as? [Any])?.count == 2)
            let times = requests.compactMap { $0.headers["x-aloft-signature"] }
                .compactMap { Int($0.prefix { $0 != "," }.dropFirst(2)) }
            #expect(times.count == 4 && times[1] - times[0] >= 120, "as long as Retry-After asks: \(times)")
            #expect(await desk.notifier.status()[0].state == .working)
            let outcomes = await desk.notifier.recent().reversed().map(\.outcome)
            #expect(outcomes.suffix(4) == [.failed, .failed, .failed, .sent], "\(outcomes)")
        }
    }
}
