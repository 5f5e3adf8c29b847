/// The host and port of a request, as strictly as routing needs them (RFC 9110 §4.2.3, RFC 3986 §3.2).
enum Authority {
    static let longest = 255

    /// Accepts a name of letters, digits, `-`, `_` and single dots, or an address in brackets, and an optional port.
    ///
    /// Percent-encoding and sub-delimiters, which RFC 3986 would allow, name no host on the Internet.
    static func validate(_ view: ByteView, _ range: ByteRange, needsPort: Bool = false) throws(FaultReason) {
        guard !range.isEmpty, range.count <= longest else { throw .invalidHost }
        let bounded = view.clamped(to: range.upperBound)
        let start = range.lowerBound
        let common = view.skip(.commonHost, from: start)
        var end = common < bounded.end ? common : bounded.end
        if end == start || view[start] == 0x2E || view.mayHavePair(0x2E, 0x2E, 0x2E, start, end) {
            end = view[start] == 0x5B ? try addressEnd(bounded, start) : try nameEnd(bounded, start)
        } else if end < bounded.end, view[end] != 0x3A {
            end = try nameEnd(bounded, start)
        }
        if end < bounded.end {
            try validatePort(bounded, from: end)
        } else if needsPort {
            throw .invalidHost
        }
    }

    /// The offset of the first byte behind a name, or the end. No label is empty, but a final dot may stand.
    @inline(never)
    private static func nameEnd(_ view: ByteView, _ start: Int) throws(FaultReason) -> Int {
        var at = start
        var previousIsDot = true
        while at < view.end, view[at] == 0x5F || ByteClass.commonHost.contains(view[at]) {
            let isDot = view[at] == 0x2E
            if isDot, previousIsDot { throw .invalidHost }
            previousIsDot = isDot
            at &+= 1
        }
        guard at > start else { throw .invalidHost }
        return at
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

    /// A colon and one to five digits that make a port.
    @inline(always)
    private static func validatePort(_ view: ByteView, from colon: Int) throws(FaultReason) {
        let start = colon &+ 1
        guard view[colon] == 0x3A, start < view.end, view.end &- start <= 5 else { throw .invalidHost }
        var port = 0
        for i in start..<view.end {
            let digit = view[i] &- 0x30
            guard digit <= 9 else { throw .invalidHost }
            port = port &* 10 &+ Int(digit)
        }
        guard port > 0, port <= 65_535 else { throw .invalidHost }
    }
}
