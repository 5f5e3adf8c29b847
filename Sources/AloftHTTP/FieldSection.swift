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

    @inline(__always)
    func has(_ field: KnownField) -> Bool { seen & field.bit != 0 }
}

/// Reads field lines up to the empty line (RFC 9112 §5), resuming where the bytes ended.
struct FieldSection: Sendable {
    private(set) var facts = FieldFacts()
    /// Where the line under way begins.
    private var line = 0
    /// Bytes before this are validated.
    private var scanned = 0
    /// Of the line under way; 0 while its name is read.
    private var colon = 0

    /// Starts at the first field line, which is never at offset 0.
    @inline(__always)
    mutating func begin(at offset: Int) {
        facts = FieldFacts()
        line = offset
        scanned = offset
        colon = 0
    }

    /// Returns the offset behind the empty line, or 0 where the bytes end before it.
    @inline(__always)
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, limits: HeadLimits, isRequest: Bool, into fields: inout ContiguousArray<Field>
    ) throws(FaultReason) -> Int {
        let view = ByteView(bytes.baseAddress.unsafelyUnwrapped, end: min(bytes.count, limits.headBytes))
        let end = view.end
        while true {
            if colon == 0 {
                if scanned == line, line < end, view[line] == 0x0D {
                    guard line &+ 1 < end else { break }
                    guard view[line &+ 1] == 0x0A else { throw .bareCarriageReturn }
                    return line &+ 2
                }
                scanned = try Self.nameEnd(view, line: line, from: scanned)
                guard scanned < end else { break }
                colon = scanned
                scanned &+= 1
            }
            scanned = Self.valueEnd(view, from: scanned)
            guard scanned < end else { break }
            guard view[scanned] == 0x0D else { throw view[scanned] == 0x0A ? .bareLineFeed : .invalidFieldValue }
            guard scanned &+ 1 < end else { break }
            guard view[scanned &+ 1] == 0x0A else { throw .bareCarriageReturn }
            guard fields.count < limits.fieldCount else { throw .tooManyFields }
            fields.append(try take(view, valueEnd: scanned, isRequest: isRequest))
            line = scanned &+ 2
            scanned = line
            colon = 0
        }
        if bytes.count >= limits.headBytes { throw .headTooLarge }
        return 0
    }

    /// The offset of the colon, or the end of the bytes.
    @inline(__always)
    private static func nameEnd(_ view: ByteView, line: Int, from start: Int) throws(FaultReason) -> Int {
        let at = view.skip(.commonName, from: start)
        if at < view.end, view[at] == 0x3A, at > line { return at }
        return try uncommonNameEnd(view, line: line, from: at)
    }

    @inline(never)
    private static func uncommonNameEnd(_ view: ByteView, line: Int, from start: Int) throws(FaultReason) -> Int {
        var at = start
        while at < view.end {
            let byte = view[at]
            if byte == 0x3A {
                guard at > line else { throw .emptyFieldName }
                return at
            }
            guard isTokenByte(byte) else { throw nameFault(byte, isFirst: at == line) }
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

    /// The offset of the first control byte but HTAB, or the end of the bytes.
    @inline(__always)
    private static func valueEnd(_ view: ByteView, from start: Int) -> Int {
        var at = view.skip(.text, from: start)
        while at < view.end, view[at] == 0x09 { at = view.skip(.text, from: at &+ 1) }
        return at
    }

    /// Makes the field of the line under way and notes what it says.
    @inline(__always)
    private mutating func take(_ view: ByteView, valueEnd: Int, isRequest: Bool) throws(FaultReason) -> Field {
        var start = colon &+ 1
        var end = valueEnd
        while start < end, isWhitespace(view[start]) { start &+= 1 }
        while end > start, isWhitespace(view[end &- 1]) { end &-= 1 }
        let known = KnownField.recognise(view.base + line, count: colon &- line)
        let value = ByteRange(start, end)
        if known == .other {
            if isRequest { try Self.refuseImitation(view, line, colon) }
        } else {
            let once = isRequest ? KnownField.onceInRequest : KnownField.onceInResponse
            if facts.seen & once & known.bit != 0 { throw .duplicateField }
            facts.seen |= known.bit
            try note(known, value, view, isRequest: isRequest)
        }
        return Field(name: ByteRange(line, colon), value: value, known: known, isHopByHop: known.isHopByHop)
    }

    @inline(__always)
    private mutating func note(
        _ known: KnownField, _ value: ByteRange, _ view: ByteView, isRequest: Bool
    ) throws(FaultReason) {
        switch known {
        case .host:
            guard isRequest else { return }
            try Authority.validate(view, value)
            facts.host = value
        case .connection:
            try facts.options.add(view, value, isRequest: isRequest)
        case .contentLength:
            guard let length = UnsafeRawBufferPointer(start: view.base, count: view.end).decimal(value) else {
                throw .invalidContentLength
            }
            facts.contentLength = length
        case .transferEncoding:
            try TransferCoding.validate(view, value)
        case .upgrade:
            facts.offersUpgrade = Upgrade.mayTunnel(view, value)
        case .expect where isRequest:
            let bytes = UnsafeRawBufferPointer(start: view.base, count: view.end)
            guard bytes.equalsIgnoringCase(value, "100-continue") else { throw .unsupportedExpectation }
            facts.expectsContinue = true
        default:
            return
        }
    }

    /// `X_Forwarded_For` and `X-Forwarded-For` are one variable to CGI and WSGI applications: a client must not be able
    /// to send the one where the gateway vouches for the other.
    @inline(__always)
    private static func refuseImitation(_ view: ByteView, _ start: Int, _ end: Int) throws(FaultReason) {
        guard end &- start <= 19 else { return }
        try refuseUnderscores(view, start, end)
    }

    @inline(never)
    private static func refuseUnderscores(_ view: ByteView, _ start: Int, _ end: Int) throws(FaultReason) {
        var copy = SIMD32<UInt8>(repeating: 0)
        var found = false
        for i in start..<end {
            let byte = view[i]
            found = found || byte == 0x5F
            copy[i &- start] = byte == 0x5F ? 0x2D : byte
        }
        guard found else { return }
        let known = withUnsafeBytes(of: copy) { bytes in
            KnownField.recognise(bytes.baseAddress.unsafelyUnwrapped, count: end &- start)
        }
        if known != .other { throw .ambiguousFieldName }
    }
}
