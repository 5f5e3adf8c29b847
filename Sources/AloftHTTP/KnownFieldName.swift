extension KnownField {
    /// Hop-by-hop by definition (RFC 9110 §7.6.1 and §11.7): concerns this connection or this gateway only.
    ///
    /// `Trailer` is not: trailers are passed on (RFC 9110 §6.6.2).
    package var isHopByHop: Bool { Self.hopByHop & bit != 0 }

    /// One bit a field, for sets.
    @inline(always) var bit: UInt64 { 1 &<< UInt64(rawValue) }

    @inline(always)
    static var hopByHop: UInt64 {
        KnownField.connection.bit | KnownField.keepAlive.bit | KnownField.proxyConnection.bit | KnownField.te.bit
            | KnownField.transferEncoding.bit | KnownField.upgrade.bit | KnownField.proxyAuthenticate.bit
            | KnownField.proxyAuthorization.bit
    }

    /// Fields whose value matters to framing or to the connection.
    @inline(always)
    static var noted: UInt64 {
        KnownField.host.bit | KnownField.connection.bit | KnownField.contentLength.bit | KnownField.expect.bit
            | KnownField.transferEncoding.bit | KnownField.upgrade.bit
    }

    /// Fields of which a second line makes a request ambiguous: each names one thing, and readers differ in which they take.
    @inline(always)
    static var onceInRequest: UInt64 {
        onceInResponse | KnownField.host.bit | KnownField.expect.bit | KnownField.upgrade.bit
            | KnownField.contentType.bit | KnownField.authorization.bit | KnownField.contentRange.bit
            | KnownField.range.bit | KnownField.ifRange.bit | KnownField.ifMatch.bit | KnownField.ifNoneMatch.bit
            | KnownField.ifModifiedSince.bit | KnownField.ifUnmodifiedSince.bit
    }

    @inline(always)
    static var onceInResponse: UInt64 {
        KnownField.contentLength.bit | KnownField.transferEncoding.bit
    }

    /// Recognises a name of token bytes, letters in either case.
    ///
    /// By length first, then with one to three overlapping word compares. `| 0x20` folds case; among token bytes it makes no
    /// two different names equal, since `-` and the digits have that bit already.
    @inline(never)
    static func recognise(_ name: UnsafeRawPointer, count: Int) -> KnownField {
        switch count {
        case 2: return matches(name, "te") ? .te : .other
        case 4: return matches(name, "host") ? .host : matches(name, "date") ? .date : .other
        case 5: return matches(name, "range") ? .range : .other
        case 6: return recognise6(name)
        case 7: return matches(name, "upgrade") ? .upgrade : matches(name, "trailer") ? .trailer : .other
        case 8: return matches(name, "if-match") ? .ifMatch : matches(name, "if-range") ? .ifRange : .other
        case 9: return matches(name, "forwarded") ? .forwarded : .other
        case 10: return recognise10(name)
        case 11: return matches(name, "traceparent") ? .traceparent : .other
        case 12:
            return matches(name, "content-type") ? .contentType : matches(name, "x-request-id") ? .xRequestID : .other
        case 13: return recognise13(name)
        case 14: return matches(name, "content-length") ? .contentLength : .other
        case 15: return matches(name, "x-forwarded-for") ? .xForwardedFor : .other
        case 16: return recognise16(name)
        case 17: return recognise17(name)
        case 18: return matches(name, "proxy-authenticate") ? .proxyAuthenticate : .other
        case 19: return recognise19(name)
        default: return .other
        }
    }

    @inline(always)
    private static func recognise6(_ name: UnsafeRawPointer) -> KnownField {
        if matches(name, "accept") { return .accept }
        if matches(name, "cookie") { return .cookie }
        if matches(name, "expect") { return .expect }
        return matches(name, "server") ? .server : .other
    }

    @inline(always)
    private static func recognise10(_ name: UnsafeRawPointer) -> KnownField {
        if matches(name, "connection") { return .connection }
        if matches(name, "set-cookie") { return .setCookie }
        return matches(name, "keep-alive") ? .keepAlive : .other
    }

    @inline(always)
    private static func recognise13(_ name: UnsafeRawPointer) -> KnownField {
        if matches(name, "cache-control") { return .cacheControl }
        if matches(name, "authorization") { return .authorization }
        if matches(name, "content-range") { return .contentRange }
        return matches(name, "if-none-match") ? .ifNoneMatch : .other
    }

    @inline(always)
    private static func recognise16(_ name: UnsafeRawPointer) -> KnownField {
        matches(name, "x-forwarded-host")
            ? .xForwardedHost : matches(name, "proxy-connection") ? .proxyConnection : .other
    }

    @inline(always)
    private static func recognise17(_ name: UnsafeRawPointer) -> KnownField {
        if matches(name, "transfer-encoding") { return .transferEncoding }
        if matches(name, "x-forwarded-proto") { return .xForwardedProto }
        return matches(name, "if-modified-since") ? .ifModifiedSince : .other
    }

    @inline(always)
    private static func recognise19(_ name: UnsafeRawPointer) -> KnownField {
        if matches(name, "proxy-authorization") { return .proxyAuthorization }
        return matches(name, "if-unmodified-since") ? .ifUnmodifiedSince : .other
    }

    /// Compares with a lower-case literal of the same length, which the compiler turns into word constants.
    @inline(always)
    private static func matches(_ name: UnsafeRawPointer, _ literal: StaticString) -> Bool {
        let text = UnsafeRawPointer(literal.utf8Start)
        let count = literal.utf8CodeUnitCount
        if count >= 8 {
            let ends = folded64(name, 0) ^ text.loadUnaligned(as: UInt64.self)
            let last = count &- 8
            let tail = folded64(name, last) ^ text.loadUnaligned(fromByteOffset: last, as: UInt64.self)
            guard count > 16 else { return ends | tail == 0 }
            let middle = folded64(name, 8) ^ text.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            return ends | tail | middle == 0
        }
        if count >= 4 {
            let ends = folded32(name, 0) ^ text.loadUnaligned(as: UInt32.self)
            let last = count &- 4
            return ends | (folded32(name, last) ^ text.loadUnaligned(fromByteOffset: last, as: UInt32.self)) == 0
        }
        return name.loadUnaligned(as: UInt16.self) | 0x2020 == text.loadUnaligned(as: UInt16.self)
    }

    @inline(always)
    private static func folded64(_ name: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        name.loadUnaligned(fromByteOffset: offset, as: UInt64.self) | 0x2020_2020_2020_2020
    }

    @inline(always)
    private static func folded32(_ name: UnsafeRawPointer, _ offset: Int) -> UInt32 {
        name.loadUnaligned(fromByteOffset: offset, as: UInt32.self) | 0x2020_2020
    }
}
