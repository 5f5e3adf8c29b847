/// A run of bytes of the buffer that a head was parsed from. Heads are limited to far less than 4 GiB.
package struct ByteRange: Sendable, Hashable {
    package var start: UInt32
    package var end: UInt32

    @inline(__always)
    package init(_ start: Int, _ end: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
    }

    package static let empty = ByteRange(0, 0)

    @inline(__always) package var lowerBound: Int { Int(start) }
    @inline(__always) package var upperBound: Int { Int(end) }
    @inline(__always) package var count: Int { Int(end &- start) }
    @inline(__always) package var isEmpty: Bool { start == end }
}
