import AloftModel
import AloftSystem
import AloftTestKit
import Testing

@testable import AloftNotifications

@Suite("The notifier")
struct NotifierTests {
    private let slack = TestSender(recognisesRepetition: false)
    private let mail = TestSender(recognisesRepetition: true)

    private func desk() -> Desk { Desk(senders: ["slack": slack, "mail": mail]) }

    @Test("a Slack that is down for an hour gets one message afterwards, and the fallback got the criticals")
    func hour() async throws {
        let desk = desk()
        try await desk.start(.to("slack", "mail"))
        slack.answers(.failed)
        let start = desk.clock.now
        for number in 1...30 {
            try await desk.notifier.post(desk.notice("replica/\(number)", number == 1 ? .critical : .warning))
            try await desk.until("two minutes") { desk.clock.now - start >= .seconds(120 * number) }
        }
        let tries = slack.messages.count
        #expect((10...20).contains(tries))
        let failing = try #require(await desk.notifier.status().first)
        #expect(failing.state == .failing && failing.waiting == 30 && failing.lastFailureReason == "HTTP 500")
        #expect(failing.nextTry != nil)
        slack.answers(.accepted)
        try await desk.untilIdle()
        #expect(slack.messages.count == tries + 1 && slack.messages.last?.lines.count == 30)
        #expect(mail.keys == ["replica/1"] && mail.messages.first?.lines.first?.from == "slack")
        #expect(await desk.notifier.status().map(\.state) == [.working, .working])
        await desk.stop()
    }

    @Test("the fallback that was told of a beginning is told of the end, and nobody else twice")
    func endOfHandedOver() async throws {
        let desk = desk()
        try await desk.start(.to("slack", "mail"))
        slack.answers(.refused)
        try await desk.notifier.post(desk.notice("a"))
        try await desk.until("the fallback has it") { mail.keys == ["a"] }
        slack.answers(.accepted)
        try await desk.notifier.post(desk.notice("a", over: true))
        try await desk.notifier.post(desk.notice("b"))
        try await desk.untilIdle()
        #expect(mail.messages.flatMap(\.lines).map(\.notice.isOver) == [false, true])
        #expect(slack.keys == ["a", "b"], "the refused beginning, and no end of what it never knew")
        await desk.stop()
    }

    @Test("a channel whose variable has no value gives all to the fallback, and without one waits for a reload")
    func misconfigured() async throws {
        let desk = Desk(senders: ["mail": mail])
        try await desk.start(.to("slack", "mail"))
        try await desk.notifier.post(desk.notice("a"))
        try await desk.untilIdle()
        #expect(mail.keys == ["a"])
        let status = await desk.notifier.status()
        #expect(status[0].state == .misconfigured && status[0].problem == "${env.URL} has no value")
        try await desk.apply(.to("slack"))
        try await desk.notifier.post(desk.notice("b"))
        #expect(await desk.notifier.status().map(\.waiting) == [1])
        try await desk.apply(.to("slack", "mail"))
        try await desk.untilIdle()
        #expect(mail.keys == ["a", "b"])
        await desk.stop()
    }

    @Test("what waits for a channel that a reload takes out goes to the fallback, else it is dropped and said")
    func removed() async throws {
        let desk = desk()
        slack.answers(.failed)
        try await desk.start(.to("slack"))
        try await desk.notifier.post(desk.notice("a"))
        try await desk.until("it failed") { !slack.messages.isEmpty }
        var spec = NotificationSpec.to("mail", "mail")
        spec.channels.removeLast()
        try await desk.apply(spec)
        try await desk.untilIdle()
        #expect(mail.keys == ["a"])
        mail.answers(.failed)
        try await desk.notifier.post(desk.notice("b"))
        try await desk.until("it failed") { mail.keys == ["a", "b"] }
        try await desk.apply(.to("slack"))
        #expect(await desk.notifier.recent().first?.outcome == .dropped)
        #expect(try desk.store.load().messages.isEmpty)
        await desk.stop()
    }

    @Test("a store that cannot be written makes post throw, and what was sent is written once it can")
    func fullDisk() async throws {
        let desk = desk()
        try await desk.start(.to("slack"))
        desk.store.die(at: 2)
        try await desk.notifier.post(desk.notice("a"))
        try await desk.until("it is sent, and its end cannot be written") { desk.store.isDead }
        await #expect(throws: NotificationError.self) { try await desk.notifier.post(desk.notice("b")) }
        #expect(slack.keys == ["a"] && desk.log.text.contains("the end of a delivery cannot be written"))
        desk.store.die(at: nil)
        try await desk.until("it is written") { try desk.store.load().messages.isEmpty }
        #expect(slack.keys == ["a"])
        await desk.stop()
    }

    @Test("a reload tries again at once; a restart waits as long as there is left")
    func restart() async throws {
        let desk = desk()
        slack.answers(Delivery(result: .failed, answer: "HTTP 429", retryAfter: .seconds(1800)))
        try await desk.start(.to("slack"))
        try await desk.notifier.post(desk.notice("a"))
        try await desk.until("it failed") { await desk.notifier.status()[0].lastFailure != nil }
        await desk.stop()
        let next = Desk(store: desk.store, senders: ["slack": slack])
        next.clock.advance(by: desk.clock.now - next.clock.now)
        try await next.start(.to("slack"))
        let wait = try #require(await next.notifier.status()[0].nextTry)
        #expect(wait - Timestamp(nanoseconds: next.clock.wallNanoseconds) > .seconds(1700))
        slack.answers(.accepted)
        try await next.apply(.to("slack"))
        try await eventually("it is sent without a wait", every: .milliseconds(1)) { slack.messages.count == 2 }
        await next.stop()
    }

    @Test("a test of a channel passes the queue, and names the channels there are")
    func test() async throws {
        let desk = desk()
        try await desk.start(.to("slack"))
        let outcome = try await desk.notifier.test(channel: "slack")
        #expect(outcome.isAccepted && outcome.answer == "HTTP 200 OK" && outcome.host == "slack.example")
        let error = await #expect(throws: NotificationError.self) { try await desk.notifier.test(channel: "slak") }
        #expect(error?.description == "there is no channel 'slak'; the file has slack")
        #expect(try desk.store.load() == OutboxContents())
        await desk.stop()
    }

    @Test("of deliveries the newest hundred are kept")
    func recent() async throws {
        let desk = desk()
        try await desk.start(.to("slack"))
        for number in 1...105 {
            try await desk.notifier.post(desk.notice("k/\(number)"))
            try await desk.untilIdle()
        }
        let recent = await desk.notifier.recent()
        #expect(recent.count == 100 && recent.first?.titles == ["k/105 failed"])
        await desk.stop()
    }
}
