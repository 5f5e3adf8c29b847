import AloftModel

/// `notifications.channels.*`.
enum ChannelKeys {
    static let section = Section<NotificationSpec.Channel>(
        "channel", [slack.member, email.member, pagerduty.member, webhook.member],
        alternatives: [.exactlyOne("slack", "email", "pagerduty", "webhook")]
    ) { fields, reader in
        let kind: NotificationSpec.Kind? =
            fields[slack].map { .slack(url: $0) } ?? fields[email].map { .email($0) }
            ?? fields[pagerduty].map { .pagerduty(key: $0.key, url: $0.url) }
            ?? fields[webhook].map { .webhook(url: $0.url, secret: $0.secret) }
        return kind.map { NotificationSpec.Channel(name: reader.path.last ?? "", kind: $0) }
    }

    private static let web = ["https", "http"]

    static let slack = Key<NotificationSpec.Channel, Template?>.optional(
        "slack", .url(web, example: "https://hooks.slack.com/services/…"), "The URL of an incoming webhook.",
        example: "\"https://hooks.slack.com/services/T0/B0/x\""
    ) { if case .slack(let url) = $0.kind { url } else { nil } }

    static let email = Key<NotificationSpec.Channel, EmailSpec?>.optional(
        "email", emailSection.kind, "E-mail through a server of yours.",
        example: "{to: [ops@shop.example], smtp: \"smtps://smtp.shop.example\"}", synonyms: ["mail", "smtp"]
    ) { if case .email(let email) = $0.kind { email } else { nil } }

    static let emailSection = Section<EmailSpec>(
        "email", [to.member, from.member, smtp.member, ca.member, verify.member, ehlo.member]
    ) { fields, reader in
        fields.reportRepeated(to, &reader)
        if !fields[verify] {
            fields.report(ca, idle: "with `verify: false`: any certificate is taken", &reader)
            if let host = fields[smtp]?.literalHost, !isLoopback(host) {
                reader.problems.error(
                    fields.span(verify), "`verify: false` is for a mail server on this machine, and \(host) is not",
                    hint: "name the server's certificate, or that of its authority, in `ca`")
            }
        }
        guard let to = fields[to], let smtp = fields[smtp] else { return nil }
        return EmailSpec(
            to: to, from: fields[from], smtp: smtp, ca: fields[ca], verify: fields[verify], ehlo: fields[ehlo])
    }

    private static func isLoopback(_ host: String) -> Bool {
        let name = host.lowercased()
        return ["localhost", "::1"].contains(name) || name.hasPrefix("127.")
    }

    static let to = Key<EmailSpec, [String]?>.required(
        "to", .list(of: .mailAddress, count: 1...50), "Who gets it.", example: "[ops@shop.example]"
    ) { $0.to }

    static let from = Key<EmailSpec, String?>.optional(
        "from", .mailAddress, otherwise: "`aloft@` and the machine's name", "From whom it comes.",
        example: "aloft@shop.example", synonyms: ["sender"]
    ) { $0.from }

    static let smtp = Key<EmailSpec, Template?>.required(
        "smtp", .url(["smtps", "smtp", "smtp+starttls"], example: "smtps://user:password@smtp.example.com"),
        "The server: `smtps://user:password@host`, `smtp://host:587`, `smtp+starttls://host`.",
        example: "\"smtps://smtp.shop.example\"", synonyms: ["server", "url", "host"]
    ) { $0.smtp }

    static let ca = Key<EmailSpec, String?>.optional(
        "ca", .path("file", plural: "files"), otherwise: "this machine's authorities alone",
        "A PEM file of certificates to trust besides the machine's own, for a server with a self-signed one.",
        example: "./mail-ca.pem", synonyms: ["caFile", "rootCert", "cafile", "certificate"]
    ) { $0.ca }

    static let verify = Key<EmailSpec, Bool>.standard(
        "verify", .boolean, "true", "Whether the server's certificate is verified.",
        detail: "`false` is for a server on this machine only, whose address is `localhost`, `127.…` or `::1`.",
        example: "false", synonyms: ["tlsVerify", "rejectUnauthorized"]
    ) { $0.verify }

