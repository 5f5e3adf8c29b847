/// An IPv4 or IPv6 address: the one reading of addresses for the file, for `Host` and for what proxies say.
package struct IPAddress: Sendable, Hashable {
    package enum Family: Sendable, Hashable { case v4, v6 }

    package let family: Family
    /// The upper 64 of 128 bits; those of an IPv4 address are `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2).
    package let high: UInt64
    package let low: UInt64

    private init(_ family: Family, _ bits: UInt128) {
        self.family = family
        high = UInt64(truncatingIfNeeded: bits >> 64)
        low = UInt64(truncatingIfNeeded: bits)
    }

    /// From 4 or 16 bytes in network order.
    package init(bytes: some Collection<UInt8>) {
        let bits = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        self = bytes.count == 4 ? IPAddress(.v4, Self.mapped | bits) : IPAddress(.v6, bits)
    }

    private static var mapped: UInt128 { 0xFFFF << 32 }

    /// 4 or 16 bytes in network order.
    package var bytes: [UInt8] {
        let all = [high, low].flatMap { word in stride(from: 56, through: 0, by: -8).map { UInt8(word >> $0 & 0xFF) } }
        return family == .v4 ? Array(all[12...]) : all
    }
}

// MARK: Reading

extension IPAddress {
    /// Either family; nil where the text is not an address.
    package init?(_ text: UnsafeRawBufferPointer) {
        guard let address = IPAddress(v4: text) ?? IPAddress(v6: text) else { return nil }
        self = address
    }

    /// Four decimal numbers without leading zeros (RFC 3986 §3.2.2), which some systems read as octal.
    package init?(v4 text: UnsafeRawBufferPointer) {
        var bits: UInt128 = 0
        var at = 0
        for part in 0..<4 {
            if part > 0 {
                guard at < text.count, text[at] == UInt8(ascii: ".") else { return nil }
                at += 1
            }
            let start = at
            var number: UInt128 = 0
            while at < text.count, at - start < 3, text[at] &- 0x30 <= 9 {
                number = number * 10 + UInt128(text[at] &- 0x30)
                at += 1
            }
            guard at > start, number < 256, at - start == 1 || text[start] != 0x30 else { return nil }
            bits = bits << 8 | number
        }
        guard at == text.count else { return nil }
        self.init(.v4, Self.mapped | bits)
    }

    /// Eight groups; `::` may stand for one run of zeros, an IPv4 address for the last two (RFC 4291 §2.2).
    ///
    /// A zone (`%eth0`) names an interface of one machine and means nothing to another: it is no part of an address here.
    package init?(v6 text: UnsafeRawBufferPointer) {
        var bits: UInt128 = 0
        var groups = 0
        // Groups in front of `::`; -1 without one.
        var gap = -1
        var at = 0
        if text.count >= 2, text[0] == Self.colon, text[1] == Self.colon {
            gap = 0
            at = 2
        }
        while at < text.count {
            guard groups < 8 else { return nil }
            let start = at
            var value: UInt128 = 0
            while at < text.count, at - start < 4, let digit = Self.digit(text[at]) {
                value = value << 4 | UInt128(digit)
                at += 1
            }
            if at < text.count, text[at] == UInt8(ascii: ".") {
                let rest = UnsafeRawBufferPointer(rebasing: text[start...])
                guard groups <= 6, let tail = IPAddress(v4: rest) else { return nil }
                bits = bits << 32 | UInt128(tail.low & 0xFFFF_FFFF)
                groups += 2
                break
            }
            guard at > start else { return nil }
            bits = bits << 16 | value
            groups += 1
            guard at < text.count else { break }
            guard text[at] == Self.colon, at + 1 < text.count else { return nil }
            at += 1
            guard text[at] == Self.colon else { continue }
            guard gap < 0 else { return nil }
            gap = groups
            at += 1
        }
        guard gap < 0 ? groups == 8 : groups < 8 else { return nil }
        if gap >= 0 {
            let behind = (groups - gap) * 16
            let tail = bits & ((1 << behind) - 1)
            bits = (bits >> behind) << ((8 - gap) * 16) | tail
        }
        self.init(.v6, bits)
    }

    private static var colon: UInt8 { UInt8(ascii: ":") }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46, 0x61...0x66: (byte | 0x20) - 0x57
        default: nil
        }
    }

    package init?(_ text: some StringProtocol) { self.init(text, read: { IPAddress($0) }) }
    package init?(v4 text: some StringProtocol) { self.init(text, read: { IPAddress(v4: $0) }) }
    package init?(v6 text: some StringProtocol) { self.init(text, read: { IPAddress(v6: $0) }) }

    private init?(_ text: some StringProtocol, read: (UnsafeRawBufferPointer) -> IPAddress?) {
        var copy = String(text)
        guard let address = copy.withUTF8({ read(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = address
    }
}

// MARK: Spelling

extension IPAddress: CustomStringConvertible {
    /// The one spelling of an address (RFC 5952 §4): lower case, no leading zeros, the longest run of zeros as `::`.
    package var description: String {
        let bytes = self.bytes
        guard family == .v6 else { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
        var best = 0..<0
        var start = 0
        while start < 8 {
            guard groups[start] == 0 else {
                start += 1
                continue
            }
            let end = groups[start...].firstIndex { $0 != 0 } ?? 8
            if end - start > max(best.count, 1) { best = start..<end }
            start = end
        }
        let hex = groups.map { String($0, radix: 16) }
        guard !best.isEmpty else { return hex.joined(separator: ":") }
        return hex[..<best.lowerBound].joined(separator: ":") + "::" + hex[best.upperBound...].joined(separator: ":")
    }
}
