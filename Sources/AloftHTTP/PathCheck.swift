/// What a path has in it that matters to routing.
///
/// The parser has applied `examine` to each request already: heads with a refused path never reach the edge, and
/// `RequestHead.pathIsPlain` says whether routes may look at the raw bytes. DESIGN.md compares the choices with others'.
package enum PathCheck: Sendable, Equatable {
    /// The raw bytes are the path: routes match them as they are.
    case plain
    /// Percent-encoding or empty segments (`//`): match routes on what `canonical` writes, forward the raw bytes.
    case needsCanonical
    case refused(FaultReason)

    /// Classifies a path that begins with `/`.
    ///
    /// Refused are bytes that RFC 3986 forbids and no browser sends raw, broken percent-encoding, encoded control bytes,
    /// overlong encodings of ASCII, and `.` or `..` segments however they are spelt: with `%2e`, with `%2f` or `%5c` as a
    /// separator, or with parameters (`..;x`). Clients remove dot segments before they send (RFC 3986 §5.2.4).
    package static func examine(_ bytes: UnsafeRawBufferPointer, _ path: ByteRange) -> PathCheck {
        var segment = Segment()
        var isPlain = true
        var at = path.lowerBound
        while at < path.upperBound {
            var byte = bytes[at]
            at &+= 1
            if byte == 0x25 {
                guard let decoded = decode(bytes, at, path.upperBound) else { return .refused(.invalidPercentEncoding) }
                at &+= 2
                if decoded < 0x20 || decoded == 0x7F { return .refused(.invalidPath) }
                if isOverlong(decoded, bytes, at, path.upperBound) { return .refused(.invalidPercentEncoding) }
                byte = decoded
                isPlain = false
            } else if !isAllowedRaw(byte) {
                return .refused(.invalidPath)
            }
            switch segment.add(byte) {
            case .ordinary: break
            case .empty: isPlain = false
            case .dots: return .refused(.dotSegment)
            }
        }
        if segment.isDots { return .refused(.dotSegment) }
        return isPlain ? .plain : .needsCanonical
    }

    /// Writes the form that routes are matched on: percent-encodings decoded (`%2F` too), runs of `/` made one.
    ///
    /// `output` needs `path.count` bytes; returns how many were written. Only for paths that `examine` did not refuse.
    package static func canonical(
        _ bytes: UnsafeRawBufferPointer, _ path: ByteRange, into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        precondition(output.count >= path.count)
        var count = 0
        var at = path.lowerBound
        while at < path.upperBound {
            var byte = bytes[at]
            at &+= 1
            if byte == 0x25, let decoded = decode(bytes, at, path.upperBound) {
                byte = decoded
                at &+= 2
            }
            if byte == 0x2F, count > 0, output[count &- 1] == 0x2F { continue }
            output[count] = byte
            count &+= 1
        }
        return count
    }

    /// Follows one segment at a time to see whether it is nothing but one or two dots.
    private struct Segment {
        enum Finding { case ordinary, empty, dots }

        private var dots = 0
        private var length = 0
        private var inSegment = false

        var isDots: Bool { inSegment && dots == length && (dots == 1 || dots == 2) }

        /// A separator ends the segment before it; `;` ends its name.
        mutating func add(_ byte: UInt8) -> Finding {
            switch byte {
            case 0x2F, 0x5C:
                let finding: Finding = isDots ? .dots : inSegment && length == 0 && byte == 0x2F ? .empty : .ordinary
                self = Segment()
                inSegment = true
                return finding
            case 0x3B where isDots:
                return .dots
            default:
                if byte == 0x2E { dots &+= 1 }
                length &+= 1
                return .ordinary
            }
        }
    }

    /// What RFC 3986 §3.3 allows in a path, and `|`, `[`, `]`, which browsers send as they are.
    private static func isAllowedRaw(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x22, 0x23, 0x3C, 0x3E, 0x3F, 0x5C, 0x5E, 0x60, 0x7B, 0x7D: false
        default: byte > 0x20 && byte < 0x7F
        }
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer, _ at: Int, _ end: Int) -> UInt8? {
        guard at &+ 1 < end, let high = hexadecimal(bytes[at]), let low = hexadecimal(bytes[at &+ 1]) else {
            return nil
        }
        return high &<< 4 | low
    }

    /// `%c0%ae` was a dot to decoders that did not know better; C0 and C1 begin no valid UTF-8 sequence.
    private static func isOverlong(_ byte: UInt8, _ bytes: UnsafeRawBufferPointer, _ at: Int, _ end: Int) -> Bool {
        guard byte == 0xC0 || byte == 0xC1, at < end, bytes[at] == 0x25 else { return false }
        guard let next = decode(bytes, at &+ 1, end) else { return false }
        return next & 0xC0 == 0x80
    }
}

/// The value of a hexadecimal digit in either case.
@inline(always)
func hexadecimal(_ byte: UInt8) -> UInt8? {
    let digit = byte &- 0x30
    if digit <= 9 { return digit }
    let letter = (byte | 0x20) &- 0x61
    return letter <= 5 ? letter &+ 10 : nil
}
