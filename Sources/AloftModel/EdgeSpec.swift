/// `edge`: listeners, TLS, limits and routes.
package struct EdgeSpec: Sendable, Hashable {
    package var listeners: [ListenerSpec]
    /// Metrics and health; nil where the file says `admin: off`.
    package var admin: Address?
    package var tls: TLSSpec
    /// Networks whose word about their own client is believed.
    package var trustedProxies: [Network]
    package var timeouts: EdgeTimeouts
    package var limits: EdgeLimits
    /// Of answers.
    package var headers: HeaderRules
    /// What applications are told of the client.
    package var forwarding: ForwardingSpec
    /// What a client's FIN means while its request is under way.
    package var halfClose: HalfClose
    /// First match wins, in this order.
    package var routes: [RouteSpec]

    /// A client that has ended its side of the connection has gone, or has said all it will say and still reads: TCP does
    /// not tell which.
    package enum HalfClose: String, Sendable, Hashable, CaseIterable {
        /// It has gone: the application is told at once, by closing.
        case abort
        /// It still reads, and is answered.
        case answer
    }

    package init(
        listeners: [ListenerSpec], admin: Address?, tls: TLSSpec, trustedProxies: [Network], timeouts: EdgeTimeouts,
        limits: EdgeLimits, headers: HeaderRules, forwarding: ForwardingSpec = ForwardingSpec(),
        halfClose: HalfClose = .abort, routes: [RouteSpec]
    ) {
        self.listeners = listeners
        self.admin = admin
        self.tls = tls
        self.trustedProxies = trustedProxies
        self.timeouts = timeouts
        self.limits = limits
        self.headers = headers
        self.forwarding = forwarding
        self.halfClose = halfClose
        self.routes = routes
    }
}

/// An IP address and port to listen on: `0.0.0.0:443`, `[::1]:8080`.
package struct Address: Sendable, Hashable, CustomStringConvertible {
    /// Numeric IPv4 or IPv6 address without brackets.
    package var host: String
    /// 0 asks the system for a free port.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// True for 127.0.0.0/8 and ::1, which no other machine reaches.
    package var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }
}

package struct ListenerSpec: Sendable, Hashable {
    package var address: Address
    package var tls: Bool
    /// `redirect: https`: answers each request with 308 to the same URL over https.
    package var redirectsToHTTPS: Bool
    /// The port under which clients reach a listener with TLS, where a container or a router publishes another.
    package var publicPort: Int?

    package init(address: Address, tls: Bool = false, redirectsToHTTPS: Bool = false, publicPort: Int? = nil) {
        self.address = address
        self.tls = tls
        self.redirectsToHTTPS = redirectsToHTTPS
        self.publicPort = publicPort
    }
}

package struct TLSSpec: Sendable, Hashable {
    package enum Version: String, Sendable, Hashable, CaseIterable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    package var minVersion: Version
    /// The first whose hosts fit the client's server name is used; the first of all where none does.
    package var certificates: [CertificateSpec]

    package init(minVersion: Version, certificates: [CertificateSpec]) {
        self.minVersion = minVersion
        self.certificates = certificates
    }
}

package struct CertificateSpec: Sendable, Hashable {
    package enum Source: Sendable, Hashable {
        /// Absolute paths of PEM files: the chain, leaf first, and its private key.
        case files(certificate: String, key: String)
        /// Made at start and kept in the state directory; for development.
        case selfSigned
    }

    package var hosts: [HostPattern]
    package var source: Source

    package init(hosts: [HostPattern], source: Source) {
        self.hosts = hosts
        self.source = source
    }
}

/// `example.com`, or `*.example.com`, which stands for exactly one label (RFC 6125 §6.4.3). Always lower case.
package struct HostPattern: Sendable, Hashable, CustomStringConvertible {
    /// Without `*.`.
    package var name: String
    package var isWildcard: Bool

    package init(name: String, isWildcard: Bool = false) {
        self.name = name
        self.isWildcard = isWildcard
    }

    package var description: String { isWildcard ? "*.\(name)" : name }
}

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
package struct Network: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes in network order, bits past the prefix zero.
    package var bytes: [UInt8]
    package var prefixLength: Int
    /// As the file spells it.
    package var description: String

    package init(bytes: [UInt8], prefixLength: Int, description: String) {
        self.bytes = bytes
        self.prefixLength = prefixLength
        self.description = description
    }
}

package struct EdgeTimeouts: Sendable, Hashable {
    /// From the first byte of a head (or the accept) to its end; then 408.
    package var requestHead: Duration
    /// How long a connection may be idle between requests, and a tunnel in both directions.
    package var idle: Duration
    /// From the end of the head to the first byte of the answer, and between two pieces of either body; then 504.
    package var request: Duration
    /// To connect to a replica; then the next is tried, or 502.
    package var connect: Duration

    package init(requestHead: Duration, idle: Duration, request: Duration, connect: Duration) {
        self.requestHead = requestHead
        self.idle = idle
        self.request = request
        self.connect = connect
    }
}

package struct EdgeLimits: Sendable, Hashable {
    /// Request line and header fields together; larger is 431 (the request line alone: 414).
    package var head: ByteSize
    /// Larger is 413.
    package var body: ByteSize
    /// Open client connections of the whole edge; one more is closed at once and counted.
    package var connections: Int
    package var connectionsPerAddress: Int

    package init(head: ByteSize, body: ByteSize, connections: Int, connectionsPerAddress: Int) {
        self.head = head
        self.body = body
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress
    }
}

/// Changes to the header fields of each answer.
package struct HeaderRules: Sendable, Hashable {
    package struct Field: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Replace what the application sent, in the order of the file.
    package var set: [Field]
    package var remove: [String]

    package init(set: [Field] = [], remove: [String] = []) {
        self.set = set
        self.remove = remove
    }
}
