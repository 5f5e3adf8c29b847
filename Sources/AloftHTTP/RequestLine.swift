/// Reads a request line (RFC 9112 §3), resuming where the bytes ended.
struct RequestLine: Sendable {
    /// The form of the target that the line has, once it is read.
    private(set) var method = Method.other
    private(set) var methodName = ByteRange.empty
    private(set) var minorVersion: UInt8 = 1
    /// Nothing in the path but the commonest bytes.
    private(set) var hasCommonPath = true
    /// Where the target's query begins with its `?`; 0 where there is none.
    private(set) var queryStart = 0
    /// Where the target ends; 0 until it is read.
    private(set) var targetEnd = 0
    /// 2 behind an empty line.
    private var start = 0
    /// 0 until the method is read.
    private var targetStart = 0
    /// Bytes of the target before this are validated.
    private var scanned = 0

    static let longestMethod = 32

    var target: ByteRange { ByteRange(targetStart, targetEnd) }

    /// Returns the offset of the first field line, or 0 where the bytes end before it.
    mutating func read(_ bytes: ByteView, limits: HeadLimits) throws(FaultReason) -> Int {
        if start == 0, targetStart == 0, bytes[0] == 0x0D {
            guard bytes.end > 1 else { return try exhausted(bytes, limits) }
            guard bytes[1] == 0x0A else { throw .bareCarriageReturn }
            start = 2
        }
        let view = bytes.clamped(to: limits.headBytes).clamped(to: start &+ limits.requestLineBytes)
        if targetStart == 0 {
            guard try readMethod(view) else { return try exhausted(bytes, limits) }
        }
        if targetEnd == 0 {
            guard try readTarget(view) else { return try exhausted(bytes, limits) }
        }
        let end = try readVersion(view)
        return end == 0 ? try exhausted(bytes, limits) : end
    }

    /// The bytes end inside the line: more must come, unless the line may not be longer.
    @inline(never)
    private func exhausted(_ bytes: ByteView, _ limits: HeadLimits) throws(FaultReason) -> Int {
        if bytes.end >= start &+ limits.requestLineBytes { throw .requestLineTooLong }
        if bytes.end >= limits.headBytes { throw .headTooLarge }
        return 0
    }

    @inline(always)
    private mutating func readMethod(_ view: ByteView) throws(FaultReason) -> Bool {
        if view.end &- start >= 8 {
            let word = view.word(at: start).littleEndian
            if word & 0xFFFF_FFFF == 0x2054_4547 {
                setMethod(.get, count: 3)
                return true
            }
            if word & 0xFF_FFFF_FFFF == 0x20_5453_4F50 {
                setMethod(.post, count: 4)
                return true
            }
        }
        return try readAnyMethod(view)
    }

    @inline(never)
    private mutating func readAnyMethod(_ view: ByteView) throws(FaultReason) -> Bool {
        var at = start
        while at < view.end {
            let byte = view[at]
            if byte == 0x20, at > start {
                setMethod(Method(view.buffer, ByteRange(start, at)), count: at &- start)
                return true
            }
            guard Self.isMethodByte(byte), at &- start < Self.longestMethod else {
                throw byte == 0x0A ? .bareLineFeed : .invalidMethod
            }
            at &+= 1
        }
        return false
    }

    /// Capitals, `-` and `_`. Others are tokens too, but no method has ever had them, and an application that takes `post`
    /// for `POST` would serve what a route for POST was to guard.
    private static func isMethodByte(_ byte: UInt8) -> Bool {
        byte &- 0x41 < 26 || byte == 0x2D || byte == 0x5F
    }

    @inline(always)
    private mutating func setMethod(_ method: Method, count: Int) {
        self.method = method
        methodName = ByteRange(start, start &+ count)
        targetStart = start &+ count &+ 1
        scanned = targetStart
    }

    /// Finds the end of the target and its query, and refuses bytes that no target may hold.
    @inline(always)
    private mutating func readTarget(_ view: ByteView) throws(FaultReason) -> Bool {
        if queryStart == 0 {
            scanned = view.skip(.commonPath, from: scanned)
            while scanned < view.end, view[scanned] != 0x20, view[scanned] != 0x3F {
                guard ByteClass.query.contains(view[scanned]) else { throw Self.targetFault(view[scanned]) }
                hasCommonPath = false
                scanned = view.skip(.commonPath, from: scanned &+ 1)
            }
            guard scanned < view.end else { return false }
            if view[scanned] == 0x3F {
                queryStart = scanned
                scanned &+= 1
            }
        }
        if queryStart != 0 {
            scanned = view.skip(.query, from: scanned)
            guard scanned < view.end else { return false }
            guard view[scanned] == 0x20 else { throw Self.targetFault(view[scanned]) }
        }
        guard scanned > targetStart else { throw .invalidTarget }
        targetEnd = scanned
        return true
    }

    private static func targetFault(_ byte: UInt8) -> FaultReason {
        switch byte {
        case 0x0A: .bareLineFeed
        case 0x0D: .invalidVersion
        default: .invalidTarget
        }
    }

    /// Returns the offset behind the line's CRLF, or 0 where the bytes end before it.
    @inline(always)
    private mutating func readVersion(_ view: ByteView) throws(FaultReason) -> Int {
        let at = targetEnd &+ 1
        if at &+ 10 <= view.end, view[at &+ 8] == 0x0D, view[at &+ 9] == 0x0A {
            let word = view.word(at: at).littleEndian
            if word == 0x312E_312F_5054_5448 {
                minorVersion = 1
                return at &+ 10
            }
            if word == 0x302E_312F_5054_5448 {
                minorVersion = 0
                return at &+ 10
            }
        }
        return try refuseVersion(view, at)
    }

    /// Walks a version that is not one of ours to the first byte that decides what is wrong with it.
    @inline(never)
    private func refuseVersion(_ view: ByteView, _ start: Int) throws(FaultReason) -> Int {
        let pattern: StaticString = "HTTP/0.0\r\n"
        for i in 0..<pattern.utf8CodeUnitCount {
            guard start &+ i < view.end else { return 0 }
            let byte = view[start &+ i]
            let expected = pattern.utf8Start[i]
            if expected == 0x30 ? byte &- 0x30 <= 9 : byte == expected { continue }
            if byte == 0x0A { throw .bareLineFeed }
            throw i == 9 ? .bareCarriageReturn : .invalidVersion
        }
        throw .unsupportedVersion
    }
}

extension Method {
    /// Methods are case-sensitive (RFC 9110 §9.1).
    init(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) {
        switch name.count {
        case 3: self = bytes.equals(name, "GET") ? .get : bytes.equals(name, "PUT") ? .put : .other
        case 4: self = bytes.equals(name, "POST") ? .post : bytes.equals(name, "HEAD") ? .head : .other
        case 5: self = bytes.equals(name, "PATCH") ? .patch : bytes.equals(name, "TRACE") ? .trace : .other
        case 6: self = bytes.equals(name, "DELETE") ? .delete : .other
        case 7: self = bytes.equals(name, "OPTIONS") ? .options : bytes.equals(name, "CONNECT") ? .connect : .other
        default: self = .other
        }
    }
}
