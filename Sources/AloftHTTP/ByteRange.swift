/// A run of bytes of the buffer that a head was parsed from. Heads are limited to far less than 4 GiB.
///
/// Inlinable, as all small things here that the edge asks for on each request: other modules would call them otherwise.
@usableFromInline
package struct ByteRange: Sendable, Hashable {
    @usableFromInline package var start: UInt32
    @usableFromInline package var end: UInt32

    @inlinable
    package init(_ start: Int, _ end: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
    }

    @inlinable package static var empty: ByteRange { ByteRange(0, 0) }

    @inlinable
    package static func == (left: ByteRange, right: ByteRange) -> Bool {
        left.start == right.start && left.end == right.end
    }

    @inlinable package var lowerBound: Int { Int(start) }
    @inlinable package var upperBound: Int { Int(end) }
    @inlinable package var count: Int { Int(end &- start) }
    @inlinable package var isEmpty: Bool { start == end }
}
