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
        extensionBytes: Int = 256, totalExtensionBytes: Int = 16 * 1024, trailerBytes: Int = 8192,
        trailerCount: Int = 32
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
/// (`next`). All bytes before the offset are validated, so they may be forwarded before the rest has arrived. After `.end`
/// or `.rejected` it must be replaced or `reset`.
package struct ChunkedScanner: Sendable {
    /// Payload bytes announced by the chunk sizes so far: at least those seen, so that a body limit can be applied early.
    package private(set) var announcedBytes = 0
    /// Payload bytes seen so far, over all chunks.
    package var payloadBytes: Int { announcedBytes &- remaining }

    private let limits: ChunkLimits
    private let forRequest: Bool
    private var state = State.size
    /// Payload bytes still to come of the chunk under way.
    private var remaining = 0
    /// The chunk size being read, and how many digits it has.
    private var size = 0
    private var digits = 0
    private var extensions = ChunkExtensions()
    private var trailers = TrailerSection()

    private enum State: Sendable { case size, extensions, sizeEnd, data, dataReturn, dataEnd, trailers, done }

    /// More digits are refused even where they are zeros.
    private static let longestSize = 16
    /// 256 TiB, of one chunk and of all: no body is larger, and other readers' integers end somewhere above.
    private static let largest = 1 << 48

    package init(limits: ChunkLimits = ChunkLimits(), forRequest: Bool) {
        self.limits = limits
        self.forRequest = forRequest
    }

    /// Makes ready for the next message.
    package mutating func reset() {
        self = ChunkedScanner(limits: limits, forRequest: forRequest)
    }

    /// The next run of payload, or why there is none. Moves `offset` behind what it consumed.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, from offset: inout Int) -> ChunkEvent {
        do throws(FaultReason) {
            while offset < bytes.count {
                if state == .data { return .data(takeData(bytes, &offset)) }
                if try step(bytes, &offset) { return .end }
            }
            return .needMore
        } catch {
            return .rejected(forRequest ? Fault(error) : Fault(upstream: error))
        }
    }

    /// Validates as far as the bytes go, payload included: never `.data`.
    package mutating func pass(_ bytes: UnsafeRawBufferPointer, from offset: inout Int) -> ChunkEvent {
        while true {
            let event = next(bytes, from: &offset)
            if case .data = event { continue }
            return event
        }
    }

    @inline(always)
    private mutating func takeData(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> ByteRange {
        let count = min(remaining, bytes.count &- offset)
        let range = ByteRange(offset, offset &+ count)
        offset &+= count
        remaining &-= count
        if remaining == 0 { state = .dataReturn }
        return range
    }

    /// Consumes one byte, or the trailers as far as they go; true at the end of the message.
    @inline(always)
    private mutating func step(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) throws(FaultReason) -> Bool {
        let byte = bytes[offset]
        switch state {
        case .size:
            try readSize(byte)
        case .extensions:
            if try extensions.take(byte, limits) { state = .sizeEnd }
        case .sizeEnd:
            guard byte == 0x0A else { throw .bareCarriageReturn }
            state = remaining > 0 ? .data : .trailers
        case .dataReturn:
            guard byte == 0x0D else { throw .missingChunkEnd }
            state = .dataEnd
        case .dataEnd:
            guard byte == 0x0A else { throw .missingChunkEnd }
            state = .size
        case .trailers:
            guard try trailers.take(byte, limits) else { break }
            offset &+= 1
            state = .done
            return true
        case .data, .done:
            throw .missingChunkEnd
        }
        offset &+= 1
        return false
    }

    @inline(always)
    private mutating func readSize(_ byte: UInt8) throws(FaultReason) {
        if let digit = hexadecimal(byte) {
            guard digits < Self.longestSize else { throw .chunkTooLarge }
            size = size &<< 4 | Int(digit)
            guard size <= Self.largest else { throw .chunkTooLarge }
            digits &+= 1
            return
        }
        guard digits > 0 else { throw byte == 0x0A ? .bareLineFeed : .invalidChunkSize }
        switch byte {
        case 0x0D: state = .sizeEnd
        case 0x3B:
            extensions.begin()
            state = .extensions
        case 0x0A: throw .bareLineFeed
        default: throw .invalidChunkSize
        }
        guard announcedBytes &+ size <= Self.largest else { throw .chunkTooLarge }
        announcedBytes &+= size
        remaining = size
        size = 0
        digits = 0
    }
}

/// Chunk extensions behind their first `;`, by the grammar and without white space (RFC 9112 §7.1.1).
///
/// Nobody uses them; readers that skip them carelessly are how requests were smuggled.
struct ChunkExtensions: Sendable {
    private enum State: Sendable { case nameStart, name, valueStart, token, quoted, escaped, afterQuoted }

    private var state = State.nameStart
    private var count = 0
    private var total = 0

    /// Consumes one byte; true for the carriage return that ends the line.
    mutating func take(_ byte: UInt8, _ limits: ChunkLimits) throws(FaultReason) -> Bool {
        if byte == 0x0A { throw .bareLineFeed }
        guard count <= limits.extensionBytes, total <= limits.totalExtensionBytes else { throw .chunkExtensionTooLong }
        if byte == 0x0D {
            switch state {
            case .name, .token, .afterQuoted: return true
            case .nameStart, .valueStart, .quoted, .escaped: throw .invalidChunkExtension
            }
        }
        try advance(byte)
        count &+= 1
        total &+= 1
        return false
    }

    /// A `;` was read.
    mutating func begin() {
        state = .nameStart
        count = 1
        total &+= 1
    }

    private mutating func advance(_ byte: UInt8) throws(FaultReason) {
        switch (state, byte) {
        case (.name, 0x3B), (.token, 0x3B), (.afterQuoted, 0x3B): state = .nameStart
        case (.name, 0x3D): state = .valueStart
        case (.valueStart, 0x22): state = .quoted
        case (.quoted, 0x22): state = .afterQuoted
        case (.quoted, 0x5C): state = .escaped
        case (.escaped, _) where byte >= 0x20 && byte < 0x7F: state = .quoted
        case (.quoted, _) where byte >= 0x20 && byte < 0x7F: break
        case (.nameStart, _) where isTokenByte(byte): state = .name
        case (.valueStart, _) where isTokenByte(byte): state = .token
        case (.name, _) where isTokenByte(byte): break
        case (.token, _) where isTokenByte(byte): break
        default: throw .invalidChunkExtension
        }
    }
}
