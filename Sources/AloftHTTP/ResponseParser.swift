/// Parses the response heads of an upstream connection, interim ones included (RFC 9112 §4 to §6). Faults are 502.
package struct ResponseParser: Sendable {
    private let limits: HeadLimits

    package init(limits: HeadLimits) {
        self.limits = limits
    }

    /// Reads as far as the bytes go; `method` is that of the request, since the answer to HEAD has no body whatever it says.
    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer, answering method: Method, into head: inout ResponseHead
    ) -> HeadOutcome {
        .incomplete
    }

    /// Forgets a head that was read in part.
    package mutating func reset() {}
}
