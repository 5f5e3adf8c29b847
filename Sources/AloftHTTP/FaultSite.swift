/// Where in a response head a fault was found: for people, so it is searched only once a head was refused.
package struct FaultSite: Sendable, Equatable {
    /// The offset of the first byte with which the head could be refused.
    package let offset: Int
    package let byte: UInt8
    /// The name of the field it stands in, as far as it is one; nil for the status line and at the end of a head whose
    /// fields are refused as a whole.
    package let field: String?
    /// The fault is in the status line.
    package let isInStatusLine: Bool

    /// Longer names are cut: they go into a log.
    private static let longestName = 64

    /// Nil where `bytes` is not refused.
    ///
    /// Parses the shortest prefix that is refused, found by halving: a head that is refused stays so with more behind it.
    package init?(of bytes: UnsafeRawBufferPointer, answering method: Method, limits: HeadLimits) {
        func isRefused(_ count: Int) -> Bool {
            var parser = ResponseParser(limits: limits)
            var head = ResponseHead()
            let prefix = UnsafeRawBufferPointer(rebasing: bytes[..<count])
            if case .rejected = parser.parse(prefix, answering: method, into: &head) { return true }
            return false
        }
        guard bytes.count > 0, isRefused(bytes.count) else { return nil }
        var low = 1
        var high = bytes.count
        while low < high {
            let middle = (low + high) / 2
            if isRefused(middle) { high = middle } else { low = middle + 1 }
        }
        offset = low - 1
        byte = bytes[offset]
        let line = bytes[..<offset].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        isInStatusLine = line == 0
        field = line == 0 ? nil : Self.name(in: bytes[line...offset])
    }

    /// What stands before the colon, or before the first byte that no name has.
    private static func name(in line: Slice<UnsafeRawBufferPointer>) -> String? {
        let name = line.prefix { isTokenByte($0) }
        guard !name.isEmpty else { return nil }
        return String(decoding: name.prefix(longestName), as: UTF8.self)
    }
}
