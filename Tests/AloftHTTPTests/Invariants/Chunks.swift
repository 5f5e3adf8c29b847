import AloftHTTP

extension Invariants {
    struct Body: Equatable {
        var payload: [UInt8] = []
        var end = 0
        var fault: Fault?
        var isEnded = false
    }

    static func chunkViolation(_ bytes: UnsafeRawBufferPointer, cut: Int, limits: ChunkLimits) -> String? {
        let whole = readBody(bytes, cuts: [], limits)
        if readBody(bytes, cuts: [cut], limits) != whole { return "the outcome depends on a split at \(cut)" }
        if readBody(bytes, cuts: Array(0..<min(bytes.count, 2100)), limits) != whole {
            return "the outcome depends on the splits"
        }
        var scanner = ChunkedScanner(limits: limits, forRequest: true)
        var offset = 0
        let passed = Prefixes.withExactCopy(bytes) { scanner.pass($0, from: &offset) }
        if offset > bytes.count { return "the offset is outside the bytes" }
        if (passed == .end) != whole.isEnded { return "passing on and taking differ" }
        guard whole.isEnded else { return nil }
        if offset != whole.end { return "passing on and taking end differently" }
        if scanner.payloadBytes != whole.payload.count { return "the payload is counted wrongly" }
        guard bytes[offset - 1] == 0x0A, bytes[offset - 2] == 0x0D else { return "the end is no line's end" }
        return roundTripViolation(whole.payload)
    }

    /// Reads the pieces between the cuts, each in memory of its own.
    private static func readBody(_ bytes: UnsafeRawBufferPointer, cuts: [Int], _ limits: ChunkLimits) -> Body {
        var scanner = ChunkedScanner(limits: limits, forRequest: true)
        var body = Body()
        var start = 0
        for cut in cuts + [bytes.count] where cut > start && body.fault == nil && !body.isEnded {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<cut])
            Prefixes.withExactCopy(piece) { take(&scanner, $0, start, &body) }
            start = cut
        }
        return body
    }

    private static func take(
        _ scanner: inout ChunkedScanner, _ piece: UnsafeRawBufferPointer, _ start: Int, _ body: inout Body
    ) {
        var offset = 0
        while true {
            switch scanner.next(piece, from: &offset) {
            case .data(let range):
                body.payload += piece[range.lowerBound..<range.upperBound]
            case .needMore:
                precondition(offset == piece.count, "more is needed before all was consumed")
                return
            case .end:
                body.isEnded = true
                body.end = start + offset
                return
            case .rejected(let fault):
                body.fault = fault
                return
            }
        }
    }

    /// The payload in chunks of growing size comes back as it was.
    private static func roundTripViolation(_ payload: [UInt8]) -> String? {
        var encoded: [UInt8] = []
        var start = 0
        var size = 1
        while start < payload.count {
            let end = min(start + size, payload.count)
            encoded += Array("\(String(end - start, radix: 16))\r\n".utf8) + payload[start..<end] + [0x0D, 0x0A]
            start = end
            size *= 2
        }
        encoded += Array("0\r\n\r\n".utf8)
        let body = encoded.withUnsafeBytes { readBody($0, cuts: [$0.count / 2], ChunkLimits()) }
        return body.isEnded && body.payload == payload && body.end == encoded.count
            ? nil : "the payload came back changed"
    }
}
