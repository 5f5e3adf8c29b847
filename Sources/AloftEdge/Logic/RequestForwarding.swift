import AloftHTTP
import NIOCore

/// Who asked, as the forwarded head tells the application.
struct ClientFacts {
    /// The peer's address as text, without brackets.
    var peerText: [UInt8]
    var isTLS: Bool
    /// The peer is one of `trustedProxies`: what it says of its own client is kept.
    var isTrusted: Bool
}

/// 128 random bits that name a request, in the log and to the application (`X-Request-Id`).
struct RequestID: Sendable {
    let high: UInt64
    let low: UInt64
}

/// Writes the head that an upstream receives.
///
/// The request line is made anew in origin form; fields are copied in runs, without hop-by-hop ones (RFC 9110 §7.6.1);
/// what the client says about who is behind it is kept only from a trusted proxy (RFC 7239 §8.1).
enum RequestForwarding {
    static func write(
        _ head: borrowing RequestHead, from bytes: UnsafeRawBufferPointer, client: borrowing ClientFacts, id: RequestID,
        plan: ServicePlan, rules: ForwardingRules, into buffer: inout ByteBuffer
    ) {
        guard !client.isTrusted else {
            return writeTrusted(head, from: bytes, client: client, id: id, plan: plan, rules: rules, into: &buffer)
        }
        let bound = head.byteCount &+ head.authority.count &* 2 &+ client.peerText.count &* 2 &+ overhead
        buffer.write(atMost: bound) { writer in
            putStart(head, bytes, client, plan, rules, &writer)
            if rules.writesXForwarded {
                writer.put("X-Forwarded-For: ")
                writer.put(client.peerText)
                writer.put(client.isTLS ? "\r\nX-Forwarded-Proto: https" : "\r\nX-Forwarded-Proto: http")
                if !head.authority.isEmpty {
                    writer.put("\r\nX-Forwarded-Host: ")
                    writer.put(bytes, head.authority)
                }
                writer.put("\r\n")
            }
            if rules.writesStandard {
                writer.put("Forwarded: ")
                putPeer(client, &writer)
                if !head.authority.isEmpty {
                    writer.put(";host=\"")
                    writer.put(bytes, head.authority)
                    writer.put("\"")
                }
                writer.put(client.isTLS ? ";proto=https\r\n" : ";proto=http\r\n")
            }
            putRequestID(id, &writer)
            putEnd(head, &writer)
        }
    }

    /// Tells a replica that nobody waits for its answer; from clients it is taken out.
    static let mirrorMark: StaticString = "X-Aloft-Mirror"

    /// What the edge writes beside copies of what came: names, marks, identifier, and a service's name of 63 bytes.
    private static var overhead: Int { 400 }

    @inline(__always)
    private static func putStart(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ client: borrowing ClientFacts,
        _ plan: ServicePlan, _ rules: ForwardingRules, _ writer: inout ByteWriter
    ) {
        putRequestLine(head, bytes, &writer)
        let hasHost = putFields(head, bytes, isTrusted: client.isTrusted, rules, &writer)
        if !hasHost { putHost(head, bytes, plan, &writer) }
        if head.method == .options || head.method == .trace { putMaxForwards(head, bytes, &writer) }
    }

    @inline(__always)
    private static func putEnd(_ head: borrowing RequestHead, _ writer: inout ByteWriter) {
        if head.wantsUpgrade { writer.put("Connection: upgrade\r\n") }
        writer.put("\r\n")
    }

    /// An empty path is the asterisk of `OPTIONS`, which came in absolute form (RFC 9112 §3.2.4).
    @inline(__always)
    private static func putRequestLine(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ writer: inout ByteWriter
    ) {
        writer.put(bytes, head.methodName)
        writer.put(" ")
        if head.path.isEmpty { writer.put("*") } else { writer.put(bytes, head.path) }
        writer.put(bytes, head.query)
        writer.put(" HTTP/1.1\r\n")
    }

    /// True where one of the fields is Host.
    @inline(__always)
    private static func putFields(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, isTrusted: Bool, _ rules: ForwardingRules,
        _ writer: inout ByteWriter
    ) -> Bool {
        let gate = rules.gate
        var runStart = -1
        var hasHost = false
        let count = head.fields.count
        var index = 0
        while index < count {
            let field = head.fields[index]
            let start = field.name.lowerBound
            let keeps: Bool
            switch field.known {
            case .host:
                keeps = true
                hasHost = true
            case .upgrade: keeps = head.wantsUpgrade
            case .connection, .te, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization: keeps = false
            // Written again below.
            case .xForwardedFor, .xForwardedProto, .xForwardedHost, .forwarded: keeps = false
            case .xRequestID: keeps = isTrusted && !field.value.isEmpty
            case .other, .traceparent:
                keeps =
                    !field.isHopByHop
                    && (!ForwardingRules.mayRemove(gate, bytes, start)
                        || !rules.removes(field.name, bytes, isTrusted: isTrusted, method: head.method))
            default: keeps = !field.isHopByHop || field.known == .transferEncoding || field.known == .trailer
            }
            if keeps {
                if runStart < 0 { runStart = start }
            } else if runStart >= 0 {
                writer.put(bytes, runStart, start)
                runStart = -1
            }
            index &+= 1
        }
        if runStart >= 0 { writer.put(bytes, runStart, head.byteCount &- 2) }
        return hasHost
    }

