/// Questions a gateway asks of parsed bytes. Ranges come from a head over the same bytes.
extension UnsafeRawBufferPointer {
    /// The bytes of a range as text, for logs; invalid UTF-8 is replaced.
    package func text(_ range: ByteRange) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: self[range.lowerBound..<range.upperBound]), as: UTF8.self)
    }

    /// Byte for byte equal.
    @inlinable
    package func equals(_ range: ByteRange, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount, let base = baseAddress else {
            return range.isEmpty && text.utf8CodeUnitCount == 0
        }
        let left = base + range.lowerBound
        let right = UnsafeRawPointer(text.utf8Start)
        for i in 0..<range.count
        where left.load(fromByteOffset: i, as: UInt8.self) != right.load(fromByteOffset: i, as: UInt8.self) {
            return false
        }
        return true
    }

    /// Equal but for the case of ASCII letters.
    @inlinable
    package func equalsIgnoringCase(_ range: ByteRange, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        let right = UnsafeRawPointer(text.utf8Start)
        for i in 0..<range.count
        where lowercased(self[range.lowerBound &+ i]) != lowercased(right.load(fromByteOffset: i, as: UInt8.self)) {
            return false
        }
        return true
    }

    /// Two ranges of these bytes equal but for the case of ASCII letters.
    package func equalsIgnoringCase(_ first: ByteRange, _ second: ByteRange) -> Bool {
        guard first.count == second.count else { return false }
        for i in 0..<first.count
        where lowercased(self[first.lowerBound &+ i]) != lowercased(self[second.lowerBound &+ i]) {
            return false
        }
        return true
    }

    /// A plain decimal number: digits only, no sign, at most 63 bits; nil for everything else.
    package func decimal(_ range: ByteRange) -> Int? {
        guard range.count >= 1, range.count <= 19 else { return nil }
        var value = 0
        for i in range.lowerBound..<range.upperBound {
            let digit = self[i] &- 0x30
            guard digit <= 9 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// One or more token characters (RFC 9110 §5.6.2).
    package func isToken(_ range: ByteRange) -> Bool {
        guard !range.isEmpty else { return false }
        for i in range.lowerBound..<range.upperBound where !isTokenByte(self[i]) { return false }
        return true
    }

    /// The range without spaces and tabs at either end.
    package func trimmed(_ range: ByteRange) -> ByteRange {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isWhitespace(self[start]) { start &+= 1 }
        while end > start, isWhitespace(self[end &- 1]) { end &-= 1 }
        return ByteRange(start, end)
    }

    /// The next member of a comma list, trimmed; moves `offset` behind its comma. Nil at the end. Knows no quoted strings.
    package func nextListMember(_ range: ByteRange, from offset: inout Int) -> ByteRange? {
        var start = Swift.max(offset, range.lowerBound)
        while start < range.upperBound {
            var end = start
            while end < range.upperBound, self[end] != 0x2C { end &+= 1 }
            offset = end &+ 1
            let member = trimmed(ByteRange(start, end))
            if !member.isEmpty { return member }
            start = offset
        }
        return nil
    }

    /// Whether a comma list has this member, letters in either case.
    package func listContains(_ range: ByteRange, _ member: StaticString) -> Bool {
        var offset = range.lowerBound
        while let next = nextListMember(range, from: &offset) {
            if equalsIgnoringCase(next, member) { return true }
        }
        return false
    }

    /// The host of an authority: without its port and without the dot that ends a fully qualified name.
    package func host(ofAuthority authority: ByteRange) -> ByteRange {
        var end = authority.upperBound
        var i = end
        while i > authority.lowerBound {
            i &-= 1
            let byte = self[i]
            if byte == 0x3A {
                end = i
                break
            }
            guard byte &- 0x30 <= 9 else { break }
        }
        if end > authority.lowerBound &+ 1, self[end &- 1] == 0x2E { end &-= 1 }
        return ByteRange(authority.lowerBound, end)
    }
}

/// ASCII letters in lower case; every other byte as it is.
@inlinable
package func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}

@inline(always)
func isWhitespace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09
}

/// A token character: `!#$%&'*+-.^_`|~`, digits and letters (RFC 9110 §5.6.2), as a bitmap of the ASCII range.
@inline(__always)
package func isTokenByte(_ byte: UInt8) -> Bool {
    let low: UInt64 = 0x03FF_6CFA_0000_0000
    let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
    let word = byte < 64 ? low : (byte < 128 ? high : 0)
    return (word &>> UInt64(byte & 63)) & 1 != 0
}
