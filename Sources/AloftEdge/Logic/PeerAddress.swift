import AloftHTTP
import AloftModel

/// A client's IP address as 16 bytes in two words; IPv4 as `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2).
struct PeerAddress: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    init(_ address: IPAddress) {
        high = address.high
        low = address.low
    }

    /// From 4 or 16 bytes in network order.
    init(bytes: some Collection<UInt8>) { self.init(IPAddress(bytes: bytes)) }

    /// Parses an address as text, with or without brackets and port, as the fields of other proxies carry it.
    init?(text: some Collection<UInt8>) {
        let address = Array(text).withUnsafeBytes { ForwardedNode($0, ByteRange(0, $0.count)).address }
        guard let address else { return nil }
        self = address
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
