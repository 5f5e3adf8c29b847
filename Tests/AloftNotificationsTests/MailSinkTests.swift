import AloftModel
import AloftTestKit
import Foundation
import Testing
import X509

@testable import AloftNotifications

@Suite("A real mail server")
struct MailSinkTests {
    private func mail(
        _ sink: Sink, _ scheme: String = "smtp", login: String = "", host: String = "127.0.0.1",
        to: [String] = ["ops@example.org"], ca: String? = nil, verify: Bool = true, ehlo: String? = nil,
        roots: String? = nil, timeout: Duration = .seconds(5)
    ) throws -> any ChannelSender {
        let smtp = Template("\(scheme)://\(login)\(host):\(sink.port)")
        return try sender(
            .email(
                EmailSpec(to: to, from: "aloft@example.org", smtp: smtp, ca: ca, verify: verify, ehlo: ehlo)),
            roots: roots, timeout: timeout)
    }

    /// The mail as a reader's program decodes it.
    private func decoded(_ sink: Sink) async throws -> String {
        let script =
            "import sys, email, email.policy; data = open(sys.argv[1], 'rb').read().split(b'\\n', 1)[1]; "
            + "m = email.message_from_bytes(data, policy=email.policy.default); "
            + "print(m.defects, m['subject'], m['to'], m['message-id'], m['date'].datetime.isoformat()); "
            + "print(m.get_content().replace(chr(13), ''), end='')"
        return try await Child.run(
            [Checkout.python, "-c", script, sink.folder + "/mail-1"], directory: sink.folder
        ).output
    }

