/// Parses the response heads of an upstream connection, interim ones included (RFC 9112 §4 to §6). Faults are 502.
///
/// Called like `RequestParser`. After an interim response (1xx but 101) the next head follows at `byteCount`.
package struct ResponseParser: Sendable {
    private let limits: HeadLimits
    private var line = StatusLine()
    private var section: FieldSection
    private var stage = Stage.idle

    private enum Stage: Sendable { case idle, line, fields }

    package init(limits: HeadLimits) {
        self.limits = limits
        section = FieldSection(limits: limits, isRequest: false)
    }

    /// Reads as far as the bytes go; `method` is that of the request, since the answer to HEAD has no body whatever it says.
    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer, answering method: Method, into head: inout ResponseHead
    ) -> HeadOutcome {
        guard bytes.count > 0, let base = bytes.baseAddress else { return .incomplete }
        do throws(FaultReason) {
            guard try advance(ByteView(base, end: bytes.count), method, &head) else { return .incomplete }
            stage = .idle
            return .complete
        } catch {
            stage = .idle
            return .rejected(Fault(upstream: error))
        }
    }

    /// True when the head is complete.
    @inline(always)
    private mutating func advance(
        _ view: ByteView, _ method: Method, _ head: inout ResponseHead
    ) throws(FaultReason) -> Bool {
        if stage != .fields {
            if stage == .idle {
                line = StatusLine()
                head.fields.removeAll(keepingCapacity: true)
                stage = .line
            }
            let first = try line.read(view, limits: limits)
            guard first > 0 else { return false }
            section.begin(at: first)
            stage = .fields
        }
        let end = try section.read(view, into: &head.fields)
        guard end > 0 else { return false }
        try finish(view, end, method, &head)
        return true
    }

    /// Forgets a head that was read in part.
    package mutating func reset() {
        stage = .idle
    }

    private func finish(
        _ view: ByteView, _ end: Int, _ method: Method, _ head: inout ResponseHead
    ) throws(FaultReason) {
        let facts = section.facts
        let options = facts.options
        head.status = line.status
        head.reason = line.reason
        head.minorVersion = line.minorVersion
        head.byteCount = end
        head.keepAlive = !options.close && (line.minorVersion == 1 || options.keepAlive)
        if facts.has(.transferEncoding) {
            if facts.has(.contentLength) { throw .lengthAndTransferEncoding }
            guard line.minorVersion == 1 else { throw .transferEncodingInOldVersion }
        }
        head.framing = framing(facts, answering: method)
        if head.framing == .untilClose || mayHideBody(facts, answering: method) { head.keepAlive = false }
        if options.named { options.mark(view.buffer, &head.fields) }
    }

    /// RFC 9112 §6.3.
    @inline(always)
    private func framing(_ facts: FieldFacts, answering method: Method) -> Framing {
        let status = line.status
        if method == .head || status < 200 || status == 204 || status == 304 { return .none }
        if method == .connect, status < 300 { return .none }
        if facts.has(.transferEncoding) { return .chunked }
        guard facts.has(.contentLength) else { return .untilClose }
        return facts.contentLength > 0 ? .length(facts.contentLength) : .none
    }

    /// Where an answer ends with its head whatever that announces, an upstream may send a body all the same, and the next
    /// answer would begin with it: its connection is used again only if the head rules a body out.
    ///
    /// One without a length rules it out where the status does, but not in the answer to HEAD, which handlers that serve
    /// GET too write a body to.
    @inline(always)
    private func mayHideBody(_ facts: FieldFacts, answering method: Method) -> Bool {
        let isBodyless = line.status < 200 || line.status == 204 || line.status == 304
        guard isBodyless || method == .head else { return false }
        if facts.has(.transferEncoding) || facts.contentLength > 0 { return true }
        return !isBodyless && !facts.has(.contentLength)
    }
}

/// Reads a status line (RFC 9112 §4), resuming where the bytes ended. The space before an empty reason may be missing.
struct StatusLine: Sendable {
    private(set) var status = 0
    private(set) var minorVersion: UInt8 = 1
    private(set) var reason = ByteRange.empty
    /// Bytes of the reason before this are validated; 0 until version and status are.
    private var scanned = 0

    /// Returns the offset of the first field line, or 0 where the bytes end before it.
    mutating func read(_ bytes: ByteView, limits: HeadLimits) throws(FaultReason) -> Int {
        let view = bytes.clamped(to: limits.headBytes)
        if scanned == 0 {
            guard view.end >= 14 else { return try exhausted(bytes, limits) }
            try readStatus(view)
            scanned = 12
        }
        scanned = view.skip(.text, from: scanned)
        while scanned < view.end, view[scanned] == 0x09 { scanned = view.skip(.text, from: scanned &+ 1) }
        guard scanned < view.end else { return try exhausted(bytes, limits) }
        guard view[scanned] == 0x0D else { throw view[scanned] == 0x0A ? .bareLineFeed : .invalidStatusLine }
        guard scanned &+ 1 < view.end else { return try exhausted(bytes, limits) }
        guard view[scanned &+ 1] == 0x0A else { throw .bareCarriageReturn }
        guard scanned == 12 || view[12] == 0x20 else { throw .invalidStatusLine }
        reason = scanned > 13 ? ByteRange(13, scanned) : .empty
        return scanned &+ 2
    }

    @inline(never)
    private func exhausted(_ bytes: ByteView, _ limits: HeadLimits) throws(FaultReason) -> Int {
        if bytes.end >= limits.headBytes { throw .headTooLarge }
        return 0
    }

    @inline(always)
    private mutating func readStatus(_ view: ByteView) throws(FaultReason) {
        let word = view.word(at: 0).littleEndian
        guard word == 0x312E_312F_5054_5448 || word == 0x302E_312F_5054_5448, view[8] == 0x20 else {
            throw .invalidStatusLine
        }
        minorVersion = word == 0x312E_312F_5054_5448 ? 1 : 0
        let hundreds = view[9] &- 0x30
        let tens = view[10] &- 0x30
        let ones = view[11] &- 0x30
        guard hundreds &- 1 <= 8, tens <= 9, ones <= 9 else { throw .invalidStatusLine }
        status = Int(hundreds) &* 100 &+ Int(tens) &* 10 &+ Int(ones)
    }
}
