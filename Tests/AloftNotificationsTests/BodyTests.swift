import AloftModel
import AloftTestKit
import Crypto
import Foundation
import Testing

@testable import AloftNotifications

/// Files of `Golden/`: what each channel is sent. `ALOFT_RECORD=1` writes them anew.
enum Golden {
    static func matches(_ name: String, _ text: String) throws -> Bool {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")
        if ProcessInfo.processInfo.environment["ALOFT_RECORD"] != nil {
            try Data(text.utf8).write(to: path)
        }
        return try String(decoding: Data(contentsOf: path), as: UTF8.self) == text
    }

    static func pretty(_ json: Data) throws -> String {
        let value = try JSONSerialization.jsonObject(with: json)
        let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try JSONSerialization.data(withJSONObject: value, options: options), as: UTF8.self)
            + "\n"
    }

    /// One of each kind, with text that somebody wrote in order to do harm.
    static let night: OutboxMessage = {
        var message = OutboxMessage.sample([
            .sample("replica/web-2", "web-2 is well again", route: .warning, over: true),
            Notice(
                route: .warning, key: "series/orders", title: "orders: <!channel> & <https://evil.example|click>",
                text: "Zähler fehlt seit 2 m\r\nBcc: all@example.org\n.\nQUIT", time: AloftNotificationsTests.night),
            failedCanary,
            Notice(
                route: .deploys, key: "deploy/web", title: "web: release 8 is out", text: "",
                time: AloftNotificationsTests.night),
        ])
        message.lines[1].count = 3
        message.lines[3].from = "phone"
        return message
    }()
}

@Suite("What Slack is sent")
struct SlackBodyTests {
    @Test("it reads well, and no text makes a link or calls a channel")
    func golden() throws {
        let json = try SlackBody.json(Golden.night, origin: shop)
        #expect(try Golden.matches("slack.json", Golden.pretty(json)))
        #expect(!String(decoding: json, as: UTF8.self).contains("<!"))
    }

    @Test(
        "it stays within Slack's limits whatever the notices hold",
        arguments: ["x", "&", "<", "é", "👩‍👩‍👧‍👦", "e\u{301}\u{301}"])
    func limits(piece: String) throws {
        let long = String(repeating: piece, count: 4000)
        let notices = (0..<100).map { number in
            Notice(
                route: .critical, key: "\(number)", title: long, text: long, action: long, advice: long,
                fields: (0..<20).map { _ in .init(long, long) },
                link: "https://x.example/?" + String(repeating: "&", count: 900), time: night)
        }
        let origin = Origin(machine: long, project: long, environment: long)
        let json = try SlackBody.json(.sample(notices), origin: origin)
        let body = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        let blocks = try #require(body["blocks"] as? [[String: Any]])
        #expect(blocks.count == 13)
        var total = try #require(body["text"] as? String).utf16.count
        for block in blocks {
            let text = (block["text"] as? [String: Any] ?? (block["elements"] as? [[String: Any]])?.first)?["text"]
            let size = try #require(text as? String).utf16.count
            #expect(size <= (block["type"] as? String == "header" ? 150 : 3000), "\(block["type"] ?? "")")
            total += size
        }
        #expect(total <= 40_000)
    }

    @Test("an entity is never cut in two")
    func entities() {
        for limit in 1...40 {
            let text = SlackBody.escaped("a&b<c>d&e", limit: limit)
            #expect(text.utf16.count <= limit)
            #expect(text.replacing(/&(amp|lt|gt);/, with: "").contains("&") == false, "\(text)")
        }
    }
}

@Suite("What PagerDuty is sent")
struct PagerDutyEventTests {
    @Test("a trigger reads well")
    func golden() throws {
        let json = try PagerDutyEvent.json(OutboxLine(notice: failedCanary, since: night), key: "R0UT1NG", origin: shop)
        #expect(try Golden.matches("pagerduty.json", Golden.pretty(json)))
    }

