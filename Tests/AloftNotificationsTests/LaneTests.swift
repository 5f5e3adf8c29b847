import AloftModel
import AloftSystem
import Testing

@testable import AloftNotifications

@Suite("The queue of one channel")
struct LaneTests {
    @Test("thirty notices within two seconds are one message")
    func grouped() throws {
        let queue = Queue()
        for number in 1...30 { queue.post(.sample("replica/\(number)")) }
        #expect(queue.wait == 2)
        let message = try #require(queue.deliver())
        #expect(message.lines.map(\.notice.key) == (1...30).map { "replica/\($0)" })
        #expect(queue.wait == nil && queue.stored.isEmpty)
    }

    @Test("of thirty, one every ten seconds, five come at once and then one a minute with all that came")
    func paced() {
        let queue = Queue()
        var sizes: [Int] = []
        for number in 1...30 {
            queue.post(.sample("replica/\(number)"))
            let next = queue.now + .seconds(10)
            while let due = queue.lane.nextDue, due < next { sizes.append(queue.deliver()?.lines.count ?? 0) }
            queue.pass(next - queue.now)
        }
        while let message = queue.deliver() { sizes.append(message.lines.count) }
        #expect(sizes == [1, 1, 1, 1, 1, 2, 6, 6, 6, 5])
    }

    @Test("the same key again is the same line, counted")
    func counted() throws {
        let queue = Queue()
        queue.post(.sample("a", "a: 1 of 3 replicas"))
        queue.post(.sample("a", "a: no replica", at: night + .seconds(1)))
        let line = try #require(queue.deliver()?.lines.first)
        #expect(line.count == 2 && line.notice.title == "a: no replica" && line.since == night)
    }

    @Test("the same notice again is news after four hours, and at once with another title")
    func silence() {
        let queue = Queue()
        queue.post(.sample())
        queue.deliver()
        queue.pass(.seconds(4 * 3600 - 60))
        queue.post(.sample(at: queue.wall))
        #expect(queue.wait == nil)
        queue.post(.sample("rollout/api", "worse"))
        #expect(queue.deliver()?.lines.first?.notice.title == "worse")
        queue.pass(.seconds(4 * 3600))
        queue.post(.sample("rollout/api", "worse", at: queue.wall))
        #expect(queue.deliver() != nil)
    }

    @Test("an end is told after a beginning that was told, once")
    func over() {
        let queue = Queue()
        queue.post(.sample())
        queue.deliver()
        queue.post(.sample(over: true))
        #expect(queue.deliver()?.lines.first?.notice.isOver == true)
        queue.post(.sample(over: true))
        #expect(queue.wait == nil)
    }

    @Test("what is over before it was told is told to nobody")
    func overBefore() {
        let queue = Queue()
        queue.post(.sample(), window: .seconds(300))
        queue.pass(.seconds(200))
        queue.post(.sample(over: true))
        #expect(queue.wait == nil && queue.stored.isEmpty)
        queue.post(.sample("b", over: true))
        #expect(queue.wait == nil)
    }

    @Test("an end never overtakes its beginning")
    func order() throws {
        let queue = Queue()
        queue.post(.sample())
        queue.pass(.seconds(2))
        let begun = try #require(queue.begin())
        queue.post(.sample(over: true))
        #expect(queue.wait == nil, "one message under way at a time")
        queue.finish(begun, .silent)
        queue.pass(.seconds(60))
        queue.restart()
        #expect(queue.deliver()?.lines.map(\.notice.isOver) == [false])
        #expect(queue.deliver()?.lines.map(\.notice.isOver) == [true])
    }

    @Test("after a restart what waits for its next try keeps its place before what came later")
    func orderAfterRestart() throws {
        let queue = Queue()
        queue.post(.sample())
        for _ in 1...8 { queue.deliver(.silent) }
        queue.post(.sample(over: true))
        queue.pass(.seconds(3))
        queue.restart()
        #expect(try #require(queue.wait) > 100)
        #expect(queue.deliver(.silent)?.lines.map(\.notice.isOver) == [false])
        #expect(queue.lane.failures == 9, "the back-off goes on where it was")
        #expect(queue.deliver()?.lines.map(\.notice.isOver) == [false])
        #expect(queue.deliver()?.lines.map(\.notice.isOver) == [true])
    }