    @Test("takes a mail that another program reads as it was written")
    func plain() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.mail(fixture)
            let text = ".\n..dots\nfrom: here\n" + String(repeating: "lang und größer ", count: 60) + "\nend "
            let notice = Notice(
                route: .critical, key: "k", title: "Zahlung für „shop“ steht 💥", text: text, time: night)
            let delivery = try await mail(sink, to: ["a@example.org", "b@example.org"]).send(.sample([notice]))
            #expect(delivery.result == .accepted && delivery.answer == "250 2.0.0 taken", "\(delivery)")
            let raw = try #require(try sink.mails.first)
            #expect(raw.hasPrefix("a@example.org b@example.org tls=False auth=None\n"))
            let read = try await decoded(sink)
            let head =
                "[] [CRITICAL] shop: Zahlung für „shop“ steht 💥 a@example.org, b@example.org "
                + "<5f0c2a9e1b7d4c38a6e1f2d3c4b5a697@web-eu-1> 2026-11-21T02:14:05+00:00\n"
            #expect(read.hasPrefix(head), "\(read.prefix(400))")
            #expect(read.contains("\n" + text + "\n"))
        }
    }

    @Test("encrypts where it is offered, with a certificate that is known")
    func startTLS() async throws {
        try await withFixture { fixture in
            let own = try await OwnCertificate(fixture)
            let sink = try await Sink.mail(fixture, ["--starttls", own.certificate, own.key])
            let notice = OutboxMessage.sample([failedCanary])
            for (number, scheme) in ["smtp", "smtp+starttls"].enumerated() {
                let unknown = try await mail(sink, scheme).send(notice)
                #expect(unknown.result == .failed && !unknown.seals, "\(unknown)")
                #expect(
                    unknown.answer
                        == "the certificate of 127.0.0.1 is self-signed; `ca` names a file of certificates to "
                        + "trust, and `verify: false` trusts any", "\(unknown)")
                for host in ["127.0.0.1", "localhost"] {
                    let known = try await mail(sink, scheme, host: host, roots: own.certificate).send(notice)
                    #expect(known.result == .accepted, "\(known)")
                }
                #expect(try sink.mails.count == 2 * (number + 1))
            }
            #expect(try sink.mails.allSatisfy { $0.contains("tls=True") })
        }
    }

    @Test("a self-signed certificate is taken by `ca`, or, on this machine, without a look at it")
    func ownCertificate() async throws {
        try await withFixture { fixture in
            let own = try await OwnCertificate(fixture)
            let notice = OutboxMessage.sample([failedCanary])
            for (scheme, option) in [("smtp+starttls", "--starttls"), ("smtps", "--tls")] {
                let sink = try await Sink.mail(fixture, [option, own.certificate, own.key])
                #expect(try await mail(sink, scheme, ca: own.certificate).send(notice).result == .accepted)
                #expect(try await mail(sink, scheme, verify: false).send(notice).result == .accepted)
                let mails = try sink.mails
                #expect(mails.count == 2, "\(mails)")
                // The sink notes STARTTLS only; with `--tls` it speaks nothing else.
                #expect(option == "--tls" || mails.allSatisfy { $0.contains("tls=True") }, "\(mails)")
                let broken = try await mail(sink, scheme, ca: own.key).send(notice)
                #expect(broken.answer == "\(own.key) cannot be read as certificates (PEM)", "\(broken)")
                #expect(throws: (any Error).self) { try mail(sink, scheme, host: "mail.example", verify: false) }
            }
        }
    }

    @Test("what is wrong with a certificate is said in words, by mail and by web")
    func faults() async throws {
        try await withFixture { fixture in
            let notice = OutboxMessage.sample([failedCanary])
            let own = try await OwnCertificate(
                fixture, ["-subj", "/CN=x", "-addext", "subjectAltName=DNS:other.example"])
            let words = "for another name (other.example)"
            let sink = try await Sink.mail(fixture, ["--starttls", own.certificate, own.key])
            let untrusted = try await mail(sink).send(notice).answer
            #expect(untrusted.contains("is self-signed and is \(words)"), "\(untrusted)")
            let trusted = try await mail(sink, ca: own.certificate).send(notice).answer
            #expect(trusted == "the certificate of 127.0.0.1 is \(words)", "\(trusted)")
            let web = try await Sink.web(fixture, ["--tls", own.certificate, own.key])
            let url = Template("https://127.0.0.1:\(web.port)/ok")
            let posted = try await sender(.webhook(url: url, secret: nil)).send(notice).answer
            #expect(posted.hasPrefix("the certificate of 127.0.0.1 is self-signed and is \(words)"), "\(posted)")
            for answer in [untrusted, trusted, posted] {
                #expect(!answer.contains("SSL routines") && !answer.contains("NIO"), "\(answer)")
            }
            let plain = try await Sink.mail(fixture)
            let noTLS = try await mail(plain, "smtps").send(notice).answer
            #expect(noTLS == "the server does not speak TLS there", "\(noTLS)")
        }
    }

    @Test("a certificate that has expired, is not valid yet, or was signed by a stranger says so")
    func dates() async throws {
        try await withFixture { fixture in
            let own = try await OwnCertificate(fixture)
            let text = try String(contentsOfFile: own.certificate, encoding: .utf8)
            let certificate = try Certificate(pemEncoded: text)
            func words(_ days: Double) -> String {
                CertificateFault(host: "localhost", now: Date(timeIntervalSinceNow: days * 86_400))
                    .words(certificate, onlyName: false)
            }
            #expect(words(0) == "the certificate of localhost is self-signed")
            #expect(words(30).contains(/^the certificate of localhost expired on 20\d\d-\d\d-\d\d and is self-signed$/))
            #expect(words(-30).contains(/is valid from 20\d\d-\d\d-\d\d only/))
        }
    }

    @Test("the server is greeted by this machine's name, or by the one that the file gives")
    func greeting() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.mail(fixture)
            let notice = OutboxMessage.sample([failedCanary])
            #expect(try await mail(sink).send(notice).result == .accepted)
            #expect(try await mail(sink, ehlo: "app1.shop.example").send(notice).result == .accepted)
            #expect(try sink.names == ["web-eu-1", "app1.shop.example"])
        }
    }

    @Test("TLS from the first byte")
    func implicitTLS() async throws {
        try await withFixture { fixture in
            let own = try await OwnCertificate(fixture)
            let sink = try await Sink.mail(fixture, ["--tls", own.certificate, own.key])
            let notice = OutboxMessage.sample([failedCanary])
            #expect(try await mail(sink, "smtps").send(notice).result == .failed)
            #expect(try await mail(sink, "smtps", roots: own.certificate).send(notice).result == .accepted)
            #expect(try await mail(sink, "smtp", timeout: .seconds(0.3)).send(notice).result == .failed)
            #expect(try sink.mails.count == 1)
        }
    }

    @Test("sends nothing where TLS is required and not offered")
    func required() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.mail(fixture)
            let delivery = try await mail(sink, "smtp+starttls").send(.sample([failedCanary]))
            #expect(delivery.result == .refused && delivery.answer.contains("does not offer STARTTLS"), "\(delivery)")
            #expect(try sink.mails.isEmpty)
        }
    }

    @Test("says who it is, PLAIN or LOGIN, and a wrong password is in no answer", arguments: ["plain", "login"])
    func login(mechanism: String) async throws {
        try await withFixture { fixture in
            let own = try await OwnCertificate(fixture)
            let sink = try await Sink.mail(fixture, ["--auth", mechanism, "--starttls", own.certificate, own.key])
            let notice = OutboxMessage.sample([failedCanary])
            let right = try await mail(sink, login: "aloft:c0rrect%20h0rse@", roots: own.certificate).send(notice)
            #expect(right.result == .accepted, "\(right)")
            #expect(try sink.mails.map { $0.contains("tls=True auth=True") } == [true])
            let wrong = try await mail(sink, login: "aloft:wr0ng%20h0rse@", roots: own.certificate).send(notice)
            #expect(
                wrong.result == .refused
                    && wrong.answer == "the user and password: 535 5.7.8 Authentication credentials invalid", "\(wrong)"
            )
            #expect(try sink.logins == [mechanism.uppercased(), mechanism.uppercased()])
            let nobody = try await mail(sink, roots: own.certificate).send(notice)
            #expect(nobody.result == .refused && nobody.answer.hasPrefix("MAIL: 530"), "\(nobody)")
        }
    }

    @Test("a password goes without TLS to this machine only, and a server that repeats it is not repeated")
    func plainLogin() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.mail(fixture, ["--auth", "plain", "--tell"])
            let notice = OutboxMessage.sample([failedCanary])
            let there = try await mail(sink, login: "aloft:c0rrect%20h0rse@", host: "0.0.0.0").send(notice)
            #expect(there.answer == "the server offers no TLS, and a password is not sent without it")
            #expect(there.result == .refused)
            #expect(try sink.logins.isEmpty)
            #expect(try await mail(sink, login: "aloft:c0rrect%20h0rse@").send(notice).result == .accepted)
            let wrong = try await mail(sink, login: "aloft:wr0ng%20h0rse@").send(notice)
            let answer = "the user and password: 535 5.7.8 <redacted> is not the password of <redacted>"
            #expect(wrong.result == .refused && wrong.answer == answer, "\(wrong)")
        }
    }

    @Test("a mail that is greylisted is taken later, with the same Message-ID; one that is refused is not tried again")
    func later() async throws {
        try await withFixture { fixture in
            let grey = try await Sink.mail(fixture, ["--greylist", "1"])
            let channel = try mail(grey)
            let notice = OutboxMessage.sample([failedCanary])
            let first = await channel.send(notice)
            #expect(first.result == .failed && first.answer == "the message: 451 4.7.1 Greylisted, come back later")
            #expect(await channel.send(notice).result == .accepted)
            #expect(try grey.mails.first?.contains("Message-ID: <\(notice.id)@web-eu-1>\r\n") == true)
            let no = try await Sink.mail(fixture, ["--refuse", "554 5.7.1 spam"])
            let refused = try await mail(no).send(notice)
            #expect(refused.result == .refused && refused.answer == "the message: 554 5.7.1 spam")
        }
    }

    @Test("recipients that have to wait get it later, and the others not again")
    func some() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.mail(fixture, ["--greylist", "1", "--only", "a@example.org"])
            let channel = try mail(sink, to: ["a@example.org", "b@example.org"])
            var message = OutboxMessage.sample([failedCanary])
            let first = await channel.send(message)
            #expect(first.result == .failed && first.delivered == ["a@example.org"] && first.seals, "\(first)")
            message.delivered = first.delivered
            #expect(await channel.send(message).result == .accepted)
            #expect(try sink.mails.map { $0.prefix { $0 != " " } } == ["a@example.org", "b@example.org"])
        }
    }

    @Test("a connection that is cut after the mail leaves it in doubt, and the next try is the same mail")
    func cut() async throws {
        try await withFixture { fixture in
            let sink = try await Sink.mail(fixture, ["--drop"])
            let channel = try mail(sink)
            let notice = OutboxMessage.sample([failedCanary])
            let first = await channel.send(notice)
            #expect(first.result == .failed && first.seals, "\(first)")
            #expect(await channel.send(notice).result == .accepted)
        }
    }

    @Test("a server may think about a mail for longer than about a command, and about all of it not for ever")
    func slow() async throws {
        try await withFixture { fixture in
            let notice = OutboxMessage.sample([failedCanary])
            let thinks = try await Sink.mail(fixture, ["--slow", "0", "3"])
            #expect(try await mail(thinks, timeout: .seconds(2)).send(notice).result == .accepted)
            let drags = try await Sink.mail(fixture, ["--slow", "0.35", "0"])
            let start = ContinuousClock.now
            let delivery = try await mail(
                drags, to: (1...50).map { "r\($0)@example.org" }, timeout: .seconds(0.7)
            ).send(notice)
            #expect(delivery.result == .failed && delivery.answer.hasSuffix(": no answer in time"), "\(delivery)")
            #expect(!delivery.seals && ContinuousClock.now - start < .seconds(15))
            #expect(try drags.mails.isEmpty)
        }
    }

    @Test("servers that are silent, not there, or no mail server fail in time")
    func silent() async throws {
        try await withFixture { fixture in
            let web = try await Sink.web(fixture)
            let notice = OutboxMessage.sample([failedCanary])
            let silent = try await mail(web, timeout: .seconds(0.3)).send(notice)
            #expect(silent.result == .failed && silent.answer == "greeting: no answer in time" && !silent.seals)
            let nobody = try await mail(Sink(folder: "", port: try Machine.freePort())).send(notice)
            #expect(nobody.result == .failed && nobody.answer.hasPrefix("no connection to 127.0.0.1"), "\(nobody)")
        }
    }
}
