import AloftModel
import AloftTestKit
import Foundation
import Testing

@testable import AloftNotifications

@Suite("A real web server")
struct WebSinkTests {
    private func slack(_ sink: Sink, _ path: String, timeout: Duration = .seconds(5)) throws -> any ChannelSender {
        try sender(.slack(url: Template("http://127.0.0.1:\(sink.port)/\(path)")), timeout: timeout)
    }

    @Test("each way to fail is told from the others")
    func failures() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.web(fixture)
            let cases: [(path: String, result: Delivery.Result, isInDoubt: Bool, answer: String)] = [
                ("ok/T0/S3CRET", .accepted, false, "HTTP 200 OK: ok"),
                ("500/T0/S3CRET", .failed, false, "HTTP 500 Internal Server Error: ok"),
                ("404/T0/S3CRET", .refused, false, "HTTP 404 Not Found: no_service"),
                ("redirect/T0/S3CRET", .refused, false, "HTTP 302 Found: ok (redirects are not followed)"),
                ("silent/T0/S3CRET", .failed, true, "no answer within 1.0 seconds"),
                ("close/T0/S3CRET", .failed, true, "the server closed the connection without an answer"),
                ("drip/T0/S3CRET", .accepted, false, "HTTP 200 OK: x"),
                ("huge/T0/S3CRET", .failed, false, "HTTP 500 Internal Server Error: xxxx"),
                ("noise/T0/S3CRET", .failed, true, ""),
                ("echo/T0/S3CRET", .refused, false, "HTTP 400 Bad Request: <redacted> {\"blocks\""),
            ]
            for one in cases {
                let start = ContinuousClock.now
                let delivery = try await slack(sink, one.path, timeout: .seconds(1)).send(.sample([failedCanary]))
                #expect(
                    delivery.result == one.result && delivery.isInDoubt == one.isInDoubt, "\(one.path): \(delivery)")
                #expect(delivery.answer.hasPrefix(one.answer), "\(one.path): \(delivery.answer)")
                #expect(!delivery.answer.contains("S3CRET") && delivery.answer.count <= 500)
                #expect(!delivery.seals)
                #expect(ContinuousClock.now - start < .seconds(10), "\(one.path)")
            }
            #expect(try sink.requests.map(\.path) == cases.map { "/" + $0.path }, "one request each, none redirected")
        }
    }

    @Test("429 says how long to wait")
    func slowDown() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.web(fixture)
            let delivery = try await slack(sink, "429").send(.sample([failedCanary]))
            #expect(delivery.result == .failed && delivery.retryAfter == .seconds(120))
        }
    }

    @Test("nobody listens, and nobody has the name")
    func nobody() async throws {
        let port = try Machine.freePort()
        let closed = try sender(.slack(url: Template("http://127.0.0.1:\(port)/x")))
        let refused = await closed.send(.sample([failedCanary]))
        #expect(refused.result == .failed && !refused.isInDoubt && !refused.seals, "\(refused)")
        #expect(refused.answer == "no connection to 127.0.0.1:\(port): Connection refused")
        let unknown = try sender(.webhook(url: Template("http://nobody.invalid/x"), secret: nil))
        let missing = await unknown.send(.sample([failedCanary]))
        #expect(missing.result == .failed && !missing.seals, "\(missing)")
        #expect(missing.answer == "the name nobody.invalid was not found")
    }

    @Test("a certificate that nobody knows is refused, and taken with its own root")
    func certificates() async throws {
        try await withFixture { fixture in
            let own = try await OwnCertificate(fixture)
            let sink = try await Sink.web(fixture, ["--tls", own.certificate, own.key])
            for (number, host) in ["127.0.0.1", "localhost"].enumerated() {
                let kind = NotificationSpec.Kind.slack(url: Template("https://\(host):\(sink.port)/ok"))
                let unknown = try await sender(kind).send(.sample([failedCanary]))
                #expect(unknown.result == .failed && !unknown.isInDoubt, "\(unknown)")
                #expect(try sink.requests.count == number)
                let known = try await sender(kind, roots: own.certificate).send(.sample([failedCanary]))
                #expect(known.result == .accepted, "\(known)")
            }
        }
    }

    @Test(
        "PagerDuty and Slack get JSON, PagerDuty an event for each notice with one dedup_key for a beginning and its end"
    )
    func bodies() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.web(fixture)
            func pagerDuty(_ path: String) throws -> any ChannelSender {
                try sender(
                    .pagerduty(key: Template("R0UT1NGKEY"), url: Template("http://127.0.0.1:\(sink.port)/\(path)")))
            }
            let pair = OutboxMessage.sample([failedCanary, .sample("rollout/api/12", "fine", over: true), .sample("b")])
            #expect(try await pagerDuty("ok").send(pair).keysTaken == ["rollout/api/12", "b"])
            let half = try await pagerDuty("ok,ok,500").send(pair)
            #expect(half.result == .failed && half.keysTaken == ["rollout/api/12"] && !half.seals, "\(half)")
            let refused = try await pagerDuty("echo").send(pair)
            #expect(refused.result == .refused && !refused.answer.contains("R0UT1NGKEY") && refused.keysTaken.isEmpty)
            #expect(try await slack(sink, "ok/slack").send(pair).result == .accepted)
            let requests = try sink.requests
            let events = try requests.map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.body.utf8)) as? [String: Any])
            }
            #expect(requests.allSatisfy { $0.headers["content-type"] == "application/json" && $0.isSigned == nil })
            let actions = events.map { $0["event_action"] as? String }
            #expect(actions == ["trigger", "resolve", "trigger", "trigger", "resolve", "trigger", "trigger", nil])
            #expect(events.prefix(7).allSatisfy { $0["routing_key"] as? String == "R0UT1NGKEY" })
            let keys = events.prefix(3).map { $0["dedup_key"] as? String }
            #expect(keys[0] == keys[1] && keys[1] != keys[2] && keys[0] != nil)
            let blocks = try #require(events[7]["blocks"] as? [[String: Any]])
            #expect(blocks.map { $0["type"] as? String } == ["header", "section", "section", "section", "context"])
        }
    }
}
