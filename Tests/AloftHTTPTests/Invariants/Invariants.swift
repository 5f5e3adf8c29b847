import AloftHTTP

/// What must hold of the codec whatever bytes it is given: checked by a seeded test on every run, and by a fuzzer.
package enum Invariants {
    /// What is violated by an input, nil where all holds.
    ///
    /// The first byte says what the rest is: `q` a request, `s` a response, `h` a response to HEAD, anything else a chunked
    /// body. The second says where it is split.
    package static func violation(_ input: UnsafeRawBufferPointer) -> String? {
        guard input.count >= 2 else { return nil }
        let bytes = UnsafeRawBufferPointer(rebasing: input[2...])
        let cut = bytes.count * Int(input[1]) / 256
        switch input[0] {
        case UInt8(ascii: "q"): return requestViolation(bytes, cut: cut)
        case UInt8(ascii: "s"): return responseViolation(bytes, cut: cut, method: .get)
        case UInt8(ascii: "h"): return responseViolation(bytes, cut: cut, method: .head)
        default: return chunkViolation(bytes, cut: cut, limits: ChunkLimits())
        }
    }

    /// Small, so that short inputs reach them.
    static let limits = HeadLimits(headBytes: 2048, fieldCount: 24, requestLineBytes: 512)

    static func requestViolation(_ bytes: UnsafeRawBufferPointer, cut: Int) -> String? {
        func read(_ bytes: UnsafeRawBufferPointer, cuts: [Int] = []) -> (Reading, RequestHead) {
            var parser = RequestParser(limits: limits)
            var head = RequestHead()
            let reading = Prefixes(bytes: bytes, cuts: cuts).read { given in
                switch parser.parse(given, into: &head) {
                case .complete: .complete(HeadSummary(head))
                case .incomplete: .incomplete
                case .rejected(let fault): .rejected(fault)
                }
            }
            return (reading, head)
        }
        let (whole, head) = read(bytes)
        if read(bytes, cuts: [cut]).0 != whole { return "the outcome depends on a split at \(cut)" }
        if read(bytes, cuts: Array(0..<min(bytes.count, 2100))).0 != whole {
            return "the outcome depends on the splits"
        }
        guard case .complete = whole else { return nil }
        if let violation = fieldViolation(bytes, head.fields, head.byteCount) { return violation }
        for range in [head.methodName, head.path, head.query, head.authority] where range.upperBound > head.byteCount {
            return "a range is outside the head"
        }
        if read(UnsafeRawBufferPointer(rebasing: bytes[..<head.byteCount])).0 != whole {
            return "it needs bytes behind it"
        }
        if read(UnsafeRawBufferPointer(rebasing: bytes[..<(head.byteCount - 1)])).0 != .incomplete {
            return "it is complete before its end"
        }
        if case .length(let length) = head.framing, length <= 0 { return "a length of nothing" }
        return Forwarding.violation(bytes, head)
    }

    static func responseViolation(_ bytes: UnsafeRawBufferPointer, cut: Int, method: Method) -> String? {
        func read(_ bytes: UnsafeRawBufferPointer, cuts: [Int] = []) -> (Reading, ResponseHead) {
            var parser = ResponseParser(limits: limits)
            var head = ResponseHead()
            let reading = Prefixes(bytes: bytes, cuts: cuts).read { given in
                switch parser.parse(given, answering: method, into: &head) {
                case .complete: .complete(HeadSummary(head))
                case .incomplete: .incomplete
                case .rejected(let fault): .rejected(fault)
                }
            }
            return (reading, head)
        }
        let (whole, head) = read(bytes)
        if read(bytes, cuts: [cut]).0 != whole { return "the outcome depends on a split at \(cut)" }
        if read(bytes, cuts: Array(0..<min(bytes.count, 2100))).0 != whole {
            return "the outcome depends on the splits"
        }
        if case .rejected(let fault) = whole, fault.status != 502 { return "an upstream's fault is not 502" }
        guard case .complete = whole else { return nil }
        if !(100...999).contains(head.status) { return "a status of \(head.status)" }
        if method == .head, head.framing != .none { return "an answer to HEAD has a body" }
        if head.framing == .untilClose, head.keepAlive { return "a body until close on a kept connection" }
        if read(UnsafeRawBufferPointer(rebasing: bytes[..<(head.byteCount - 1)])).0 != .incomplete {
            return "it is complete before its end"
        }
        return fieldViolation(bytes, head.fields, head.byteCount)
    }

    /// Ranges in order and inside the head, names of token bytes, values without control bytes or outer white space.
    private static func fieldViolation(
        _ bytes: UnsafeRawBufferPointer, _ fields: ContiguousArray<Field>, _ byteCount: Int
    ) -> String? {
        guard byteCount <= bytes.count else { return "the head is longer than the bytes" }
        var end = 0
        for field in fields {
            let isOrdered =
                field.name.lowerBound >= end && field.value.lowerBound > field.name.upperBound
                && field.value.upperBound >= field.value.lowerBound && field.value.upperBound + 2 <= byteCount
            guard isOrdered else { return "a field is out of order" }
            guard bytes.isToken(field.name), bytes[field.name.upperBound] == UInt8(ascii: ":") else {
                return "a name is no token"
            }
            if bytes.trimmed(field.value) != field.value, !field.value.isEmpty {
                return "a value has white space around it"
            }
            for i in field.value.lowerBound..<field.value.upperBound {
                if bytes[i] < 0x20 && bytes[i] != 0x09 || bytes[i] == 0x7F { return "a value has a control byte" }
            }
            end = field.value.upperBound
        }
        return nil
    }
}