    /// The host of an absolute target; where an HTTP/1.0 request has neither, the service's name, since HTTP/1.1 knows no
    /// request without Host (RFC 9112 §3.2).
    @inline(never)
    private static func putHost(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ plan: ServicePlan, _ writer: inout ByteWriter
    ) {
        writer.put("Host: ")
        if head.authority.isEmpty { writer.put(plan.host) } else { writer.put(bytes, head.authority) }
        writer.put("\r\n")
    }

    /// One less than came. A request that had none left was answered here.
    @inline(never)
    private static func putMaxForwards(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ writer: inout ByteWriter
    ) {
        guard case .left(let hops) = MaxForwards(head, in: bytes), hops > 0 else { return }
        writer.put("Max-Forwards: ")
        writer.put(decimal: hops - 1)
        writer.put("\r\n")
    }

    /// `for=192.0.2.1`, or `for="[2001:db8::1]"` (RFC 7239 §6).
    @inline(__always)
    private static func putPeer(_ client: borrowing ClientFacts, _ writer: inout ByteWriter) {
        if client.peerText.contains(UInt8(ascii: ":")) {
            writer.put("for=\"[")
            writer.put(client.peerText)
            writer.put("]\"")
        } else {
            writer.put("for=")
            writer.put(client.peerText)
        }
    }

    private static func putRequestID(_ id: RequestID, _ writer: inout ByteWriter) {
        writer.put("X-Request-Id: ")
        writer.put(hexadecimal: id.high)
        writer.put(hexadecimal: id.low)
        writer.put("\r\n")
    }
}

// MARK: Behind a trusted proxy

extension RequestForwarding {
    /// Both families are made from the one that counts, so that they say the same: all hops, and the client's scheme and
    /// host once. Applications read the first or the last they find, and find the same.
    @inline(never)
    private static func writeTrusted(
        _ head: borrowing RequestHead, from bytes: UnsafeRawBufferPointer, client: borrowing ClientFacts, id: RequestID,
        plan: ServicePlan, rules: ForwardingRules, into buffer: inout ByteBuffer
    ) {
        let chain = ForwardedChain(head, in: bytes, trusted: rules.trusted)
        // What came may be written once as it is and once in either family.
        let bound =
            head.byteCount &* 3 &+ (chain.count &+ 1) &* 2 &* ForwardedNode.overhead &+ client.peerText.count &* 2
            &+ overhead
        buffer.write(atMost: bound) { writer in
            putStart(head, bytes, client, plan, rules, &writer)
            if rules.writesXForwarded { putXForwarded(chain, head, bytes, client, &writer) }
            if rules.writesStandard { putStandard(chain, head, bytes, client, &writer) }
            if !hasRequestID(head) { putRequestID(id, &writer) }
            putEnd(head, &writer)
        }
    }

    private static func hasRequestID(_ head: borrowing RequestHead) -> Bool {
        for index in 0..<head.fields.count
        where head.fields[index].known == .xRequestID && !head.fields[index].value.isEmpty {
            return true
        }
        return false
    }

    private static func putXForwarded(
        _ chain: ForwardedChain, _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer,
        _ client: borrowing ClientFacts, _ writer: inout ByteWriter
    ) {
        writer.put("X-Forwarded-For: ")
        if chain.source == .xForwarded {
            putValues(of: .xForwardedFor, head, bytes, &writer)
        } else {
            chain.forEachHop(head, bytes) { node in
                node.putMember(bytes, &writer)
                writer.put(", ")
            }
        }
        writer.put(client.peerText)
        writer.put("\r\nX-Forwarded-Proto: ")
        putScheme(chain, bytes, client, &writer)
        let host = chain.host.isEmpty ? head.authority : chain.host
        if !host.isEmpty {
            writer.put("\r\nX-Forwarded-Host: ")
            writer.put(bytes, host)
        }
        writer.put("\r\n")
    }

    private static func putStandard(
        _ chain: ForwardedChain, _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer,
        _ client: borrowing ClientFacts, _ writer: inout ByteWriter
    ) {
        let host = chain.host.isEmpty ? head.authority : chain.host
        var hop = 0
        writer.put("Forwarded: ")
        chain.forEachHop(head, bytes) { node in
            writer.put("for=")
            node.putValue(bytes, &writer)
            if hop == chain.clientHop { putHostAndScheme(host, chain, bytes, client, &writer) }
            writer.put(", ")
            hop += 1
        }
        putPeer(client, &writer)
        if chain.clientHop == hop { putHostAndScheme(host, chain, bytes, client, &writer) }
        writer.put("\r\n")
    }

    private static func putHostAndScheme(
        _ host: ByteRange, _ chain: ForwardedChain, _ bytes: UnsafeRawBufferPointer, _ client: borrowing ClientFacts,
        _ writer: inout ByteWriter
    ) {
        if !host.isEmpty {
            writer.put(";host=\"")
            writer.put(bytes, host)
            writer.put("\"")
        }
        writer.put(";proto=")
        putScheme(chain, bytes, client, &writer)
    }

    private static func putScheme(
        _ chain: ForwardedChain, _ bytes: UnsafeRawBufferPointer, _ client: borrowing ClientFacts,
        _ writer: inout ByteWriter
    ) {
        guard chain.proto.isEmpty else { return writer.put(bytes, chain.proto) }
        writer.put(client.isTLS ? "https" : "http")
    }

    /// Each value of a field, with `, ` behind it.
    private static func putValues(
        of known: KnownField, _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ writer: inout ByteWriter
    ) {
        for index in 0..<head.fields.count where head.fields[index].known == known {
            let value = head.fields[index].value
            guard !value.isEmpty else { continue }
            writer.put(bytes, value)
            writer.put(", ")
        }
    }
}
