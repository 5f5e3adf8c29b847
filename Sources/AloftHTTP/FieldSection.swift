/// What the fields of a head said, gathered while they are read, for framing and connection handling.
struct FieldFacts: Sendable {
    /// Bits of the known fields present.
    var seen: UInt64 = 0
    var contentLength = 0
    var host = ByteRange.empty
    var options = ConnectionOptions()
    /// An Upgrade field with one protocol that may be tunnelled.
    var offersUpgrade = false
    var expectsContinue = false

    @inline(always)
    func has(_ field: KnownField) -> Bool { seen & field.bit != 0 }
}

/// Reads field lines up to the empty line (RFC 9112 §5), resuming where the bytes ended.
struct FieldSection: Sendable {
    private(set) var facts = FieldFacts()
    private let headLimit: Int
    private let fieldLimit: Int
    /// Bits of the fields that may appear once.
    private let once: UInt64
    private let isRequest: Bool
    /// Where the line under way begins.
    private var line = 0
    /// Bytes before this are validated.
    private var scanned = 0
    /// Of the line under way; 0 while its name is read.
    private var colon = 0
    /// The name under way has a byte that is no letter, digit or `-`.
    private var isUncommon = false

    init(limits: HeadLimits, isRequest: Bool) {
        headLimit = limits.headBytes
        fieldLimit = limits.fieldCount
        once = isRequest ? KnownField.onceInRequest : KnownField.onceInResponse
        self.isRequest = isRequest
    }

    /// Starts at the first field line, which is never at offset 0.
    @inline(always)
    mutating func begin(at offset: Int) {
        facts = FieldFacts()
        line = offset
        scanned = offset
        colon = 0
        isUncommon = false
    }

    /// Returns the offset behind the empty line, or 0 where the bytes end before it.
    mutating func read(_ bytes: ByteView, into fields: inout ContiguousArray<Field>) throws(FaultReason) -> Int {
        let view = bytes.clamped(to: headLimit)
        var line = self.line
        var at = scanned
        var colon = self.colon
        while true {
            if colon == 0 {
                if at == line, at < view.end, view[at] == 0x0D {
                    if at &+ 1 == view.end { break }
                    guard view[at &+ 1] == 0x0A else { throw .bareCarriageReturn }
                    return at &+ 2
                }
                at = view.skip(.commonName, from: at)
                if at >= view.end { break }
                if view[at] != 0x3A || at == line {
                    at = try uncommonNameEnd(view, line: line, from: at)
                    if at == view.end { break }
                }
                colon = at
                at &+= 1
            }
            at = view.skip(.text, from: at)
            guard at &+ 1 < view.end, view[at] == 0x0D, view[at &+ 1] == 0x0A else {
                if at < view.end, view[at] == 0x09 {
                    at &+= 1
                    continue
                }
                try refuseValueEnd(view, at)
                break
            }
            guard fields.count < fieldLimit else { throw .tooManyFields }
            fields.append(try field(view, line, colon, at))
            line = at &+ 2
            at = line
            colon = 0
        }
        self.line = line
        self.colon = colon
        scanned = at
        if bytes.end >= headLimit { throw .headTooLarge }
        return 0
    }

    /// Finds the colon behind a name that is not made of letters, digits and `-` alone, or the end of the bytes.
    @inline(never)
    private mutating func uncommonNameEnd(_ view: ByteView, line: Int, from start: Int) throws(FaultReason) -> Int {
        var at = start
        while at < view.end {
            let byte = view[at]
            if byte == 0x3A {
                guard at > line else { throw .emptyFieldName }
                return at
            }
            guard isTokenByte(byte) else { throw Self.nameFault(byte, isFirst: at == line) }
            if !ByteClass.commonName.contains(byte) { isUncommon = true }
            at &+= 1
        }
        return at
    }

    private static func nameFault(_ byte: UInt8, isFirst: Bool) -> FaultReason {
        switch byte {
        case 0x20, 0x09: isFirst ? .obsoleteFolding : .spaceBeforeColon
        case 0x0A: .bareLineFeed
        case 0x0D: .missingColon
        default: .invalidFieldName
        }
    }

