import AloftModel
import AloftTestKit
import Testing

@testable import AloftNotifications

@Suite("Addresses of channels")
struct AddressTests {
    @Test("a web address is https, http only where it may be, and holds no name")
    func web() throws {
        #expect(try WebAddress("https://hooks.example:8443/a/b?c=d", allowsPlain: false).host == "hooks.example:8443")
        #expect(throws: Never.self) { try WebAddress("http://127.0.0.1:80/x", allowsPlain: false) }
        #expect(throws: Never.self) { try WebAddress("http://[::1]:80/x", allowsPlain: false) }
        for text in [
            "", "hooks.example", "ftp://x/y", "http://hooks.example/x", "http://127.0.0.1.evil.example/x", "https:///x",
            "https://user:pass@x/y", "https://x y/", "https://x/\r\nHost: y",
            "https://x/" + String(repeating: "a", count: 2000),
        ] {
            #expect(throws: AddressProblem.self, "\(text)") { try WebAddress(text, allowsPlain: false) }
        }
    }

    @Test("a mail address says how, where and as whom")
    func mail() throws {
        let whole = try MailAddress("smtps://me%40x:p%3Aw%2F@mail.example")
        #expect(whole.user == "me@x" && whole.password == "p:w/" && whole.port == 465 && whole.encryption == .implicit)
        #expect(try MailAddress("smtp://mail.example").encryption == .offered)
        #expect(try MailAddress("smtp+starttls://mail.example:25").encryption == .required)
        #expect(try MailAddress("smtp://[::1]:25").host == "::1")
        for text in [
            "", "mail.example", "http://x", "smtp://", "smtp://x:0", "smtp://x:70000", "smtp://x/path", "smtp://x?y",
            "smtp://user@x", "smtp://a%00b:c@x",
        ] {
            #expect(throws: AddressProblem.self, "\(text)") { try MailAddress(text) }
        }
    }

    @Test("no reason says what was written")
    func silent() {
        for text in ["https://hunter2:hunter2@x/hunter2", "ftp://hunter2", "http://hunter2.example/hunter2", "hunter2"]
        {
            let web = #expect(throws: AddressProblem.self) { try WebAddress(text, allowsPlain: false) }
            let mail = #expect(throws: AddressProblem.self) { try MailAddress(text + "/hunter2") }
            #expect(web?.text.contains("hunter2") == false && mail?.text.contains("hunter2") == false)
        }
    }

    @Test("secrets are taken out of answers, the longest first, and an answer is one line of 500 characters")
    func redaction() {
        let redaction = Redaction(["T0PS3CRET", "/services/T0PS3CRET", "abc", ""])
        #expect(redaction.clean("no /services/T0PS3CRET;\nabc") == "no <redacted>; abc")
        #expect(redaction.clean(String(repeating: "T0PS3CRET", count: 1000)).count == 500)
    }
}

@Suite("Answers of mail servers")
struct SMTPReplyTests {
    private func parse(_ text: String) throws -> [SMTPReply] {
        var parser = SMTPReplyParser()
        return try text.utf8.compactMap { try parser.take($0) }
    }

    @Test("lines with a dash go on, a line with a space ends")
    func lines() throws {
        let replies = try parse("220 hi\r\n250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250 starttls\r\n250\r\n")
        #expect(replies.map(\.code) == [220, 250, 250])
        #expect(replies[1].offers == ["AUTH": ["PLAIN", "LOGIN"], "STARTTLS": []])
    }

    @Test("what is not SMTP is an error and no more")
    func malformed() {
        for text in ["HTTP/1.1 400 Bad\r\n", "\r\n", "25 x\r\n", "100 x\r\n", "250-a\r\n251 b\r\n", "250+a\r\n"] {
            #expect(throws: SMTPReplyError.malformed, "\(text)") { try parse(text) }
        }
        #expect(throws: SMTPReplyError.lineTooLong) { try parse(String(repeating: "2", count: 3000)) }
        #expect(throws: SMTPReplyError.tooManyLines) { try parse(String(repeating: "250-a\r\n", count: 101)) }
    }

    @Test("any bytes are replies or an error")
    func anything() async {
        await eachSeed(of: 200) { bytes(seed: $0) }
    }

    private func bytes(seed: UInt64) {
        var dice = SplitMix(seed: seed)
        var parser = SMTPReplyParser()
        let common = Array("250 -\r\n".utf8)
        do {
            for _ in 0..<500 {
                let byte =
                    Bool.random(using: &dice)
                    ? common.randomElement(using: &dice) ?? 0 : .random(in: 0...255, using: &dice)
                guard let reply = try parser.take(byte) else { continue }
                #expect((200..<600).contains(reply.code) && !reply.lines.isEmpty, "seed \(seed)")
            }
        } catch {
            #expect(error == .malformed || error == .lineTooLong, "seed \(seed)")
        }
    }
}
