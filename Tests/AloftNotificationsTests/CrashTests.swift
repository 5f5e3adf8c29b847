import AloftModel
import AloftTestKit
import Testing

@testable import AloftNotifications

/// The daemon is killed before each write of the outbox in turn, and another one goes on.
@Suite("A crash at each commit")
struct CrashTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var cut: Int
        var isFile: Bool
        var recognises: Bool

        var testDescription: String {
            "before write \(cut), \(isFile ? "file" : "memory"), \(recognises ? "webhook" : "Slack")"
        }

        static let all: [Case] = (0...16).flatMap { cut in
            [false, true].flatMap { isFile in
                [false, true].map { Case(cut: cut, isFile: isFile, recognises: $0) }
            }
        }
    }

    @Test("loses nothing that post took, and repeats nothing but with the same id and lines", arguments: Case.all)
    func cut(_ one: Case) async throws {
        try await withFixture { fixture in
            let store = TestStore(file: one.isFile ? try fixture.directory() + "/outbox" : nil)
            let channel = TestSender(recognisesRepetition: one.recognises)
            let fallback = TestSender(recognisesRepetition: true)
            let senders = ["first": channel, "second": fallback]
            let posted = try await self.live(store, senders, cut: one.cut)

            store.die(at: nil)
            let next = Desk(store: store, senders: senders)
            channel.answers(.accepted)
            try await next.start(.to("first", "second"))
            try await next.untilIdle()
            let uncertain = await next.notifier.status()[0].uncertain
            await next.stop()

            for notice in posted {
                let has = (channel.taken + fallback.taken).contains {
                    $0.lines.contains { $0.notice.key == notice.key }
                }
                #expect(has, "\(notice.key) is lost")
            }
            for sender in [channel, fallback] {
                for (_, same) in Dictionary(grouping: sender.messages, by: \.id) {
                    #expect(Set(same.map(\.lines)).count == 1 || !one.recognises)
                }
                let keys = Dictionary(
                    grouping: sender.messages.flatMap { m in m.lines.map { ($0.notice.key, m.id) } }, by: \.0)
                for (key, times) in keys where key != "failing" {
                    #expect(Set(times.map(\.1)).count == 1, "\(key) came with two ids")
                    #expect(times.count == 1 || sender.recognisesRepetition, "\(key) came twice to Slack")
                }
            }
            #expect(uncertain == 0 || !one.recognises)
            #expect(try store.load().messages.isEmpty)
        }
    }

    /// Sends one, is refused one, fails with one, until the store dies; gives what `post` took.
    private func live(_ store: TestStore, _ senders: [String: TestSender], cut: Int) async throws -> [Notice] {
        let desk = Desk(store: store, senders: senders)
        try await desk.start(.to("first", "second"))
        store.die(at: cut)
        var posted: [Notice] = []
        let answers: [(String, Delivery)] = [("fine", .accepted), ("refused", .refused), ("failing", .failed)]
        for (key, answer) in answers {
            senders["first"]?.answers(answer)
            let notice = desk.notice(key)
            do throws(NotificationError) {
                try await desk.notifier.post(notice)
                posted.append(notice)
            } catch {
                #expect(store.isDead)
                break
            }
            let tries = key == "failing" ? 3 : 1
            try await desk.until("\(key) was tried, or the store is dead") {
                let count = senders["first"]?.messages.count { $0.lines.contains { $0.notice.key == key } } ?? 0
                if store.isDead { return true }
                guard count >= tries else { return false }
                return await desk.notifier.status().allSatisfy { $0.waiting == 0 || key == "failing" }
            }
        }
        await desk.stop()
        return posted
    }
}
