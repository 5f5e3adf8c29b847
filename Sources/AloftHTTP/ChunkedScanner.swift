/// What stands next in a chunked body.
package enum ChunkEvent: Sendable, Equatable {
    /// A run of payload inside the bytes given; a chunk may come in several runs.
    case data(ByteRange)
    /// All bytes given are consumed and the message goes on.
    case needMore
    /// The offset is behind the last CRLF of the message.
    case end
    case rejected(Fault)
}

/// Limits of the parts of a chunked body that are not payload.
package struct ChunkLimits: Sendable, Hashable {
    /// Extension bytes behind one chunk size.
    package var extensionBytes: Int
    /// Extension bytes of the whole message.
    package var totalExtensionBytes: Int
    package var trailerBytes: Int
    package var trailerCount: Int

    package init(
        extensionBytes: Int = 256, totalExtensionBytes: Int = 16 * 1024, trailerBytes: Int = 8192, trailerCount: Int = 32
    ) {
        self.extensionBytes = extensionBytes
        self.totalExtensionBytes = totalExtensionBytes
        self.trailerBytes = trailerBytes
        self.trailerCount = trailerCount
    }
}

/// Walks a chunked body across arbitrary splits, without copying (RFC 9112 §7.1).
///
/// A gateway either passes the bytes on as they are (`pass`) and only learns where the message ends, or takes the payload
/// (`next`). All bytes before the offset are validated, so they may be forwarded before the rest has arrived.
package struct ChunkedScanner: Sendable {
    /// Payload bytes seen so far, over all chunks.
    package private(set) var payloadBytes = 0
    private let limits: ChunkLimits
    private let forRequest: Bool

    package init(limits: ChunkLimits = ChunkLimits(), forRequest: Bool) {
        self.limits = limits
        self.forRequest = forRequest
    }

    /// The next run of payload, or why there is none. Moves `offset` behind what it consumed.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, from offset: inout Int) -> ChunkEvent {
        .needMore
    }

    /// Validates as far as the bytes go, payload included: never `.data`.
    package mutating func pass(_ bytes: UnsafeRawBufferPointer, from offset: inout Int) -> ChunkEvent {
        .needMore
    }
}