    @Test("the end of a thing resolves what its beginning triggered, and severities follow the routes")
    func pairs() throws {
        func event(_ notice: Notice) throws -> [String: Any] {
            let json = try PagerDutyEvent.json(OutboxLine(notice: notice, since: night), key: "k", origin: shop)
            return try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        }
        for (route, severity) in [(NoticeRoute.critical, "critical"), (.warning, "warning"), (.deploys, "info")] {
            let start = try event(.sample("replica/web", route: route))
            let end = try event(.sample("replica/web", "fine", route: route, over: true))
            #expect(start["event_action"] as? String == "trigger" && end["event_action"] as? String == "resolve")
            #expect(start["dedup_key"] as? String == "aloft/shop/production/replica/web")
            #expect(start["dedup_key"] as? String == end["dedup_key"] as? String)
            #expect((start["payload"] as? [String: Any])?["severity"] as? String == severity)
        }
    }

    @Test("a key of any length has a dedup_key of at most 255 bytes, and different ones differ")
    func longKeys() {
        let origin = Origin(machine: "m", project: String(repeating: "p", count: 300), environment: nil)
        let keys = (0..<10).map {
            PagerDutyEvent.dedupKey(String(repeating: "ü", count: 200) + "\($0)", origin: origin)
        }
        #expect(Set(keys).count == 10 && keys.allSatisfy { $0.utf8.count <= 255 })
    }
}

@Suite("What a webhook is sent")
struct WebhookBodyTests {
    @Test("it is JSON that reads well, the same bytes on every try")
    func golden() throws {
        let json = try WebhookBody.json(Golden.night, origin: shop)
        #expect(try Golden.matches("webhook.json", Golden.pretty(json)))
        for _ in 0..<20 { #expect(try WebhookBody.json(Golden.night, origin: shop) == json) }
    }

    @Test("the signature is HMAC-SHA256 of the time, a dot and the body, as RFC 4231's second case has it")
    func signature() {
        // RFC 4231, 4.3: key "Jefe", data "what do ya want for nothing?"; ours prefixes the seconds and a dot.
        let body = Data("hello".utf8)
        let text = WebhookBody.signature(body, secret: "Jefe", seconds: 1_795_227_245)
        let code = HMAC<SHA256>.authenticationCode(
            for: Data("1795227245.hello".utf8), using: SymmetricKey(data: Data("Jefe".utf8)))
        #expect(text == "t=1795227245,v1=" + code.map { String(format: "%02x", $0) }.joined())
    }
}

@Suite("What a mail server is sent")
struct MailMessageTests {
    private func mail(_ message: OutboxMessage, to: [String] = ["ops@example.org"]) throws -> MailMessage {
        MailMessage(
            from: try Mailbox("aloft@web-eu-1"), to: try to.map { try Mailbox($0) }, origin: shop, message: message)
    }

    @Test("it reads well")
    func golden() throws {
        let to = (1...6).map { "somebody.with.a.name-\($0)@example.org" }
        let text = try mail(Golden.night, to: to).wire
        #expect(try Golden.matches("mail.eml", text.replacing("\r\n", with: "\n")))
    }

    @Test("no text of a notice is a header, an end of the mail or a line too long")
    func anything() async throws {
        try await eachSeed(of: 100) { try texts(seed: $0) }
    }

