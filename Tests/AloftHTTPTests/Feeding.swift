import AloftHTTP

/// A request head copied out of its bytes, so that two readings can be compared.
struct ParsedRequest: Equatable, CustomStringConvertible {
    var method: Method
    var methodName: String
    var path: String
    var pathIsPlain: Bool
    var query: String
    var authority: String
    var minorVersion: UInt8
    var fields: [ParsedField]
    var framing: Framing
    var keepAlive: Bool
    var expectsContinue: Bool
    var wantsUpgrade: Bool
    var byteCount: Int

    init(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) {
        method = head.method
        methodName = bytes.text(head.methodName)
        path = bytes.text(head.path)
        pathIsPlain = head.pathIsPlain
        query = bytes.text(head.query)
        authority = bytes.text(head.authority)
        minorVersion = head.minorVersion
        fields = head.fields.map { ParsedField($0, bytes) }
        framing = head.framing
        keepAlive = head.keepAlive
        expectsContinue = head.expectsContinue
        wantsUpgrade = head.wantsUpgrade
        byteCount = head.byteCount
    }

    var description: String {
        "\(methodName) \(path)\(query) @\(authority) 1.\(minorVersion) \(framing) keep:\(keepAlive) \(fields)"
    }
}

struct ParsedField: Equatable, CustomStringConvertible {
    var name: String
    var value: [UInt8]
    var known: KnownField
    var isHopByHop: Bool

    init(_ field: Field, _ bytes: UnsafeRawBufferPointer) {
        name = bytes.text(field.name)
        value = Array(bytes[field.value.lowerBound..<field.value.upperBound])
        known = field.known
        isHopByHop = field.isHopByHop
    }

    var description: String { "\(name): \(String(decoding: value, as: UTF8.self))" }
}

struct ParsedResponse: Equatable {
    var status: Int
    var reason: String
    var minorVersion: UInt8
    var fields: [ParsedField]
    var framing: Framing
    var keepAlive: Bool
    var byteCount: Int

    init(_ head: ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        status = head.status
        reason = bytes.text(head.reason)
        minorVersion = head.minorVersion
        fields = head.fields.map { ParsedField($0, bytes) }
        framing = head.framing
        keepAlive = head.keepAlive
        byteCount = head.byteCount
    }
}

/// What a parser made of some bytes.
enum Verdict<Parsed: Equatable>: Equatable {
    case accepted(Parsed)
    case incomplete
    case rejected(Fault)

    var parsed: Parsed? {
        if case .accepted(let parsed) = self { return parsed }
        return nil
    }

    var reason: FaultReason? {
        if case .rejected(let fault) = self { return fault.reason }
        return nil
    }
}

/// Gives `body` growing prefixes of the bytes that end at `cuts`, each in memory of exactly its size, then the whole.
func feed<Parsed>(
    _ bytes: [UInt8], cuts: some Sequence<Int>, _ body: (UnsafeRawBufferPointer) -> Verdict<Parsed>
) -> Verdict<Parsed> {
    for cut in cuts where cut < bytes.count {
        let verdict = bytes[..<cut].withExactCopy(body)
        if verdict != .incomplete { return verdict }
    }
    return bytes[...].withExactCopy(body)
}

extension ArraySlice<UInt8> {
    /// A copy with nothing readable behind it, so that a sanitizer sees a parser that reads too far.
    func withExactCopy<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: self)
        return body(UnsafeRawBufferPointer(copy))
    }
}

func parseRequest(
    _ bytes: [UInt8], limits: HeadLimits = HeadLimits(), cuts: some Sequence<Int> = []
) -> Verdict<ParsedRequest> {
    var parser = RequestParser(limits: limits)
    var head = RequestHead()
    return feed(bytes, cuts: cuts) { given in
        switch parser.parse(given, into: &head) {
        case .complete: .accepted(ParsedRequest(head, given))
        case .incomplete: .incomplete
        case .rejected(let fault): .rejected(fault)
        }
    }
}

func parseResponse(
    _ bytes: [UInt8], answering method: Method = .get, limits: HeadLimits = HeadLimits(), cuts: some Sequence<Int> = []
) -> Verdict<ParsedResponse> {
    var parser = ResponseParser(limits: limits)
    var head = ResponseHead()
    return feed(bytes, cuts: cuts) { given in
        switch parser.parse(given, answering: method, into: &head) {
        case .complete: .accepted(ParsedResponse(head, given))
        case .incomplete: .incomplete
        case .rejected(let fault): .rejected(fault)
        }
    }
}

/// What a chunked body came to: its payload and where it ended, or why not.
struct ChunkResult: Equatable {
    enum End: Equatable {
        case open
        case ended(at: Int)
        case rejected(FaultReason)
    }

    var payload: [UInt8] = []
    var counted = 0
    var end = End.open
}

/// Reads a chunked body in the pieces between `cuts`.
func scanChunks(
    _ bytes: [UInt8], limits: ChunkLimits = ChunkLimits(), forRequest: Bool = true, cuts: [Int] = [], raw: Bool = false
) -> ChunkResult {
    var scanner = ChunkedScanner(limits: limits, forRequest: forRequest)
    var result = ChunkResult()
    var start = 0
    for cut in cuts + [bytes.count] {
        guard result.end == .open, start < cut else { continue }
        bytes[start..<cut].withExactCopy { piece in
            var offset = 0
            scan: while true {
                switch raw ? scanner.pass(piece, from: &offset) : scanner.next(piece, from: &offset) {
                case .data(let range): result.payload += piece[range.lowerBound..<range.upperBound]
                case .needMore: break scan
                case .end: result.end = .ended(at: start + offset)
                case .rejected(let fault): result.end = .rejected(fault.reason)
                }
                if result.end != .open { break scan }
            }
        }
        start = cut
    }
    result.counted = scanner.payloadBytes
    return result
}
