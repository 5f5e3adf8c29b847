/// What a path has in it that matters to routing.
///
/// The parser has applied `examine` to each request already: heads with a refused path never reach the edge, and
/// `RequestHead.pathIsPlain` says whether routes may look at the raw bytes.
package enum PathCheck: Sendable, Equatable {
    /// The raw bytes are the path: routes match them as they are.
    case plain
    /// Percent-encoding or empty segments (`//`): match routes on what `canonical` writes, forward the raw bytes.
    case needsCanonical
    case refused(FaultReason)

    /// Classifies a path that begins with `/`.
    package static func examine(_ bytes: UnsafeRawBufferPointer, _ path: ByteRange) -> PathCheck {
        .plain
    }

    /// Writes the form that routes are matched on: percent-encodings decoded (`%2F` too), runs of `/` made one.
    ///
    /// `output` needs `path.count` bytes; returns how many were written. Only for paths that `examine` did not refuse.
    package static func canonical(
        _ bytes: UnsafeRawBufferPointer, _ path: ByteRange, into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        0
    }
}
