import AloftModel

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
    ///
    /// RFC 3986 §3.2.2 also has `[v1.…]` for addresses of the future, of which there are none, and RFC 6874 zones, which
    /// mean something only on the machine that wrote them: both are refused.
    @inline(never)
    private static func addressEnd(_ view: ByteView, _ start: Int) throws(FaultReason) -> Int {
        var at = start &+ 1
        while at < view.end, view[at] != 0x5D { at &+= 1 }
        guard at < view.end, IPAddress(v6: UnsafeRawBufferPointer(rebasing: view.buffer[(start &+ 1)..<at])) != nil
        else {
            throw .invalidHost
        }
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

extension UnsafeRawBufferPointer {
    /// Whether the bytes are what a Host field may hold.
    package func isAuthority(_ range: ByteRange) -> Bool {
        guard let base = baseAddress, range.upperBound <= count else { return false }
        do throws(FaultReason) {
            try Authority.validate(ByteView(base, end: count), range)
            return true
        } catch {
            return false
        }
    }
}
