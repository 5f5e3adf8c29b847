/// Parses request heads of one connection, one after the other, without allocating (RFC 9112 §2 to §6).
///
/// `parse` is given bytes that begin at the first byte of a head and grow from call to call: what was scanned is not scanned
/// again, so a head that arrives byte by byte costs no more than linear time. After `.complete` or `.rejected` the next call
/// starts afresh. One CRLF before the request line is skipped (RFC 9112 §2.2) and counted in `byteCount`.
package struct RequestParser: Sendable {
    private let limits: HeadLimits

    package init(limits: HeadLimits) {
        self.limits = limits
    }

    /// Reads as far as the bytes go. The same `head` must be given until the outcome is no longer `.incomplete`.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer, into head: inout RequestHead) -> HeadOutcome {
        .incomplete
    }

    /// Forgets a head that was read in part.
    package mutating func reset() {}
}
