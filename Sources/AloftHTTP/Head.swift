/// The methods with a meaning of their own to a gateway; all others are `other` and forwarded as they are.
@usableFromInline
package enum Method: UInt8, Sendable, Hashable, CaseIterable {
    case get, head, post, put, delete, options, patch, trace, connect, other

    /// By the byte that a case is, which other modules can inline; the synthesised one is a call.
    @inlinable
    package static func == (left: Method, right: Method) -> Bool {
        unsafeBitCast(left, to: UInt8.self) == unsafeBitCast(right, to: UInt8.self)
    }

    /// Sending it twice has the effect of sending it once (RFC 9110 §9.2.2).
    @inlinable package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .patch, .connect, .other: false
        }
    }
}

/// Header fields that a gateway reads or rewrites; every other field is `other` and forwarded as it is.
@usableFromInline
package enum KnownField: UInt8, Sendable, Hashable, CaseIterable {
    case other
    case connection, contentLength, transferEncoding, host, expect, upgrade, te, trailer, keepAlive
    case proxyConnection, proxyAuthenticate, proxyAuthorization
    case xForwardedFor, xForwardedProto, xForwardedHost, forwarded, xRequestID, traceparent
    case accept, date, server, contentType
    case authorization, cookie, setCookie, cacheControl, contentRange, range, ifRange, ifMatch, ifNoneMatch
    case ifModifiedSince, ifUnmodifiedSince

    /// By the byte that a case is, which other modules can inline; the synthesised one is a call.
    @inlinable
    package static func == (left: KnownField, right: KnownField) -> Bool {
        unsafeBitCast(left, to: UInt8.self) == unsafeBitCast(right, to: UInt8.self)
    }
}

/// One header field: the name without its colon, the value without surrounding white space.
package struct Field: Sendable {
    package var name: ByteRange
    package var value: ByteRange
    package var known: KnownField
    /// Named in `Connection`, or hop-by-hop by definition (RFC 9110 §7.6.1): not forwarded.
    package var isHopByHop: Bool

    package init(name: ByteRange, value: ByteRange, known: KnownField, isHopByHop: Bool = false) {
        self.name = name
        self.value = value
        self.known = known
        self.isHopByHop = isHopByHop
    }
}

/// How the end of a body is found (RFC 9112 §6.3).
package enum Framing: Sendable, Hashable {
    case none
    case length(Int)
    case chunked
    /// Responses only: until the connection closes.
    case untilClose
}

/// A request head as offsets over the bytes it was parsed from. Made once a connection and refilled.
package struct RequestHead: Sendable {
    package var method: Method = .other
    package var methodName: ByteRange = .empty
    /// Path of the target, without the query; `*` for the asterisk form, empty for its absolute one (`OPTIONS http://a`).
    package var path: ByteRange = .empty
    /// Routes may be matched on the raw path. Where false they must be matched on `PathCheck.canonical`, else an encoded
    /// letter or a doubled slash walks around a route. The asterisk form, which has no path, is not plain.
    package var pathIsPlain = true
    /// With its `?`; empty where there is none.
    package var query: ByteRange = .empty
    /// Value of Host, or the authority of an absolute target (they are equal, or the head is refused).
    package var authority: ByteRange = .empty
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    package var minorVersion: UInt8 = 1
    package var fields: ContiguousArray<Field> = []
    package var framing: Framing = .none
    /// The client wants the connection kept after this exchange.
    package var keepAlive = true
    package var expectsContinue = false
    /// `Connection: upgrade` together with an `Upgrade` field, HTTP/1.1 only.
    package var wantsUpgrade = false
    /// Length of the head in bytes, with its empty line.
    package var byteCount = 0

    package init() {}
}

/// A response head as offsets over the bytes it was parsed from.
package struct ResponseHead: Sendable {
    package var status: Int = 0
    package var reason: ByteRange = .empty
    package var minorVersion: UInt8 = 1
    package var fields: ContiguousArray<Field> = []
    package var framing: Framing = .none
    package var keepAlive = true
    package var byteCount = 0

    package init() {}
}
