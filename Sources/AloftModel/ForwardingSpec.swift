/// `edge.headers.forwarded` and `edge.headers.untrusted`: what applications are told of the client, and by whom.
package struct ForwardingSpec: Sendable, Hashable {
    /// The fields that name the client, its scheme and its host.
    package enum Family: Sendable, Hashable {
        case both
        /// `X-Forwarded-For`, `-Proto` and `-Host`.
        case xForwarded
        /// `Forwarded` (RFC 7239).
        case standard
    }

    package var family: Family
    /// Names besides `guarded` that only a trusted proxy may send; `X-Mine-*` is every name that begins so.
    package var remove: [String]
    /// Names that anyone may send all the same.
    package var keep: [String]

    package init(family: Family = .both, remove: [String] = [], keep: [String] = []) {
        self.family = family
        self.remove = remove
        self.keep = keep
    }

    /// Fields that the edge reads or writes itself, in lower case: their names stand in neither list.
    package static let own: Set<String> = written.union([
        "x-aloft-mirror", "max-forwards", "host", "expect", "proxy-authenticate", "proxy-authorization", "accept",
        "date", "server", "content-type", "authorization", "cookie", "set-cookie", "cache-control", "content-range",
        "range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since",
    ])

    /// Those among them that it takes from a trusted proxy, and else makes itself.
    package static let written: Set<String> = [
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id",
    ]

    /// Fields by which balancers, delivery networks and web servers tell an application who asked, how, and for what.
    ///
    /// Applications believe them, so only a trusted proxy may send them. A name ends in `-*` for all that begin so.
    package static let guarded: [String] = [
        // The family that the edge writes itself, and its neighbours: -Ssl, -Port, -Prefix, -Scheme, -Server, -User, -By.
        "X-Forwarded-*", "X-Forwarded", "Forwarded-For",
        // The client's address.
        "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-ProxyUser-IP", "Client-IP", "True-Client-IP",
        "Proxy-Client-IP", "WL-Proxy-Client-IP", "X-Envoy-External-Address", "Remote-Addr", "X-Remote-Addr",
        "X-Remote-IP",
        // How it came.
        "Front-End-Https", "X-HTTPS", "X-Scheme", "X-Url-Scheme", "X-SSL-*", "SSL-Client-*",
        // What it asked for: the one that counts is the request's own.
        "X-Original-*", "X-Rewrite-URL", "SCRIPT_NAME", "PATH_INFO",
        // Delivery networks and clouds.
        "CF-*", "CloudFront-*", "Fastly-*", "Akamai-*", "X-Akamai-*", "X-Appengine-*", "X-Azure-*", "X-ARR-*",
        "X-Amzn-Oidc-*", "X-Amzn-Mtls-*", "X-MS-Client-Principal", "X-MS-Client-Principal-*",
        // A CGI application takes it for the variable HTTP_PROXY (CVE-2016-5385).
        "Proxy",
    ]

    /// Fields of `guarded` that no proxy sends: one that passes them on has them from its client.
    package static let never: Set<String> = ["proxy"]
}
