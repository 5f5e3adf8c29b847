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
    /// By length first, then with one to three overlapping word compares.
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
}

/// Compares bytes with a lower-case literal of at most 24 letters, digits and `-`, which must be as long as they are.
///
/// `| 0x20` folds case. Control bytes must have been refused before: a carriage return would pass for a `-`.
@inline(always)
func matches(_ bytes: UnsafeRawPointer, _ literal: StaticString) -> Bool {
    let text = UnsafeRawPointer(literal.utf8Start)
    let count = literal.utf8CodeUnitCount
    if count >= 8 {
        let last = count &- 8
        let ends = difference64(bytes, text, 0) | difference64(bytes, text, last)
        return count > 16 ? ends | difference64(bytes, text, 8) == 0 : ends == 0
    }
    if count >= 4 {
        return difference32(bytes, text, 0) | difference32(bytes, text, count &- 4) == 0
    }
    return bytes.loadUnaligned(as: UInt16.self) | 0x2020 == text.loadUnaligned(as: UInt16.self)
}

@inline(always)
private func difference64(_ bytes: UnsafeRawPointer, _ text: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    (bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) | 0x2020_2020_2020_2020)
        ^ text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
}

@inline(always)
private func difference32(_ bytes: UnsafeRawPointer, _ text: UnsafeRawPointer, _ offset: Int) -> UInt32 {
    (bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) | 0x2020_2020)
        ^ text.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
}
