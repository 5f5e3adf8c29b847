/// Numeric IPv4 and IPv6 addresses as bytes in network order.
enum IPAddress {
    /// 4 or 16 bytes; nil where the text is not an address.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? { v4(text) ?? v6(text) }

    /// Four decimal numbers without leading zeros (RFC 3986 §3.2.2), which some systems read as octal.
    static func v4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard !part.isEmpty, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 0x30, let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Eight groups; `::` may stand for one run of zeros, an IPv4 address for the last two (RFC 4291 §2.2).
    static func v6(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count <= 45, text.contains(":") else { return nil }
        let halves = String(text).split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        let gaps = halves.indices.dropFirst().dropLast().filter { halves[$0].isEmpty }
        if text.hasPrefix("::") || text.hasSuffix("::") || !gaps.isEmpty { return compressed(String(text)) }
        guard let bytes = groups(halves), bytes.count == 16 else { return nil }
        return bytes
    }

    private static func compressed(_ text: String) -> [UInt8]? {
        let scalars = Array(text.utf8)
        let colon = UInt8(ascii: ":")
        let starts = scalars.indices.dropLast().filter { scalars[$0] == colon && scalars[$0 + 1] == colon }
        guard starts.count == 1, let start = starts.first else { return nil }
        let head = String(decoding: scalars[..<start], as: UTF8.self)
        let tail = String(decoding: scalars[(start + 2)...], as: UTF8.self)
        guard !head.contains("."), let left = groups(split(head)), let right = groups(split(tail)) else { return nil }
        guard left.count + right.count <= 14 else { return nil }
        return left + [UInt8](repeating: 0, count: 16 - left.count - right.count) + right
    }

    private static func split(_ text: String) -> [String] {
        text.isEmpty ? [] : text.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
    }

    private static func groups(_ parts: [String]) -> [UInt8]? {
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if part.contains("."), index == parts.count - 1 {
                guard let tail = v4(part) else { return nil }
                bytes += tail
                continue
            }
            let isHex = part.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
            }
            guard (1...4).contains(part.utf8.count), isHex, let value = UInt16(part, radix: 16) else { return nil }
            bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
        }
        return bytes.count <= 16 ? bytes : nil
    }

    /// The one spelling of an address (RFC 5952 §4): lower case, no leading zeros, the longest run of zeros as `::`.
    static func text(_ bytes: [UInt8]) -> String {
        guard bytes.count == 16 else { return bytes.map(String.init).joined(separator: ".") }
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
