import Foundation

/// Why a channel's own words cannot be used; says what is wrong and never what was written.
struct AddressProblem: Error, Sendable, Hashable {
    let text: String

    init(_ text: String) { self.text = text }
}

/// Where an HTTP channel sends to.
struct WebAddress: Sendable, Hashable {
    let url: String
    /// With its port where that is not the usual one.
    let host: String
    /// Its path and query, which often are the secret.
    let secrets: [String]

    /// - Parameter allowsPlain: Also `http://` to other machines; without, only to loopback.
    init(_ text: String, allowsPlain: Bool) throws(AddressProblem) {
        guard isAddressText(text), let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            let host = parts.host, !host.isEmpty
        else { throw AddressProblem("its address is not a URL such as https://host/path") }
        guard scheme == "https" || scheme == "http" else {
            throw AddressProblem("its address begins with neither https:// nor http://")
        }
        guard scheme == "https" || allowsPlain || isLoopback(host) else {
            throw AddressProblem("its address must begin with https://, because it holds a secret")
        }
        guard parts.user == nil, parts.password == nil else {
            throw AddressProblem("its address holds a name or password before the @, which is not supported")
        }
        url = text
        self.host = parts.port.map { "\(host):\($0)" } ?? host
        // A server that echoes may escape the slashes between the parts, so each is a secret of its own.
        let words = parts.path.split(separator: "/") + (parts.query ?? "").split { $0 == "&" || $0 == "=" }
        secrets =
            [text, parts.percentEncodedPath, parts.path, parts.percentEncodedQuery ?? "", parts.query ?? ""]
            + words.map(String.init).filter { $0.count >= 8 }
    }
}

/// Where an e-mail channel hands over its mail.
struct MailAddress: Sendable, Hashable {
    enum Encryption: Sendable, Hashable {
        /// TLS from the first byte (RFC 8314).
        case implicit
        /// STARTTLS, or nothing is sent (RFC 3207).
        case required
        /// STARTTLS where the server offers it. Somebody in between can take the offer out.
        case offered
    }

    let host: String
    let port: Int
    let encryption: Encryption
    let user: String?
    let password: String?

    init(_ text: String) throws(AddressProblem) {
        guard isAddressText(text), let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            let host = parts.host, !host.isEmpty
        else { throw AddressProblem("its address is not a URL such as smtps://user:password@host:465") }
        switch scheme {
        case "smtps": (encryption, port) = (.implicit, parts.port ?? 465)
        case "smtp+starttls": (encryption, port) = (.required, parts.port ?? 587)
        case "smtp": (encryption, port) = (.offered, parts.port ?? 587)
        default: throw AddressProblem("its address begins with none of smtps://, smtp+starttls:// and smtp://")
        }
        guard (1...65_535).contains(port) else { throw AddressProblem("its port is not from 1 to 65535") }
        guard parts.path.isEmpty || parts.path == "/", parts.query == nil else {
            throw AddressProblem("its address has something after the port")
        }
        guard (parts.user == nil) == (parts.password == nil) else {
            throw AddressProblem("its address has a user without a password; write smtps://user:password@host")
        }
        for part in [parts.user, parts.password] {
            guard part?.utf8.contains(0) != true, part?.utf8.count ?? 0 <= 500 else {
                throw AddressProblem("its user or password is too long or holds a zero byte")
            }
        }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        user = parts.user
        password = parts.password
    }

    var isLocal: Bool { isLoopback(host) }
    var shownHost: String { "\(host):\(port)" }
}

/// Foundation percent-encodes spaces and line ends; whoever wrote them meant something else.
private func isAddressText(_ text: String) -> Bool {
    text.utf8.count <= 2000 && text.unicodeScalars.allSatisfy { $0 != " " && !isControl($0) }
}

func isLoopback(_ host: String) -> Bool {
    let name = host.lowercased()
    guard name != "localhost", name != "::1", name != "[::1]" else { return true }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
}

/// Takes secrets out of text that a server may have echoed.
struct Redaction: Sendable {
    private let secrets: [String]

    /// Those of fewer than four characters are left: they would take ordinary words apart.
    init(_ secrets: [String]) {
        self.secrets = Set(secrets.filter { $0.count >= 4 }).sorted { $0.utf8.count > $1.utf8.count }
    }

    /// Bytes of the longest of them.
    var longest: Int { secrets.first?.utf8.count ?? 0 }

    /// One line, at most 500 characters.
    func clean(_ text: String) -> String {
        let shown = secrets.reduce(text) { $0.replacingOccurrences(of: $1, with: "<redacted>") }
        return clipped(oneLine(shown).trimmingCharacters(in: .whitespaces), Limits.answer)
    }
}
