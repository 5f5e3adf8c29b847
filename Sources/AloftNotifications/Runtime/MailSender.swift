import AloftModel
import NIOCore
import NIOSSL

/// Hands a message to a mail server (RFC 5321), for all recipients in one transaction.
struct MailSender: ChannelSender {
    let address: MailAddress
    let from: Mailbox
    let recipients: [Mailbox]
    let origin: Origin
    let timeout: Duration
    let extraRoots: String?
    /// A file of further certificates that are trusted.
    var ca: String?
    /// False takes any certificate.
    var verify = true
    /// Nil greets by this machine's name.
    var ehlo: String?

    /// By the Message-ID, where the receiver looks at it.
    var recognisesRepetition: Bool { true }

    func send(_ message: OutboxMessage) async -> Delivery {
        let left = recipients.filter { !message.delivered.contains($0.text) }
        guard !left.isEmpty else { return Delivery(result: .accepted, answer: "every recipient has it") }
        var delivery: Delivery
        do throws(SMTPFailure) {
            let tls = try tlsContext()
            let connection = try await connect(tls)
            do throws(SMTPStop) {
                let session = session(connection)
                try await session.begin(tls)
                delivery = try await session.submit(message, from: from, to: left, all: recipients)
                try await session.quit()
            } catch {
                delivery = error.delivery
                if let trouble = error.trouble, let words = await look(trouble, tls) { delivery.answer = words }
            }
            await connection.close()
        } catch {
            delivery = Delivery(result: .failed, answer: error.text)
        }
        delivery.answer = redaction.clean(delivery.answer)
        return delivery
    }

    private func connect(
        _ tls: NIOSSLContext, _ look: CertificateLook? = nil
    ) async throws(SMTPFailure) -> SMTPConnection {
        try await SMTPConnection.open(
            address, tls: address.encryption == .implicit ? tls : nil, timeout: timeout, look: look)
    }

    private func session(_ connection: SMTPConnection) -> MailSession {
        MailSession(connection: connection, address: address, origin: origin, ehlo: ehlo ?? origin.machine)
    }

    /// What is wrong with a certificate that was not taken; nil for what else went wrong.
    private func look(_ trouble: TLSTrouble, _ tls: NIOSSLContext) async -> String? {
        guard trouble == .untrusted || trouble == .wrongName else { return nil }
        let look = CertificateLook()
        do {
            let connection = try await connect(tls, look)
            do throws(SMTPStop) {
                // Goes as far as TLS, which ends it.
                try await session(connection).begin(tls, andLogIn: false)
            } catch {
                // As it should.
            }
            await connection.close()
        } catch {
            return nil
        }
        guard let words = look.words(host: address.host, onlyName: trouble == .wrongName) else { return nil }
        return trouble == .wrongName
            ? words
            : "\(words); `ca` names a file of certificates to trust"
                + (address.isLocal ? ", and `verify: false` trusts any" : "")
    }

    private func tlsContext() throws(SMTPFailure) -> NIOSSLContext {
        do {
            let roots = [extraRoots, ca].compactMap { $0 }
            return try NIOSSLContext(configuration: try TrustedTLS.configuration(roots: roots, verify: verify))
        } catch {
            throw .transport(TrustedTLS.words(error, ca, extraRoots))
        }
    }

    private var redaction: Redaction {
        guard let user = address.user, let password = address.password else { return Redaction([]) }
        let both = Base64.text([0] + Array(user.utf8) + [0] + Array(password.utf8))
        return Redaction([password, both, Base64.text(Array(password.utf8)), user, Base64.text(Array(user.utf8))])
    }
}

/// Why a session ended early, as the outcome it means for the message.
struct SMTPStop: Error, Sendable {
    let delivery: Delivery
    var trouble: TLSTrouble?

    /// The server's own no: 4xx may pass, 5xx does not.
    init(_ what: String, _ reply: SMTPReply) {
        delivery = Delivery(
            result: (500..<600).contains(reply.code) ? .refused : .failed, answer: "\(what): \(reply.text)")
    }

    init(refused text: String) { delivery = Delivery(result: .refused, answer: text) }

    init(_ failure: SMTPFailure, during what: String, seals: Bool = false) {
        guard case .tls(let trouble) = failure, !seals else {
            delivery = Delivery(result: .failed, answer: "\(what): \(failure.text)", seals: seals)
            return
        }
        // The certificate's fault, and not that of the command that was next.
        delivery = Delivery(result: .failed, answer: trouble.text)
        self.trouble = trouble
    }
}

/// The dialogue with one server.
struct MailSession: Sendable {
    let connection: SMTPConnection
    let address: MailAddress
    let origin: Origin
    let ehlo: String

