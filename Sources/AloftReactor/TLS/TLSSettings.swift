/// What a listening socket's TLS is to be.
package struct TLSSettings: Sendable, Hashable {
    package enum Version: Sendable, Hashable {
        case tls12, tls13
    }

    /// Whether clients show certificates. One that is shown is checked, and the handshake fails where it is not signed by
    /// `authorities` (PEM).
    package enum ClientCertificates: Sendable, Hashable {
        case none
        case request(authorities: [UInt8])
        case require(authorities: [UInt8])
    }

    /// The oldest version that is spoken.
    package var minimum: Version
    /// Protocols for ALPN (RFC 7301), the preferred one first, such as `h2`. A client that offers others only gets the
    /// alert no_application_protocol; one that offers none is served all the same. Empty for no ALPN.
    package var protocols: [String]
    package var clientCertificates: ClientCertificates
    /// Nanoseconds in which the handshake has to be done, to 100 ms.
    package var handshakeTimeout: UInt64

    package init(
        minimum: Version = .tls12, protocols: [String] = [], clientCertificates: ClientCertificates = .none,
        handshakeTimeout: UInt64 = 10_000_000_000
    ) {
        self.minimum = minimum
        self.protocols = protocols
        self.clientCertificates = clientCertificates
        self.handshakeTimeout = handshakeTimeout
    }
}

/// A certificate with its key, and the server names it is shown for.
package struct TLSCertificate: Sendable {
    /// `shop.example.com`, or `*.example.com` for exactly one label in front; lower or upper case.
    package var names: [String]
    /// PEM, leaf first.
    package var chain: [UInt8]
    /// PEM, not encrypted.
    package var key: [UInt8]

    package init(names: [String], chain: [UInt8], key: [UInt8]) {
        self.names = names
        self.chain = chain
        self.key = key
    }
}