    @Test("what is over while the failed try was under way is told to nobody, what began again once")
    func duringTry() throws {
        let queue = Queue()
        queue.post(.sample())
        queue.pass(.seconds(2))
        let first = try #require(queue.begin())
        queue.post(.sample(over: true))
        queue.finish(first, .failed)
        #expect(queue.wait == nil && queue.stored.isEmpty)

        queue.post(.sample())
        queue.pass(.seconds(2))
        let second = try #require(queue.begin())
        queue.post(.sample(over: true))
        queue.post(.sample("rollout/api", "again"))
        queue.finish(second, .failed)
        #expect(queue.stored.count == 1)
        #expect(queue.deliver()?.lines.map(\.notice.title) == ["again"])
        #expect(queue.wait == nil)
    }

    @Test("a Slack that may have taken a beginning is told its end")
    func inDoubt() {
        let queue = Queue()
        queue.post(.sample())
        var doubtful = Delivery.failed
        doubtful.isInDoubt = true
        queue.deliver(doubtful)
        queue.post(.sample(over: true))
        #expect(queue.deliver()?.lines.map(\.notice.isOver) == [true])
    }

    @Test("a PagerDuty that took half of a message gets the other half")
    func half() {
        let queue = Queue()
        for key in ["a", "b", "c"] { queue.post(.sample(key)) }
        queue.deliver(Delivery(result: .failed, answer: "HTTP 429", keysTaken: ["a"]))
        #expect(queue.deliver()?.lines.map(\.notice.key) == ["b", "c"])
        queue.post(.sample("a"))
        #expect(queue.wait == nil, "a was told")
    }

    @Test("recipients who have a mail do not get it again")
    func recipients() {
        let queue = Queue()
        queue.post(.sample())
        queue.deliver(Delivery(result: .failed, answer: "450", seals: true, delivered: ["a@example.org"]))
        #expect(queue.deliver()?.delivered == ["a@example.org"])
    }

    @Test("the 1,001st notice pushes out the oldest warning, and is counted")
    func excess() {
        let queue = Queue()
        queue.post(.sample("critical"))
        for number in 1...1000 { queue.post(.sample("w/\(number)", route: .warning)) }
        #expect(queue.lane.waiting == 1000 && queue.lane.record.dropped == 1)
        let keys = Set(queue.stored.values.flatMap(\.lines).map(\.notice.key))
        #expect(keys.count == 1000 && keys.contains("critical") && !keys.contains("w/1"))
        for number in 1...1000 { queue.post(.sample("c/\(number)")) }
        let left = queue.stored.values.flatMap(\.lines)
        #expect(left.count == 1000 && left.allSatisfy { $0.notice.route == .critical })
        #expect(queue.lane.record.dropped == 1001)
    }

    @Test("a thousand keys are remembered, those that are over forgotten first")
    func remembered() {
        let queue = Queue()
        queue.post(.sample("first"))
        queue.deliver()
        queue.post(.sample("x", at: night + .seconds(1)))
        queue.deliver()
        queue.post(.sample("x", over: true, at: night + .seconds(2)))
        queue.deliver()
        for number in 1...999 {
            queue.post(.sample("k/\(number)", at: night + .seconds(3 + number)))
            if number % 100 == 0 || number == 999 { queue.deliver() }
        }
        let told = queue.lane.record.told
        #expect(told.count == 1000 && told["first"] != nil && told["x"] == nil)
    }
}

@Suite("A channel that fails")
struct FailingLaneTests {
    @Test("it is asked after 1, 2, 4 … 900 seconds, of which up to half is left off")
    func backoff() {
        let longest = (1...12).map { Backoff.delay(failures: $0, random: 1) / .seconds(1) }
        #expect(longest == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
        let shortest = (1...12).map { Backoff.delay(failures: $0, random: 0) / .seconds(1) }
        #expect(shortest == longest.map { $0 / 2 })
        #expect(Backoff.delay(failures: .max, random: 1) == .seconds(900))
        let queue = Queue()
        queue.post(.sample())
        for wait in [2.0, 1, 2, 4, 8] {
            #expect(queue.wait == wait)
            queue.deliver(.failed)
        }
    }

    @Test("it is left alone for as long as it asks, up to an hour")
    func retryAfter() {
        let queue = Queue()
        queue.post(.sample())
        for (asked, waits) in [(120.0, 120.0), (0, 1), (7200, 3600)] {
            queue.deliver(Delivery(result: .failed, answer: "HTTP 429", retryAfter: .seconds(asked)))
            #expect(queue.wait == waits)
            queue.post(.sample("another/\(asked)"))
            #expect(queue.wait == waits, "the wait is the channel's, not the message's")
        }
    }