    /// Refuses what ends a value otherwise than with CRLF, once the bytes tell.
    @inline(never)
    private func refuseValueEnd(_ view: ByteView, _ at: Int) throws(FaultReason) {
        guard at < view.end else { return }
        switch view[at] {
        case 0x0D where at &+ 1 == view.end: return
        case 0x0D: throw .bareCarriageReturn
        case 0x0A: throw .bareLineFeed
        default: throw .invalidFieldValue
        }
    }

    /// Makes the field of a line and notes what it says.
    @inline(always)
    private mutating func field(
        _ view: ByteView, _ line: Int, _ colon: Int, _ valueEnd: Int
    ) throws(FaultReason) -> Field {
        var start = colon &+ 1
        var end = valueEnd
        while start < end, isWhitespace(view[start]) { start &+= 1 }
        while end > start, isWhitespace(view[end &- 1]) { end &-= 1 }
        let known = KnownField.recognise(view.base + line, count: colon &- line)
        let value = ByteRange(start, end)
        if known != .other {
            if facts.seen & once & known.bit != 0 { throw .duplicateField }
            facts.seen |= known.bit
            if known.bit & KnownField.noted != 0 {
                try note(known, value, view)
                try refuseTabs(known, value, view, ByteRange(colon &+ 1, valueEnd))
            }
        } else if isUncommon {
            try refuseImitation(view, line, colon)
        }
        let isHopByHop = KnownField.hopByHop & known.bit != 0
        return Field(name: ByteRange(line, colon), value: value, known: known, isHopByHop: isHopByHop)
    }

    @inline(never)
    private mutating func note(_ known: KnownField, _ value: ByteRange, _ view: ByteView) throws(FaultReason) {
        switch known {
        case .host where isRequest:
            try Authority.validate(view, value)
            facts.host = value
        case .connection:
            try facts.options.add(view, value, isRequest: isRequest)
        case .contentLength:
            guard let length = view.buffer.decimal(value) else { throw .invalidContentLength }
            facts.contentLength = length
        case .transferEncoding:
            try TransferCoding.validate(view, value)
        case .upgrade:
            facts.offersUpgrade = Upgrade.mayTunnel(view, value)
        case .expect where isRequest:
            guard view.matches(value, "100-continue") else { throw .unsupportedExpectation }
            facts.expectsContinue = true
        default:
            return
        }
    }

    /// A tab around a value that framing, routing or the connection depends on is white space to some and part of the value to
    /// others (nginx), which is enough to disagree about where a message ends.
    @inline(always)
    private func refuseTabs(
        _ known: KnownField, _ value: ByteRange, _ view: ByteView, _ whole: ByteRange
    ) throws(FaultReason) {
        for i in whole.lowerBound..<value.lowerBound where view[i] == 0x09 { throw Self.tabFault(known) }
        for i in value.upperBound..<whole.upperBound where view[i] == 0x09 { throw Self.tabFault(known) }
    }

    @inline(never)
    private static func tabFault(_ known: KnownField) -> FaultReason {
        switch known {
        case .host: .invalidHost
        case .contentLength: .invalidContentLength
        case .transferEncoding: .invalidTransferEncoding
        default: .invalidFieldValue
        }
    }

    /// `X_Forwarded_For` and `X-Forwarded-For` are one variable to CGI and WSGI applications, and `X.Forwarded.For` to some: a
    /// client must not be able to send the one where the gateway vouches for the other. Upstreams may say what they like.
    @inline(never)
    private mutating func refuseImitation(_ view: ByteView, _ start: Int, _ end: Int) throws(FaultReason) {
        isUncommon = false
        guard isRequest else { return }
        var copy = Copy(repeating: 0)
        let count = min(end &- start, 32)
        for i in 0..<count {
            let byte = view[start &+ i]
            copy[i] = ByteClass.commonName.contains(byte) ? byte : 0x2D
        }
        let isKnown = withUnsafeBytes(of: copy) { bytes in
            let name = bytes.baseAddress.unsafelyUnwrapped
            if count >= 12, matches(name, "x-forwarded-") { return true }
            return end &- start <= 32 && KnownField.recognise(name, count: count) != .other
        }
        if isKnown { throw .ambiguousFieldName }
    }

    private typealias Copy = SIMD32<UInt8>
}
