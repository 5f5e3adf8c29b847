import AloftModel

/// A client's IP address as 16 bytes in two words; IPv4 as `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2).
struct PeerAddress: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    /// From 4 or 16 bytes in network order.
    init(bytes: some Collection<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        if bytes.count == 4 {
            low = 0xffff
            for byte in bytes { low = low << 8 | UInt64(byte) }
        } else {
            for (offset, byte) in bytes.enumerated() {
                if offset < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
            }
        }
        self.high = high
        self.low = low
    }

    /// Parses an address as text, with or without brackets and port, as the fields of other proxies carry it.
    init?(text: some Sequence<UInt8>) {
        guard let bytes = IPAddressText.parse(Array(text)) else { return nil }
        self.init(bytes: bytes)
    }

    /// Spreads addresses evenly over 64 bits.
    var hash: UInt64 { Self.mix(high &* 0x9e37_79b9_7f4a_7c15 ^ low) }

    /// The finaliser of MurmurHash3.
    static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value ^= value >> 33
        value = value &* 0xff51_afd7_ed55_8ccd
        value ^= value >> 33
        value = value &* 0xc4ce_b9fe_1a85_ec53
        return value ^ value >> 33
    }
}

/// The networks of `trustedProxies`.
struct TrustedNetworks: Sendable {
    private struct Range {
        let high: UInt64
        let low: UInt64
        let highMask: UInt64
        let lowMask: UInt64
    }

    private let ranges: [Range]

    init(_ networks: [Network]) {
        ranges = networks.map { network in
            let address = PeerAddress(bytes: network.bytes)
            let length = network.bytes.count == 4 ? network.prefixLength + 96 : network.prefixLength
            return Range(
                high: address.high, low: address.low, highMask: Self.mask(min(64, length)),
                lowMask: Self.mask(max(0, length - 64)))
        }
    }

    func contains(_ address: PeerAddress) -> Bool {
        for range in ranges
        where address.high & range.highMask == range.high & range.highMask
            && address.low & range.lowMask == range.low & range.lowMask
        {
            return true
        }
        return false
    }

    private static func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : ~0 << UInt64(64 - bits) }
}

/// IP addresses as text.
enum IPAddressText {
    /// 4 or 16 bytes of `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:443`.
    static func parse(_ text: [UInt8]) -> [UInt8]? {
        var text = text
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            text = Array(text[1..<end])
        } else if text.filter({ $0 == UInt8(ascii: ":") }).count == 1,
            let colon = text.firstIndex(of: UInt8(ascii: ":"))
        {
            text = Array(text[..<colon])
        }
        return text.contains(UInt8(ascii: ":")) ? parse6(text) : parse4(text)
    }

    private static func parse4(_ text: [UInt8]) -> [UInt8]? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var result: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var value = 0
            for byte in part {
                guard byte &- 48 < 10 else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            guard value < 256 else { return nil }
            result.append(UInt8(value))
        }
        return result
    }

    private static func parse6(_ text: [UInt8]) -> [UInt8]? {
        var groups: [UInt16] = []
        var gap: Int?
        var rest = text[...]
        if rest.starts(with: [58, 58]) {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let group = rest.prefix { $0 != UInt8(ascii: ":") }
            rest = rest.dropFirst(group.count)
            if rest.isEmpty, group.contains(UInt8(ascii: ".")) {
                guard let tail = parse4(Array(group)) else { return nil }
                groups.append(UInt16(tail[0]) << 8 | UInt16(tail[1]))
                groups.append(UInt16(tail[2]) << 8 | UInt16(tail[3]))
                break
            }
            guard (1...4).contains(group.count), let value = hexadecimal(group) else { return nil }
            groups.append(value)
            guard !rest.isEmpty else { break }
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = groups.count
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        guard gap == nil ? groups.count == 8 : groups.count < 8 else { return nil }
        if let gap { groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap) }
        return groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
    }

    private static func hexadecimal(_ digits: some Collection<UInt8>) -> UInt16? {
        var value: UInt16 = 0
        for byte in digits {
            switch byte {
            case 48...57: value = value << 4 | UInt16(byte - 48)
            case 97...102: value = value << 4 | UInt16(byte - 87)
            case 65...70: value = value << 4 | UInt16(byte - 55)
            default: return nil
            }
        }
        return value
    }
}