    @Test("Retry-After is seconds or a date")
    func retryAfterText() {
        let cases: [(String, Duration?)] = [
            ("120", .seconds(120)), (" 0 ", .zero), ("Sat, 21 Nov 2026 02:15:05 GMT", .seconds(60)),
            ("Sat, 21 Nov 2026 02:00:00 GMT", .zero), ("99999999999999999999", .seconds(999_999_999)), ("-1", nil),
            ("1.5", nil), ("soon", nil), ("", nil), ("Sat, 21 Foo 2026 02:15:05 GMT", nil),
            ("Sat, 31 Feb 2026 02:15:05 GMT", nil),
        ]
        for (text, delay) in cases { #expect(RetryAfter.delay(text, now: night) == delay, "\(text)") }
    }

    @Test("thirty notices in an hour of failures are one message when it is over", arguments: [true, false])
    func hour(inDoubt: Bool) throws {
        let queue = Queue()
        var failure = inDoubt ? Delivery.silent : .failed
        (failure.seals, failure.isInDoubt) = (false, inDoubt)  // as Slack fails
        let end = queue.now + .seconds(3600)
        for number in 1...30 {
            queue.post(.sample("replica/\(number)", at: queue.wall))
            let next = queue.now + .seconds(120)
            while let due = queue.lane.nextDue, due < next { queue.deliver(failure) }
            queue.pass(next - queue.now)
        }
        #expect(queue.now == end)
        let message = try #require(queue.deliver())
        #expect(message.lines.count == 30)
        #expect(queue.deliver() == nil && queue.stored.isEmpty)
        #expect(queue.lane.record.dropped == 0)
    }

    @Test("a message that may have arrived is repeated as it was; the rest of the hour is one more")
    func sealed() throws {
        let queue = Queue()
        queue.post(.sample("first"))
        let first = try #require(queue.deliver(.silent))
        for number in 1...30 {
            queue.post(.sample("replica/\(number)"))
            queue.pass(.seconds(100))
            queue.deliver(.silent)
        }
        let again = try #require(queue.deliver())
        #expect(again.id == first.id && again.lines == first.lines)
        #expect(queue.deliver()?.lines.count == 30)
        #expect(queue.deliver() == nil)
    }

    @Test("a critical notice goes to the fallback after ten minutes, also where the server asked for an hour")
    func patience() throws {
        let queue = Queue()
        queue.hasFallback = true
        queue.post(.sample("a"))
        queue.post(.sample("b", route: .warning))
        queue.deliver(Delivery(result: .failed, answer: "HTTP 429", retryAfter: .seconds(3600)))
        let look = try #require(queue.lane.nextExpiry(hasFallback: true))
        queue.pass(look - queue.now)
        #expect(queue.begin() == nil)
        #expect(queue.handedOver.map(\.notice.key) == ["a"])
        #expect(queue.wait.map { $0 > 2900 } == true, "and it still waits for its own channel")
        queue.pass(.seconds(60))
        #expect(queue.begin() == nil && queue.handedOver.count == 1, "once")
        #expect(queue.deliver()?.lines.count == 2)
    }

    @Test(
        "it goes to the fallback at once when it is refused, else it is dropped and counted", arguments: [true, false])
    func refused(hasFallback: Bool) {
        let queue = Queue()
        queue.hasFallback = hasFallback
        queue.post(.sample("a"))
        queue.post(.sample("b"))
        queue.deliver(.refused)
        #expect(queue.handedOver.map(\.notice.key) == (hasFallback ? ["a", "b"] : []))
        #expect(queue.lane.record.dropped == (hasFallback ? 0 : 2))
        #expect(queue.stored.isEmpty)
    }

    @Test("it is given up after a day")
    func age() {
        let queue = Queue()
        queue.post(.sample())
        var tries = 0
        while queue.deliver(.failed) != nil { tries += 1 }
        #expect((100...120).contains(tries), "\(tries)")
        #expect(queue.lane.record.dropped == 1 && queue.stored.isEmpty)
    }

    @Test("a clock that is set back by a day changes no wait")
    func clock() {
        let queue = Queue()
        queue.post(.sample())
        queue.deliver(.failed)
        queue.wall = queue.wall + .seconds(-86_400)
        #expect(queue.wait == 1)
        queue.restart()
        #expect((queue.wait ?? .infinity) <= 24 * 3600)
    }

    @Test("a Slack message that was under way at a crash goes to the fallback and is not repeated")
    func uncertain() {
        let queue = Queue()
        queue.hasFallback = true
        queue.post(.sample())
        queue.pass(.seconds(2))
        #expect(queue.begin() != nil)
        queue.restart(recognises: false)
        #expect(queue.deliver() == nil && queue.lane.record.uncertain == 1)
        #expect(queue.handedOver.map(\.notice.key) == ["rollout/api"])
    }
}
