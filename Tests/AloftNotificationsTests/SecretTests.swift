import AloftModel
import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftNotifications

/// Every channel there is, with servers that fail, repeat what they were sent, or are not there.
@Suite("Secrets")
struct SecretTests {
    /// None of them, nor what they look like on the wire, may be shown or kept.
    private static let secrets = [
        "T0SLACK/B0SLACK", "xoxSLACKs3cret", "QUERYs3cret", "WEBHOOKs3cret", "R0UT1NGs3cret", "MAILs3cret",
        "MAIL s3cret",
        "MAIL%20s3cret", Base64.text(Array("MAIL s3cret".utf8)), Base64.text(Array("\0aloft\0MAIL s3cret".utf8)),
        "BR0KENs3cret",
    ]

    private func channels(web: Int, closed: Int, mail: Int) -> [NotificationSpec.Channel] {
        let places = ["echo", "echo500", "escaped", "silent", "close", "noise", "ok", "redirect"]
        let path = "services/T0SLACK/B0SLACK/xoxSLACKs3cret"
        var kinds: [NotificationSpec.Kind] = []
        for place in places.map({ "http://127.0.0.1:\(web)/\($0)" }) + ["http://127.0.0.1:\(closed)/x"] {
            kinds += [
                .slack(url: Template("\(place)/\(path)")),
                .webhook(url: Template("\(place)/x?token=QUERYs3cret&a=b"), secret: Template("WEBHOOKs3cret")),
                .pagerduty(key: Template("R0UT1NGs3cret"), url: Template(place)),
            ]
        }
        let broken = [
            "https://user:BR0KENs3cret@hooks.example/x", "ftp://hooks.example/BR0KENs3cret", "BR0KENs3cret",
            "https:// BR0KENs3cret", "http://hooks.example/BR0KENs3cret",
        ]
        kinds += broken.map { .slack(url: Template($0)) }
        kinds += [
            "smtp://aloft:MAIL%20s3cret@127.0.0.1:\(mail)", "smtp://aloft:MAIL%20s3cret@127.0.0.1:\(closed)",
            "smtp+starttls://aloft:MAIL%20s3cret@127.0.0.1:\(mail)", "smtps://aloft:MAIL%20s3cret@127.0.0.1:\(mail)",
            "smtp://aloft:MAIL%20s3cret@0.0.0.0:\(mail)", "smtp://aloft:BR0KENs3cret@127.0.0.1:99999",
            "smtp://BR0KENs3cret@127.0.0.1", "BR0KENs3cret://127.0.0.1",
        ].map { .email(EmailSpec(to: ["ops@example.org"], from: "aloft@example.org", smtp: Template($0))) }
        return kinds.enumerated().map { NotificationSpec.Channel(name: "c\($0.offset)", kind: $0.element) }
    }

    @Test("are in no status, answer, error or log line, and not in the outbox")
    func nowhere() async throws {
        try await withFixture { fixture in
            let web = try await Sink.web(fixture, ["--secret", "WEBHOOKs3cret"])
            let mail = try await Sink.mail(fixture, ["--auth", "plain", "--tell"])
            let store = TestStore(file: try fixture.directory() + "/outbox")
            let desk = Desk(store: store, configuration: .shop(timeout: .seconds(1)))
            let channels = channels(web: web.port, closed: try Machine.freePort(), mail: mail.port)
            let all = NotificationSpec.Routing(to: channels.map(\.name))
            try await desk.start(NotificationSpec(channels: channels, critical: all))
            try await desk.notifier.post(desk.notice("a"))

            var shown: [String] = []
            for channel in channels {
                let outcome = try await desk.notifier.test(channel: channel.name)
                shown.append("test \(try json(outcome))")
            }
            try await desk.until("each was tried") {
                await desk.notifier.status().allSatisfy {
                    $0.state == .misconfigured || $0.lastFailure != nil || $0.lastSuccess != nil
                }
            }
            shown += try await desk.notifier.status().map { "status \(try json($0))" }
            shown += try await desk.notifier.recent().map { "recent \(try json($0))" }
            await desk.stop()
            do {
                _ = try await desk.notifier.test(channel: "nobody")
            } catch {
                shown.append("\(error)")
            }
            store.die(at: 0)
            do {
                try await desk.notifier.post(desk.notice("b"))
            } catch {
                shown.append("\(error)")
            }
            shown += desk.log.text.split(separator: "\n").map { "log \($0)" }
            let kept = try Data(contentsOf: URL(fileURLWithPath: try #require(store.path)))
            shown.append("outbox " + String(decoding: kept, as: UTF8.self))

            for secret in Self.secrets {
                for text in shown { #expect(!text.contains(secret), "\(secret) in \(text)") }
            }
            // The servers were reached, and did repeat.
            #expect(try Set(web.requests.map(\.path)).count > 20 && web.requests.contains { $0.isSigned == true })
            #expect(try mail.logins.count >= 2)
            #expect(shown.count { $0.contains("<redacted>") } >= 12, "\(shown)")
            #expect(shown.count { $0.contains("misconfigured") } >= 8)
        }
    }

    private func json(_ value: some Encodable) throws -> String {
        String(decoding: try canonical(value), as: UTF8.self)
    }
}
