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
        into buffer: inout ByteBuffer
    ) {
        let bound = head.byteCount &+ head.authority.count &* 2 &+ client.peerText.count &* 2 &+ 320
        buffer.write(atMost: bound) { writer in
            putRequestLine(head, bytes, &writer)
            let seen = putFields(head, bytes, client, &writer)
            putForwarded(head, bytes, client, seen, &writer)
            if !seen.contains(.requestID) { putRequestID(id, &writer) }
            if head.wantsUpgrade { writer.put("Connection: upgrade\r\n") }
            writer.put("\r\n")
        }
    }

    /// Tells a replica that nobody waits for its answer; from clients it is taken out.
    static let mirrorMark: StaticString = "X-Aloft-Mirror"

    @inline(never)
    private static func isMirrorMark(_ field: Field, _ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.equalsIgnoringCase(field.name, mirrorMark)
    }

    /// What a trusted proxy already said.
    private struct Seen: OptionSet {
        let rawValue: UInt8
        static let requestID = Seen(rawValue: 1)
        static let forwardedFor = Seen(rawValue: 2)
        static let forwardedProto = Seen(rawValue: 4)
        static let forwardedHost = Seen(rawValue: 8)
        static let forwarded = Seen(rawValue: 16)
    }

    @inline(__always)
    private static func putRequestLine(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ writer: inout ByteWriter
    ) {
        writer.put(bytes, head.methodName)
        writer.put(" ")
        if head.path.isEmpty { writer.put("/") } else { writer.put(bytes, head.path) }
        writer.put(bytes, head.query)
        writer.put(" HTTP/1.1\r\n")
    }

    @inline(__always)
    private static func putFields(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ client: borrowing ClientFacts,
        _ writer: inout ByteWriter
    ) -> Seen {
        var seen: Seen = []
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
            case .xForwardedFor, .forwarded:
                // Written again below, with the peer added.
                keeps = false
                if client.isTrusted { seen.insert(field.known == .forwarded ? .forwarded : .forwardedFor) }
            case .xForwardedProto:
                keeps = client.isTrusted
                if keeps { seen.insert(.forwardedProto) }
            case .xForwardedHost:
                keeps = client.isTrusted
                if keeps { seen.insert(.forwardedHost) }
            case .xRequestID:
                keeps = client.isTrusted && !field.value.isEmpty
                if keeps { seen.insert(.requestID) }
            case .other:
                keeps =
                    !field.isHopByHop
                    && (field.name.count != mirrorMark.utf8CodeUnitCount || !isMirrorMark(field, bytes))
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
        if !hasHost, !head.authority.isEmpty {
            writer.put("Host: ")
            writer.put(bytes, head.authority)
            writer.put("\r\n")
        }
        return seen
    }

    @inline(__always)
    private static func putForwarded(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ client: borrowing ClientFacts, _ seen: Seen,
        _ writer: inout ByteWriter
    ) {
        writer.put("X-Forwarded-For: ")
        if seen.contains(.forwardedFor) { putValues(of: .xForwardedFor, head, bytes, &writer) }
        writer.put(client.peerText)
        if !seen.contains(.forwardedProto) {
            if client.isTLS {
                writer.put("\r\nX-Forwarded-Proto: https")
            } else {
                writer.put("\r\nX-Forwarded-Proto: http")
            }
        }
        if !seen.contains(.forwardedHost), !head.authority.isEmpty {
            writer.put("\r\nX-Forwarded-Host: ")
            writer.put(bytes, head.authority)
        }
        writer.put("\r\nForwarded: ")
        if seen.contains(.forwarded) { putValues(of: .forwarded, head, bytes, &writer) }
        putForwardedElement(head, bytes, client, &writer)
        writer.put("\r\n")
    }

    /// `for=192.0.2.1;host="example.com:80";proto=https` (RFC 7239 §4); an IPv6 address and a host are quoted.
    @inline(__always)
    private static func putForwardedElement(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ client: borrowing ClientFacts,
        _ writer: inout ByteWriter
    ) {
        if client.peerText.contains(UInt8(ascii: ":")) {
            writer.put("for=\"[")
            writer.put(client.peerText)
            writer.put("]\"")
        } else {
            writer.put("for=")
            writer.put(client.peerText)
        }
        if !head.authority.isEmpty {
            writer.put(";host=\"")
            writer.put(bytes, head.authority)
            writer.put("\"")
        }
        if client.isTLS { writer.put(";proto=https") } else { writer.put(";proto=http") }
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

    private static func putRequestID(_ id: RequestID, _ writer: inout ByteWriter) {
        writer.put("X-Request-Id: ")
        writer.put(hexadecimal: id.high)
        writer.put(hexadecimal: id.low)
        writer.put("\r\n")
    }
}
