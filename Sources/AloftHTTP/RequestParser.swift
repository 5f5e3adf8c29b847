/// Parses request heads of one connection, one after the other, without allocating (RFC 9112 §2 to §6).
///
/// `parse` is given bytes that begin at the first byte of a head and grow from call to call: what was scanned is not scanned
/// again, so a head that arrives byte by byte costs no more than linear time, and the outcome does not depend on how the
/// bytes were split. After `.complete` or `.rejected` the next call starts afresh. One CRLF before the request line is
/// skipped (RFC 9112 §2.2) and counted in `byteCount`.
package struct RequestParser: Sendable {
    private let limits: HeadLimits
    private var line = RequestLine()
    private var section: FieldSection
    private var stage = Stage.idle

    private enum Stage: Sendable { case idle, line, fields }

    package init(limits: HeadLimits) {
        self.limits = limits
        section = FieldSection(limits: limits, isRequest: true)
    }

    /// Reads as far as the bytes go. The same `head` must be given until the outcome is no longer `.incomplete`.
    ///
    /// Ranges of the head are offsets into `bytes`; the body begins at `byteCount`.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer, into head: inout RequestHead) -> HeadOutcome {
        guard bytes.count > 0, let base = bytes.baseAddress else { return .incomplete }
        do throws(FaultReason) {
            guard try advance(ByteView(base, end: bytes.count), &head) else { return .incomplete }
            stage = .idle
            return .complete
        } catch {
            stage = .idle
            return .rejected(Fault(error))
        }
    }

    /// True when the head is complete.
    @inline(always)
    private mutating func advance(_ view: ByteView, _ head: inout RequestHead) throws(FaultReason) -> Bool {
        if stage != .fields {
            if stage == .idle {
                line = RequestLine()
                head.fields.removeAll(keepingCapacity: true)
                stage = .line
            }
            let first = try line.read(view, limits: limits)
            guard first > 0 else { return false }
            try RequestTarget.resolve(line, view.clamped(to: first), into: &head)
            section.begin(at: first)
            stage = .fields
        }
        let end = try section.read(view, into: &head.fields)
        guard end > 0 else { return false }
        try finish(view, end, &head)
        return true
    }

    /// Forgets a head that was read in part.
    package mutating func reset() {
        stage = .idle
    }

    /// What only the whole head can tell: framing, host, and whether the connection is kept.
    private func finish(_ view: ByteView, _ end: Int, _ head: inout RequestHead) throws(FaultReason) {
        let facts = section.facts
        head.method = line.method
        head.methodName = line.methodName
        head.minorVersion = line.minorVersion
        head.byteCount = end
        head.framing = try framing(facts)
        try settleAuthority(view, facts, &head)
        let options = facts.options
        let isCurrent = line.minorVersion == 1
        head.keepAlive = !options.close && (isCurrent || options.keepAlive)
        head.expectsContinue = facts.expectsContinue && isCurrent && head.framing != .none
        head.wantsUpgrade = options.upgrade && facts.offersUpgrade && isCurrent && head.framing == .none
        if options.named { options.mark(view.buffer, &head.fields) }
    }

    /// RFC 9112 §6.3, without the readings it leaves open: both fields together are refused.
    @inline(always)
    private func framing(_ facts: FieldFacts) throws(FaultReason) -> Framing {
        if facts.has(.transferEncoding) {
            if facts.has(.contentLength) { throw .lengthAndTransferEncoding }
            guard line.minorVersion == 1 else { throw .transferEncodingInOldVersion }
            return .chunked
        }
        return facts.contentLength > 0 ? .length(facts.contentLength) : .none
    }

    @inline(always)
    private func settleAuthority(
        _ view: ByteView, _ facts: FieldFacts, _ head: inout RequestHead
    ) throws(FaultReason) {
        guard facts.has(.host) else {
            if line.minorVersion == 1 { throw .missingHost }
            return
        }
        if !head.authority.isEmpty, !view.buffer.equalsIgnoringCase(head.authority, facts.host) {
            throw .authorityMismatch
        }
        head.authority = facts.host
    }
}
