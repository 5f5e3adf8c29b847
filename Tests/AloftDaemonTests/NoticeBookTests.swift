import AloftModel
import AloftNotifications
import Testing

@testable import AloftDaemon

@Suite("Which events people are told of")
struct NoticeBookTests {
    private func postings(
        _ kind: String, _ message: String, _ severity: Event.Severity = .notice, subject: String = "web",
        in environment: String? = nil
    ) -> [NoticeBook.Posting] {
        NoticeBook.postings(
            of: Event(
                time: Timestamp(nanoseconds: 0), severity: severity, kind: kind, subject: subject, message: message),
            in: environment)
    }

    @Test("a deploy that fails is told once to both routes, and the way back is silent")
    func failure() throws {
        let failed = postings("rollout.failed", "release 7: 20% of requests fail; goes back to release 6", .error)
        #expect(failed.map(\.notice.route) == [.warning, .critical])
        let started = postings("rollout.started", "release 7 takes over from release 6: canary, deploy by ann")
        #expect(started.map(\.notice.title) == ["web: release 7 is being rolled out"])
        let told = try #require(failed.first)
        #expect(told.also == .deploys)
        #expect(told.notice.title == "web: release 7 failed")
        #expect(told.notice.key == "rollout/web/7")
        #expect(told.notice.text.contains("20% of requests fail"))
        #expect(told.notice.advice?.contains("aloft history web") == true)
        let back = postings("rollout.rolledBack", "release 7: is gone; release 6 serves alone")
        #expect(back.allSatisfy { $0.notice.isOver })
        #expect(postings("rollout.verdict", "release 7: fail").isEmpty)
    }

    @Test("what is frozen pages, and what a person then decides ends the page")
    func frozen() {
        let frozen = postings("rollout.frozen", "release 7: both releases fail; nothing is moved", .error)
        #expect(frozen.map(\.notice.route) == [.critical])
        #expect(frozen.first?.also == .deploys)
        for kind in ["rollout.promoted", "rollout.aborted", "rollout.superseded", "rollout.rolledBack"] {
            let ends = postings(kind, "release 7: by somebody").filter { $0.notice.isOver }
            #expect(ends.map(\.notice.key) == frozen.map(\.notice.key), "\(kind)")
            #expect(ends.map(\.notice.route) == [.critical], "\(kind)")
        }
    }

    @Test("only an approval is worth a notice of waiting, and says how to give it")
    func waiting() {
        let approval = postings("rollout.waiting", "release 7: waits for approval `ops`")
        #expect(approval.first?.notice.advice == "`aloft approve web --as ops`, or `aloft abort web`.")
        let staging = postings("rollout.waiting", "release 7: waits for approval `ops`", in: "staging")
        #expect(
            staging.first?.notice.advice
                == "`aloft approve web --as ops --environment staging`, or `aloft abort web --environment staging`.")
        #expect(postings("rollout.waiting", "release 7: waits for enough requests to judge it at 5%").isEmpty)
        #expect(postings("rollout.waiting", "release 7: paused by ann").isEmpty)
    }

    @Test("thirty ends of one service's replicas have one key and one title")
    func crashLoop() {
        let all = (1...30).flatMap { number in
            postings(
                "replica.exited", "exit code 1 after \(number) s; starts again in \(number) s", .error,
                subject: "web-\(number % 3 + 1)")
        }
        #expect(all.count == 30)
        #expect(Set(all.map(\.notice.key)) == ["replica/web"])
        #expect(Set(all.map(\.notice.title)) == ["web: replicas end by themselves"])
        #expect(postings("replica.exited", "exit code 0 after 3 s", subject: "web-1").isEmpty)
    }

    @Test("a metric, logs: told, and ended by the same key")
    func ends() {
        for (begin, end) in [("scaling.metricMissing", "scaling.metricBack"), ("logs.failing", "logs.recovered")] {
            let first = postings(begin, "no space left", .warning)
            let last = postings(end, "again")
            #expect(first.map(\.notice.key) == last.map(\.notice.key))
            #expect(first.allSatisfy { !$0.notice.isOver })
            #expect(last.allSatisfy { $0.notice.isOver })
        }
    }
}
