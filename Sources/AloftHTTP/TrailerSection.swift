/// Validates trailer fields byte by byte, since they may arrive in any pieces (RFC 9112 §7.1.2).
struct TrailerSection: Sendable {
    private enum State: Sendable { case lineStart, name, value, lineEnd, sectionEnd }

    private var state = State.lineStart
    private var byteCount = 0
    private var fieldCount = 0
    private var name = SIMD32<UInt8>(repeating: 0)
    private var nameCount = 0

    /// Consumes one byte; true for the line feed that ends the message.
    mutating func take(_ byte: UInt8, _ limits: ChunkLimits) throws(FaultReason) -> Bool {
        byteCount &+= 1
        switch state {
        case .lineStart where byte == 0x0D:
            state = .sectionEnd
        case .sectionEnd:
            guard byte == 0x0A else { throw .bareCarriageReturn }
            return true
        case .lineStart, .name:
            guard byteCount <= limits.trailerBytes else { throw .trailersTooLarge }
            try takeName(byte, limits)
        case .value:
            guard byteCount <= limits.trailerBytes else { throw .trailersTooLarge }
            try takeValue(byte)
        case .lineEnd:
            guard byte == 0x0A else { throw .bareCarriageReturn }
            state = .lineStart
        }
        return false
    }

    private mutating func takeName(_ byte: UInt8, _ limits: ChunkLimits) throws(FaultReason) {
        if state == .lineStart {
            fieldCount &+= 1
            guard fieldCount <= limits.trailerCount else { throw .trailersTooLarge }
            name = SIMD32(repeating: 0)
            nameCount = 0
            state = .name
        }
        if byte == 0x3A, nameCount > 0 {
            if Self.isForbidden(name) { throw .forbiddenTrailer }
            state = .value
            return
        }
        guard isTokenByte(byte) else { throw byte == 0x0A ? .bareLineFeed : .invalidTrailer }
        // Longer names are none of the forbidden ones, which all leave zeros at the end.
        if nameCount < 32 { name[nameCount] = ByteClass.commonName.contains(byte) ? lowercased(byte) : 0x2D }
        nameCount = min(nameCount &+ 1, 32)
    }

    private mutating func takeValue(_ byte: UInt8) throws(FaultReason) {
        switch byte {
        case 0x0D: state = .lineEnd
        case 0x0A: throw .bareLineFeed
        case 0x09: break
        case 0x00..<0x20, 0x7F: throw .invalidTrailer
        default: break
        }
    }

    /// Fields for framing, routing, authentication, request modifiers and content format (RFC 9110 §6.5.1), and those that the
    /// gateway vouches for. `name` is in lower case, with `-` for what is no letter or digit.
    private static func isForbidden(_ name: SIMD32<UInt8>) -> Bool {
        let isForwarded = withUnsafeBytes(of: name) { matches($0.baseAddress.unsafelyUnwrapped, "x-forwarded-") }
        return isForwarded
            || forbidden.contains { word in
                var padded = SIMD32<UInt8>(repeating: 0)
                for i in 0..<word.utf8CodeUnitCount { padded[i] = word.utf8Start[i] }
                return padded == name
            }
    }

    private static let forbidden: [StaticString] = [
        "transfer-encoding", "content-length", "connection", "keep-alive", "proxy-connection", "upgrade", "te",
        "trailer",
        "host", "forwarded", "x-forwarded", "x-request-id", "traceparent",
        "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "cookie", "set-cookie",
        "cache-control", "pragma", "expires", "age", "vary", "date", "location", "retry-after", "expect",
        "max-forwards",
        "range", "if-match", "if-none-match", "if-range", "if-modified-since", "if-unmodified-since",
        "content-encoding", "content-type", "content-range",
    ]
}