    private func texts(seed: UInt64) throws {
        var dice = SplitMix(seed: seed)
        let pieces = [
            "\r\n", "\n", "\r", ".", "\r\n.\r\n", "Bcc: evil@example.org", " ", "\t", "=", "=?utf-8?B?", "ü", "👩‍👩‍👧‍👦",
            "\u{85}",
            "\u{2028}", "\0", "wort", String(repeating: "x", count: 300),
        ]
        func text() -> String {
            (0..<Int.random(in: 0..<60, using: &dice)).map { _ in pieces.randomElement(using: &dice) ?? "" }.joined()
        }
        let notices = (0..<3).map { number in
            Notice(
                route: .warning, key: "\(number)", title: text(), text: text(), action: text(), advice: text(),
                fields: [.init(text(), text())], time: night)
        }
        let wire = try mail(.sample(notices)).wire
        #expect(wire.utf8.allSatisfy { $0 < 0x80 }, "seed \(seed)")
        #expect(wire.utf8.filter { $0 == 0x0D }.count == wire.utf8.filter { $0 == 0x0A }.count, "seed \(seed)")
        let lines = wire.components(separatedBy: "\r\n")
        #expect(lines.suffix(2) == [".", ""] && lines.dropLast(2).allSatisfy { $0 != "." }, "seed \(seed)")
        #expect(lines.allSatisfy { $0.utf8.count <= 998 && !$0.contains("\n") && !$0.contains("\r") }, "seed \(seed)")
        let head = lines.prefix { !$0.isEmpty }.filter { !$0.hasPrefix(" ") }
        #expect(
            head.map { $0.prefix { $0 != ":" } } == [
                "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
                "Content-Transfer-Encoding", "Auto-Submitted", "X-Aloft-Delivery",
            ], "seed \(seed)")
    }

    @Test("its Message-ID is its own on every try, also on a machine with an impossible name")
    func messageID() throws {
        var message = OutboxMessage.sample([failedCanary])
        let first = try mail(message)
        message.attempts = 7
        message.delivered = ["a@example.org"]
        #expect(try mail(message).messageID == first.messageID)
        #expect(first.messageID == "<\(message.id)@web-eu-1>")
        let odd = Origin(machine: "a>\r\nX: y", project: "p", environment: nil)
        let other = MailMessage(from: first.from, to: first.to, origin: odd, message: message)
        #expect(other.messageID == "<\(message.id)@localhost>")
    }

    @Test("dates are those of RFC 5322, also before 1970 and in a leap year")
    func dates() {
        let cases: [(Int64, String)] = [
            (1_795_227_245, "Sat, 21 Nov 2026 02:14:05 +0000"), (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (-1, "Wed, 31 Dec 1969 23:59:59 +0000"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 +0000"),
        ]
        for (seconds, text) in cases { #expect(MailDate.text(Timestamp(nanoseconds: seconds * 1_000_000_000)) == text) }
    }

    @Test("Base64 is Foundation's", arguments: 0..<70)
    func base64(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
        #expect(Base64.text(bytes) == Data(bytes).base64EncodedString())
    }

    @Test("addresses that could say more than one thing are refused")
    func mailboxes() {
        for text in ["ops@example.org", "a.b+c@[127.0.0.1]", "x@localhost"] {
            #expect(throws: Never.self) { try Mailbox(text) }
        }
        for text in [
            "", "ops", "@x", "a@", "a@b@c", "a b@c", "a@b\r\nRCPT TO:<x@y>", "a>@b", ".a@b", "a@-b", "ü@b", "Ops <a@b>",
            "a@b..c", "\"a b\"@c",
        ] {
            #expect(throws: AddressProblem.self, "\(text)") { try Mailbox(text) }
        }
    }
}

@Suite("What a notice may hold")
struct NoticeTests {
    @Test("titles are one line; texts, keys and links have limits")
    func limits() {
        let long = String(repeating: "ü", count: 5000)
        let notice = Notice(
            route: .critical, key: long, title: "a\r\nb\u{2028}" + long, text: long, fields: [.init(long, long)],
            link: "javascript:alert(1)", time: night)
        #expect(notice.key.utf8.count <= 200 && notice.title.count == 200 && notice.text.count == 3000)
        #expect(notice.title.hasPrefix("a  b ü"))
        #expect(notice.fields[0].name.count == 80 && notice.fields[0].value.count == 500 && notice.link == nil)
        let marks = Notice(
            route: .critical, key: "k", title: "e" + String(repeating: "\u{301}", count: 100_000), text: "", time: night
        )
        #expect(marks.title.utf8.count <= 1700)
    }

    @Test("a message outlives the store as JSON")
    func json() throws {
        let data = try JSONEncoder().encode(Golden.night)
        #expect(try JSONDecoder().decode(OutboxMessage.self, from: data) == Golden.night)
    }
}
