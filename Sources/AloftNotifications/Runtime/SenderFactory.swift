import AloftModel
import AloftSystem

/// Turns a channel of the file into what sends to it.
struct SenderFactory: Sendable {
    let configuration: NotifierConfiguration
    let clock: any TimeSource

    func target(of channel: NotificationSpec.Channel, lookup: TemplateLookup) -> Notifier.Target {
        var host: String?
        do throws(AddressProblem) {
            let sender = try sender(of: channel.kind, lookup: lookup, host: &host)
            return .ready(host: host ?? "", sender: sender)
        } catch {
            return .misconfigured(host: host, problem: error.text)
        }
    }

    private func sender(
        of kind: NotificationSpec.Kind, lookup: TemplateLookup, host: inout String?
    ) throws(AddressProblem) -> any ChannelSender {
        switch kind {
        case .slack(let url):
            let address = try WebAddress(try text(url, lookup), allowsPlain: false)
            host = address.host
            return SlackSender(poster: poster(address), origin: origin)
        case .pagerduty(let key, let url):
            let address = try WebAddress(try text(url, lookup), allowsPlain: false)
            host = address.host
            let routingKey = try text(key, lookup)
            return PagerDutySender(poster: poster(address, [routingKey]), origin: origin, key: routingKey)
        case .webhook(let url, let secret):
            let address = try WebAddress(try text(url, lookup), allowsPlain: true)
            host = address.host
            var value: String?
            if let secret { value = try text(secret, lookup) }
            let poster = poster(address, value.map { [$0] } ?? [], sealsOnServerError: true)
            return WebhookSender(poster: poster, origin: origin, secret: value)
        case .email(let spec):
            let address = try MailAddress(try text(spec.smtp, lookup))
            host = address.shownHost
            guard spec.verify || address.isLocal else {
                throw AddressProblem("`verify: false` is for a server on this machine; name its certificate in `ca`")
            }
            let from = try Mailbox(spec.from ?? "aloft@\(configuration.machine)")
            var recipients: [Mailbox] = []
            for recipient in spec.to { recipients.append(try Mailbox(recipient)) }
            guard !recipients.isEmpty else { throw AddressProblem("it has no recipients") }
            return MailSender(
                address: address, from: from, recipients: recipients, origin: origin,
                timeout: configuration.timeout, extraRoots: configuration.extraRoots, ca: spec.ca, verify: spec.verify,
                ehlo: spec.ehlo)
        }
    }

    private var origin: Origin {
        Origin(
            machine: configuration.machine, project: configuration.project, environment: configuration.environment)
    }

    private func poster(
        _ address: WebAddress, _ secrets: [String] = [], sealsOnServerError: Bool = false
    ) -> HTTPPoster {
        HTTPPoster(
            address: address, redaction: Redaction(address.secrets + secrets), timeout: configuration.timeout,
            extraRoots: configuration.extraRoots, clock: clock, sealsOnServerError: sealsOnServerError)
    }

    private func text(_ template: Template, _ lookup: TemplateLookup) throws(AddressProblem) -> String {
        let value: String
        do throws(MissingReference) {
            value = try lookup(template)
        } catch {
            throw AddressProblem("\(error.name) has no value; set it where the daemon is started, then reload")
        }
        guard !value.isEmpty else { throw AddressProblem("\(template.onlyReferences) is empty") }
        return value
    }
}

extension Template {
    /// The references of a template, without the text between them, which may be a secret.
    fileprivate var onlyReferences: String {
        let names = parts.compactMap { part -> String? in
            if case .text = part { return nil }
            return Template(parts: [part]).description
        }
        return names.isEmpty ? "its address" : names.joined(separator: ", ")
    }
}
