/// The host and port of a request, as strictly as routing needs them (RFC 9110 §4.2.3, RFC 3986 §3.2).
enum Authority {
    static let longest = 255

    /// Accepts a name of letters, digits, `-`, `_` and single dots, or an address in brackets, and an optional port.
    ///
    /// Percent-encoding and sub-delimiters, which RFC 3986 would allow, name no host on the Internet.
    @inline(__always)
    static func validate(_ view: ByteView, _ range: ByteRange, needsPort: Bool = false) throws(FaultReason) {
        let bounded = ByteView(view.base, end: range.upperBound)
        let at = bounded.skip(.commonHost, from: range.lowerBound)
        // Most hosts are plain names, but the dots still have to be looked at.
        try validateParts(bounded, range, afterCommon: at, needsPort: needsPort)
    }

    private static func validateParts(
        _ view: ByteView, _ range: ByteRange, afterCommon: Int, needsPort: Bool
    ) throws(FaultReason) {
        let start = range.lowerBound
        guard !range.isEmpty, range.count <= longest else { throw .invalidHost }
        let portMark = view[start] == 0x5B ? try addressEnd(view, start) : try nameEnd(view, start, from: afterCommon)
        guard portMark < view.end else {
            if needsPort { throw .invalidHost }
            return
        }
        guard view[portMark] == 0x3A else { throw .invalidHost }
        try validatePort(view, from: portMark &+ 1)
    }

    /// The offset of the colon behind a name, or the end. No label is empty, but a final dot may stand.
    private static func nameEnd(_ view: ByteView, _ start: Int, from afterCommon: Int) throws(FaultReason) -> Int {
        var end = afterCommon
        while end < view.end, view[end] == 0x5F || ByteClass.commonHost.contains(view[end]) { end &+= 1 }
        var previousIsDot = true
        for i in start..<end {
            let isDot = view[i] == 0x2E
            if isDot, previousIsDot { throw .invalidHost }
            previousIsDot = isDot
        }
        guard end > start else { throw .invalidHost }
        return end
    }

    /// The offset behind the `]` of an IPv6 address.
    private static func addressEnd(_ view: ByteView, _ start: Int) throws(FaultReason) -> Int {
        var at = start &+ 1
        var colons = 0
        while at < view.end, view[at] != 0x5D {
            let byte = view[at]
            let isHex = byte &- 0x30 <= 9 || (byte | 0x20) &- 0x61 <= 5
            if byte == 0x3A { colons &+= 1 }
            guard isHex || byte == 0x3A || byte == 0x2E else { throw .invalidHost }
            at &+= 1
        }
        guard at < view.end, colons >= 2, at &- start <= 46 else { throw .invalidHost }
        return at &+ 1
    }

    private static func validatePort(_ view: ByteView, from start: Int) throws(FaultReason) {
        guard start < view.end, view.end &- start <= 5 else { throw .invalidHost }
        var port = 0
        for i in start..<view.end {
            let digit = view[i] &- 0x30
            guard digit <= 9 else { throw .invalidHost }
            port = port &* 10 &+ Int(digit)
        }
        guard port > 0, port <= 65_535 else { throw .invalidHost }
    }
}
