/// Sets of bytes that a scan runs over; it stops at the first byte outside.
enum ByteClass {
    /// Letters, digits and `-`: what nearly all field names are made of.
    case commonName
    /// Letters, digits and `-./_~`: what nearly all paths are made of.
    case commonPath
    /// Letters, digits and `-.`: what nearly all hosts are made of.
    case commonHost
    /// Everything visible in ASCII but `#`.
    case query
    /// Everything but control bytes (HTAB is one): what may stand in a field value.
    case text

    /// 0xFF in the lanes whose byte is outside the set, 0 in the others.
    @inline(always)
    func outside(_ bytes: Block) -> Block {
        switch self {
        case .commonName:
            return ~(Self.alphanumeric(bytes) | bytes.lanes(equalTo: 0x2D))
        case .commonPath:
            let marks = bytes.lanes(equalTo: 0x5F) | bytes.lanes(equalTo: 0x7E)
            return ~(Self.letters(bytes) | (bytes &- Block(repeating: 0x2D)).lanes(atMost: 12) | marks)
        case .commonHost:
            return ~(Self.alphanumeric(bytes) | (bytes &- Block(repeating: 0x2D)).lanes(atMost: 1))
        case .query:
            return ~(bytes &- Block(repeating: 0x21)).lanes(atMost: 0x5D) | bytes.lanes(equalTo: 0x23)
        case .text:
            return bytes.lanes(atMost: 0x1F) | bytes.lanes(equalTo: 0x7F)
        }
    }

    @inline(always)
    func contains(_ byte: UInt8) -> Bool {
        let isLetter = (byte | 0x20) &- 0x61 <= 25
        switch self {
        case .commonName: return isLetter || byte &- 0x30 <= 9 || byte == 0x2D
        case .commonPath: return isLetter || byte &- 0x2D <= 12 || byte == 0x5F || byte == 0x7E
        case .commonHost: return isLetter || byte &- 0x30 <= 9 || byte &- 0x2D <= 1
        case .query: return byte &- 0x21 <= 0x5D && byte != 0x23
        case .text: return byte >= 0x20 && byte != 0x7F
        }
    }

    @inline(always)
    private static func letters(_ bytes: Block) -> Block {
        ((bytes | Block(repeating: 0x20)) &- Block(repeating: 0x61)).lanes(atMost: 25)
    }

    @inline(always)
    private static func alphanumeric(_ bytes: Block) -> Block {
        letters(bytes) | (bytes &- Block(repeating: 0x30)).lanes(atMost: 9)
    }
}

/// Sixteen bytes that are looked at together.
typealias Block = SIMD16<UInt8>

/// Comparisons whose result is bytes again. Only these forms, of two vectors of one concrete type, are compiled to vector
/// instructions; comparing with a scalar or combining `SIMDMask`s is done lane by lane.
extension SIMD16<UInt8> {
    @inline(always)
    func lanes(equalTo byte: UInt8) -> Block {
        let mask: SIMDMask<SIMD16<Int8>> = self .== Block(repeating: byte)
        return unsafeBitCast(mask, to: Block.self)
    }

    @inline(always)
    func lanes(atMost byte: UInt8) -> Block {
        let mask: SIMDMask<SIMD16<Int8>> = self .<= Block(repeating: byte)
        return unsafeBitCast(mask, to: Block.self)
    }

    /// The first lane that is not 0, 16 where all are.
    @inline(always)
    var firstLane: Int {
        let halves = unsafeBitCast(self, to: SIMD2<UInt64>.self)
        if halves[0] != 0 { return halves[0].littleEndian.trailingZeroBitCount &>> 3 }
        if halves[1] != 0 { return 8 &+ halves[1].littleEndian.trailingZeroBitCount &>> 3 }
        return 16
    }
}

/// The bytes that a parser may look at: a pointer and the offset behind the last readable byte.
///
/// Every access is below `end`; scans load sixteen bytes at once and step back at the end rather than read past it.
struct ByteView {
    let base: UnsafeRawPointer
    let end: Int

    @inline(always)
    init(_ base: UnsafeRawPointer, end: Int) {
        self.base = base
        self.end = end
    }

    @inline(always)
    subscript(offset: Int) -> UInt8 {
        base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// These bytes, but no more of them than `limit`.
    @inline(always)
    func clamped(to limit: Int) -> ByteView {
        ByteView(base, end: end < limit ? end : limit)
    }

    /// The same bytes as a buffer, to ask what `UnsafeRawBufferPointer` answers.
    @inline(always)
    var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: end) }

    @inline(always)
    func word(at offset: Int) -> UInt64 {
        base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    @inline(always)
    func block(at offset: Int) -> Block {
        base.loadUnaligned(fromByteOffset: offset, as: Block.self)
    }

    /// The first offset from `start` on whose byte is outside the set, or `end`.
    @inline(always)
    func skip(_ set: ByteClass, from start: Int) -> Int {
        var at = start
        while at &+ 16 <= end {
            let lane = set.outside(block(at: at)).firstLane
            if lane < 16 { return at &+ lane }
            at &+= 16
        }
        return skipTail(set, from: at)
    }

    /// Fewer than sixteen bytes are left: looks at the last sixteen again, without the lanes before `start`.
    @inline(never)
    private func skipTail(_ set: ByteClass, from start: Int) -> Int {
        guard start < end else { return end }
        guard end >= 16 else {
            var at = start
            while at < end, set.contains(self[at]) { at &+= 1 }
            return at
        }
        let first = end &- 16
        let lanes = Block(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        // start is behind first, else a whole block would have been left.
        let seen = lanes.lanes(atMost: UInt8(truncatingIfNeeded: start &- first &- 1))
        return first &+ (set.outside(block(at: first)) & ~seen).firstLane
    }

    /// Whether a range of validated text is this lower-case literal, with letters in either case.
    @inline(always)
    func matches(_ range: ByteRange, _ literal: StaticString) -> Bool {
        range.count == literal.utf8CodeUnitCount && AloftHTTP.matches(base + range.lowerBound, literal)
    }

    /// Whether in a range `first` is followed by `second` or `third`; may also be true for a pair just behind the range.
    @inline(always)
    func mayHavePair(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ start: Int, _ rangeEnd: Int) -> Bool {
        var at = start
        while at &+ 1 < rangeEnd {
            guard at &+ 16 <= end else { return true }
            let bytes = block(at: at)
            let firsts = unsafeBitCast(bytes.lanes(equalTo: first), to: SIMD2<UInt64>.self)
            let followers = bytes.lanes(equalTo: second) | bytes.lanes(equalTo: third)
            let seconds = unsafeBitCast(followers, to: SIMD2<UInt64>.self)
            let next = SIMD2<UInt64>(seconds[0] &>> 8 | seconds[1] &<< 56, seconds[1] &>> 8)
            if firsts[0] & next[0] | firsts[1] & next[1] != 0 { return true }
            // The last lane has no neighbour here: it comes first in the next block.
            at &+= 15
        }
        return false
    }
}