    /// Greeting, EHLO, STARTTLS where it is asked for or offered, AUTH where there is a user.
    func begin(_ tls: NIOSSLContext, andLogIn: Bool = true) async throws(SMTPStop) {
        try expect(220, try await ask(nil, "greeting"), "greeting")
        var offers = try await hello()
        var isEncrypted = address.encryption == .implicit
        if !isEncrypted, offers["STARTTLS"] != nil {
            let reply = try await ask("STARTTLS", "STARTTLS", isLastBeforeTLS: true)
            try expect(220, reply, "STARTTLS")
            do throws(SMTPFailure) {
                try await connection.beginTLS(tls, host: address.host)
            } catch {
                throw SMTPStop(error, during: "STARTTLS")
            }
            isEncrypted = true
            offers = try await hello()
        } else if !isEncrypted, address.encryption == .required {
            throw SMTPStop(refused: "the server does not offer STARTTLS, and smtp+starttls:// requires it")
        }
        guard andLogIn, let user = address.user, let password = address.password else { return }
        guard isEncrypted || address.isLocal else {
            throw SMTPStop(refused: "the server offers no TLS, and a password is not sent without it")
        }
        try await authenticate(user, password, offers["AUTH"] ?? [])
    }

    /// MAIL, RCPT for each, DATA. Recipients that are refused do not stop the others.
    func submit(
        _ message: OutboxMessage, from: Mailbox, to left: [Mailbox], all: [Mailbox]
    ) async throws(SMTPStop) -> Delivery {
        try positive(try await ask("MAIL FROM:<\(from.text)>", "MAIL"), "MAIL")
        var accepted: [String] = []
        var later: [SMTPReply] = []
        var never: [SMTPReply] = []
        for recipient in left {
            let reply = try await ask("RCPT TO:<\(recipient.text)>", "RCPT")
            if reply.isPositive {
                accepted.append(recipient.text)
            } else if reply.code >= 500 {
                never.append(reply)
            } else {
                later.append(reply)
            }
        }
        guard !accepted.isEmpty else {
            if let reply = later.first { throw SMTPStop("no recipient was taken", reply) }
            throw SMTPStop("no recipient was taken", never.first ?? SMTPReply(code: 550, lines: ["nobody to send to"]))
        }
        try expect(354, try await ask("DATA", "DATA"), "DATA")
        let mail = MailMessage(from: from, to: all, origin: origin, message: message)
        let reply: SMTPReply
        do throws(SMTPFailure) {
            // It may look at each recipient and for spam before it answers; who leaves early sends it twice.
            reply = try await connection.exchange(mail.wire, patience: 4)
        } catch {
            // The server may have taken it and failed to say so: the same Message-ID goes out again.
            throw SMTPStop(error, during: "after the message was sent", seals: true)
        }
        try positive(reply, "the message")
        guard let refused = later.first else {
            let note = never.first.map { " (but \(never.count) of \(left.count) recipients were refused: \($0.text))" }
            return Delivery(result: .accepted, answer: reply.text + (note ?? ""))
        }
        return Delivery(
            result: .failed, answer: "\(later.count) of \(left.count) recipients have to wait: \(refused.text)",
            seals: true, delivered: accepted)
    }

    /// The message is the server's by now; how the farewell goes changes nothing.
    func quit() async throws(SMTPStop) {
        do throws(SMTPFailure) {
            _ = try await connection.command("QUIT")
        } catch {
            return
        }
    }

    private func hello() async throws(SMTPStop) -> [String: [String]] {
        let reply = try await ask("EHLO \(safeHostName(ehlo))", "EHLO")
        try expect(250, reply, "EHLO")
        return reply.offers
    }

    /// PLAIN (RFC 4616) where it is offered, else LOGIN.
    private func authenticate(_ user: String, _ password: String, _ offered: [String]) async throws(SMTPStop) {
        let login = "the user and password"
        if offered.contains("PLAIN") {
            let both = Base64.text([0] + Array(user.utf8) + [0] + Array(password.utf8))
            return try expect(235, try await ask("AUTH PLAIN \(both)", login), login)
        }
        guard offered.contains("LOGIN") else {
            throw SMTPStop(refused: "the server offers neither AUTH PLAIN nor AUTH LOGIN")
        }
        try expect(334, try await ask("AUTH LOGIN", login), login)
        try expect(334, try await ask(Base64.text(Array(user.utf8)), login), login)
        try expect(235, try await ask(Base64.text(Array(password.utf8)), login), login)
    }

    private func ask(
        _ line: String?, _ what: String, isLastBeforeTLS: Bool = false
    ) async throws(SMTPStop) -> SMTPReply {
        do throws(SMTPFailure) {
            return try await connection.command(line, isLastBeforeTLS: isLastBeforeTLS)
        } catch {
            throw SMTPStop(error, during: what)
        }
    }

    private func expect(_ code: Int, _ reply: SMTPReply, _ what: String) throws(SMTPStop) {
        if reply.code != code { throw SMTPStop(what, reply) }
    }

    private func positive(_ reply: SMTPReply, _ what: String) throws(SMTPStop) {
        if !(200..<300).contains(reply.code) { throw SMTPStop(what, reply) }
    }
}
