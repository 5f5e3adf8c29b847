/// `notifications`: who is told of what.
package struct NotificationSpec: Sendable, Hashable {
    /// In the order of the file; names are unique.
    package var channels: [Channel]
    package var critical: Routing
    package var warning: Routing
    package var deploys: Routing
    /// Where what no channel of its own could take is sent instead, once.
    package var fallback: String?

    package struct Channel: Sendable, Hashable {
        package var name: String
        package var kind: Kind

        package init(name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }
    }

    package enum Kind: Sendable, Hashable {
        /// URL of an incoming webhook.
        case slack(url: Template)
        case email(EmailSpec)
        /// Routing key of Events API v2.
        case pagerduty(key: Template, url: Template)
        /// POST of JSON, signed with HMAC-SHA256 where there is a secret.
        case webhook(url: Template, secret: Template?)
    }

    package struct Routing: Sendable, Hashable {
        /// Names of channels; empty tells nobody.
        package var to: [String]
        /// Held back for so long, and gathered; what is over by then is not sent.
        package var after: Duration

        package init(to: [String] = [], after: Duration = .zero) {
            self.to = to
            self.after = after
        }
    }

    package init(
        channels: [Channel] = [], critical: Routing = Routing(), warning: Routing = Routing(),
        deploys: Routing = Routing(), fallback: String? = nil
    ) {
        self.channels = channels
        self.critical = critical
        self.warning = warning
        self.deploys = deploys
        self.fallback = fallback
    }
}

package struct EmailSpec: Sendable, Hashable {
    package var to: [String]
    /// Nil is `aloft@` and this machine's name.
    package var from: String?
    /// `smtps://user:password@host:465`, `smtp://host:587` (STARTTLS where offered), `smtp+starttls://` (required).
    package var smtp: Template
    /// Absolute path of a file with further certificates that are trusted.
    package var ca: String?
    /// False takes any certificate; for a server on this machine only.
    package var verify: Bool
    /// By what name Aloft greets the server; nil is this machine's.
    package var ehlo: String?

    package init(
        to: [String], from: String?, smtp: Template, ca: String? = nil, verify: Bool = true, ehlo: String? = nil
    ) {
        self.to = to
        self.from = from
        self.smtp = smtp
        self.ca = ca
        self.verify = verify
        self.ehlo = ehlo
    }
}

/// One of `environments` as promotion sees it.
package struct EnvironmentRules: Sendable, Hashable {
    package var name: String
    /// Where releases of this one may go.
    package var promotesTo: String?
    /// `requires.approvals`: names of those who must each approve before a release of another environment is taken.
    package var approvals: [String]

    package init(name: String, promotesTo: String? = nil, approvals: [String] = []) {
        self.name = name
        self.promotesTo = promotesTo
        self.approvals = approvals
    }
}
