import AloftHTTP

/// What is still to come of a request's body (RFC 9112 §6).
enum RequestBody {
    case complete
    case length(Int)
    case chunks(ChunkedScanner)

    enum Step {
        /// So many bytes of what was given belong to the body and are sound.
        case bytes(Int, isLast: Bool)
        case rejected(Fault)
    }

    init(_ framing: Framing) {
        switch framing {
        case .none, .untilClose: self = .complete
        case .length(let length): self = length == 0 ? .complete : .length(length)
        case .chunked: self = .chunks(ChunkedScanner(forRequest: true))
        }
    }

    var isComplete: Bool {
        if case .complete = self { true } else { false }
    }

    /// Goes over `bytes` as far as the body reaches; complete after its last byte and after a fault.
    ///
    /// `payload` is set to the payload of all chunks so far; of a body of known length its head has told.
    mutating func pass(_ bytes: UnsafeRawBufferPointer, payload: inout Int) -> Step {
        switch self {
        case .complete: return .bytes(0, isLast: true)
        case .length(let remaining):
            let count = min(remaining, bytes.count)
            self = count == remaining ? .complete : .length(remaining - count)
            return .bytes(count, isLast: count == remaining)
        case .chunks(var scanner):
            var offset = 0
            let event = scanner.pass(bytes, from: &offset)
            payload = scanner.payloadBytes
            switch event {
            case .data, .needMore:
                self = .chunks(scanner)
                return .bytes(offset, isLast: false)
            case .end:
                self = .complete
                return .bytes(offset, isLast: true)
            case .rejected(let fault):
                self = .complete
                return .rejected(fault)
            }
        }
    }
}