    static let ehlo = Key<EmailSpec, String?>.optional(
        "ehlo", .hostName, otherwise: "this machine's name", "The name by which Aloft greets the server.",
        detail: "Some servers refuse mail from a name without a domain, or one that DNS does not know.",
        example: "app1.shop.example", synonyms: ["helo", "hostname", "heloName", "ehloName"]
    ) { $0.ehlo }

    /// `pagerduty: KEY`, or where else than at PagerDuty's own address.
    struct PagerDuty: Sendable, Hashable {
        var key: Template
        var url: Template
    }

    static let pagerduty = Key<NotificationSpec.Channel, PagerDuty?>.optional(
        "pagerduty", pagerdutyKind, "The routing key of PagerDuty's Events API v2, or `{key, url}`.",
        example: "\"${env.TOKEN}\"", synonyms: ["pagerDuty", "pager"]
    ) { if case .pagerduty(let key, let url) = $0.kind { PagerDuty(key: key, url: url) } else { nil } }

    private static let pagerdutyKind: Kind<PagerDuty> = {
        let section = pagerdutySection.kind
        let key = Kind<Template>.credential
        return short(key, section) { PagerDuty(key: $0, url: Self.eventsURL.initial) }
    }()

    static let pagerdutySection = Section<PagerDuty>("pagerduty", [key.member, eventsURL.member]) { fields, _ in
        fields[key].map { PagerDuty(key: $0, url: fields[eventsURL]) }
    }

    static let key = Key<PagerDuty, Template?>.required(
        "key", .credential, "The routing key.", example: "\"${env.TOKEN}\"", synonyms: ["routingKey", "routing_key"]
    ) { $0.key }

    static let eventsURL = Key<PagerDuty, Template>.standard(
        "url", .url(web, example: "https://events.eu.pagerduty.com/v2/enqueue"),
        "\"https://events.pagerduty.com/v2/enqueue\"", "Where events go.",
        example: "\"https://events.eu.pagerduty.com/v2/enqueue\""
    ) { $0.url }

    /// `webhook: URL`, or with a secret.
    struct Webhook: Sendable, Hashable {
        var url: Template
        var secret: Template?
    }

    static let webhook = Key<NotificationSpec.Channel, Webhook?>.optional(
        "webhook", webhookKind, "A URL that is sent JSON, or `{url, secret}`.",
        example: "{url: \"https://hooks.shop.example\", secret: \"${env.TOKEN}\"}", synonyms: ["http", "url"]
    ) { if case .webhook(let url, let secret) = $0.kind { Webhook(url: url, secret: secret) } else { nil } }

    private static let webhookKind: Kind<Webhook> = short(
        .url(web, example: "https://hooks.example.com/aloft"), webhookSection.kind
    ) {
        Webhook(url: $0, secret: nil)
    }

    static let webhookSection = Section<Webhook>("webhook", [url.member, secret.member]) { fields, _ in
        fields[url].map { Webhook(url: $0, secret: fields[secret]) }
    }

    static let url = Key<Webhook, Template?>.required(
        "url", .url(web, example: "https://hooks.example.com/aloft"), "Where it is sent, by POST.",
        example: "\"https://hooks.shop.example\""
    ) { $0.url }

    static let secret = Key<Webhook, Template?>.optional(
        "secret", .credential, otherwise: "not signed", "Signs each message with HMAC-SHA256.",
        example: "\"${env.TOKEN}\"", synonyms: ["key", "token"]
    ) { $0.secret }

    /// A section, or the text of the only key that most need.
    private static func short<Value>(
        _ text: Kind<Template>, _ section: Kind<Value>, _ make: @escaping @Sendable (Template) -> Value
    ) -> Kind<Value> {
        Kind(.either([text.form, section.form]), spell: section.spell) { node, reader in
            node.scalar != nil ? text.read(node, &reader).map(make) : section.read(node, &reader)
        }
    }
}

extension Template {
    /// The host of a URL without references; one that holds some is looked at when they have values.
    fileprivate var literalHost: String? {
        guard parts.count == 1, case .text(let text) = parts[0], let scheme = text.firstRange(of: "://") else {
            return nil
        }
        let authority = text[scheme.upperBound...].prefix { !"/?#".contains($0) }
        let host = authority.split(separator: "@").last ?? ""
        if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
        return String(host.prefix { $0 != ":" })
    }
}
