import AloftModel
import AloftTestKit
import Crypto
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
                ("500/T0/S3CRET", .failed, false, "HTTP 500 Oops: ok"),
                ("404/T0/S3CRET", .refused, false, "HTTP 404 Not Found: no_service"),
                ("redirect/T0/S3CRET", .refused, false, "HTTP 302 Found: ok (redirects are not followed)"),
                ("silent/T0/S3CRET", .failed, true, "no answer within 0.5 seconds"),
                ("close/T0/S3CRET", .failed, true, "the server closed the connection without an answer"),
                ("drip/T0/S3CRET", .accepted, false, "HTTP 200 OK: x"),
                ("huge/T0/S3CRET", .failed, false, "HTTP 500 Oops: xxxx"),
                ("noise/T0/S3CRET", .failed, true, ""),
                ("echo/T0/S3CRET", .refused, false, "HTTP 400 Bad: <redacted> {\"blocks\""),
            ]
            for one in cases {
                let start = ContinuousClock.now
                let delivery = try await slack(sink, one.path, timeout: .seconds(0.5)).send(.sample([failedCanary]))
                #expect(
                    delivery.result == one.result && delivery.isInDoubt == one.isInDoubt, "\(one.path): \(delivery)")
                #expect(delivery.answer.hasPrefix(one.answer), "\(one.path): \(delivery.answer)")
                #expect(!delivery.answer.contains("S3CRET") && delivery.answer.count <= 500)
                #expect(!delivery.seals)
                #expect(ContinuousClock.now - start < .seconds(5), "\(one.path)")
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
        #expect(refused.answer.contains("no connection to 127.0.0.1:\(port)") || refused.answer.contains("refused"))
        let unknown = try sender(.webhook(url: Template("http://nobody.invalid/x"), secret: nil))
        let missing = await unknown.send(.sample([failedCanary]))
        #expect(missing.result == .failed && !missing.seals, "\(missing)")
    }

    @Test("a certificate that nobody knows is refused, and taken with its own root")
    func certificates() async throws {
        try await withFixture { fixture in
            let own = try await OwnCertificate(fixture)
            let sink = try await Sink.web(fixture, [own.certificate, own.key])
            for host in ["127.0.0.1", "localhost"] {
                let kind = NotificationSpec.Kind.slack(url: Template("https://\(host):\(sink.port)/ok"))
                let unknown = try await sender(kind).send(.sample([failedCanary]))
                #expect(unknown.result == .failed && !unknown.isInDoubt, "\(unknown)")
                #expect(try sink.requests.isEmpty)
                let known = try await sender(kind, roots: own.certificate).send(.sample([failedCanary]))
                #expect(known.result == .accepted, "\(known)")
            }
        }
    }

    @Test("a webhook's signature and key can be checked by somebody else, and stay on every try")
    func webhook() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.web(fixture)
            let clock = ManualClock()
            let hook = try sender(
                .webhook(
                    url: Template("http://127.0.0.1:\(sink.port)/flaky"), secret: Template("a very s3cret secret")),
                clock: clock)
            let message = OutboxMessage.sample([failedCanary])
            for result in [Delivery.Result.failed, .failed, .accepted] {
                let delivery = await hook.send(message)
                #expect(delivery.result == result && delivery.seals == (result == .failed), "\(delivery)")
                clock.advance(by: .seconds(60))
            }
            let requests = try sink.requests
            #expect(Set(requests.map(\.body)).count == 1)
            #expect(requests.map { $0.headers["idempotency-key"] } == [message.id, message.id, message.id])
            for (number, request) in requests.enumerated() {
                let seconds = 1_800_000_000 + 60 * number
                let input = sink.folder + "/signed"
                try Data("\(seconds).\(request.body)".utf8).write(to: URL(fileURLWithPath: input))
                let (_, output) = try await Child.run(
                    ["openssl", "dgst", "-sha256", "-hmac", "a very s3cret secret", "-r", input], directory: sink.folder
                )
                let digest = output.prefix { $0 != " " }
                #expect(request.headers["x-aloft-signature"] == "t=\(seconds),v1=\(digest)")
            }
        }
    }

    @Test("PagerDuty gets an event for each notice, with one dedup_key for a beginning and its end")
    func pagerDuty() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.web(fixture)
            func channel(_ path: String) throws -> any ChannelSender {
                try sender(
                    .pagerduty(key: Template("R0UT1NGKEY"), url: Template("http://127.0.0.1:\(sink.port)/\(path)")))
            }
            let pair = OutboxMessage.sample([failedCanary, .sample("rollout/api/12", "fine", over: true), .sample("b")])
            #expect(try await channel("ok").send(pair).keysTaken == ["rollout/api/12", "b"])
            let events = try sink.requests.map {
                try JSONSerialization.jsonObject(with: Data($0.body.utf8)) as? [String: Any]
            }
            #expect(events.map { $0?["event_action"] as? String } == ["trigger", "resolve", "trigger"])
            #expect(events[0]?["dedup_key"] as? String == events[1]?["dedup_key"] as? String)
            let half = try await channel("flaky").send(pair)
            #expect(half.result == .accepted)
            let refused = try await channel("echo").send(pair)
            #expect(refused.result == .refused && !refused.answer.contains("R0UT1NGKEY") && refused.keysTaken.isEmpty)
        }
    }
}
