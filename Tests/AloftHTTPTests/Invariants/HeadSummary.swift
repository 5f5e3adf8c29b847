import AloftHTTP

/// A head as numbers, so that two readings of the same bytes can be compared whole.
struct HeadSummary: Equatable {
    var numbers: [Int] = []

    init(_ head: RequestHead) {
        numbers = [Int(head.method.rawValue), Int(head.minorVersion), head.byteCount]
        add(head.methodName)
        add(head.path)
        add(head.query)
        add(head.authority)
        add([head.keepAlive, head.expectsContinue, head.wantsUpgrade, head.pathIsPlain])
        add(head.framing)
        add(head.fields)
    }

    init(_ head: ResponseHead) {
        numbers = [head.status, Int(head.minorVersion), head.byteCount]
        add(head.reason)
        add([head.keepAlive])
        add(head.framing)
        add(head.fields)
    }

    private mutating func add(_ range: ByteRange) { numbers += [range.lowerBound, range.upperBound] }

    private mutating func add(_ flags: [Bool]) { numbers += flags.map { $0 ? 1 : 0 } }

    private mutating func add(_ framing: Framing) {
        switch framing {
        case .none: numbers.append(-1)
        case .length(let length): numbers.append(length)
        case .chunked: numbers.append(-2)
        case .untilClose: numbers.append(-3)
        }
    }

    private mutating func add(_ fields: ContiguousArray<Field>) {
        for field in fields {
            add(field.name)
            add(field.value)
            add([field.isHopByHop])
            numbers.append(Int(field.known.rawValue))
        }
    }
}

/// What a parser made of some bytes.
enum Reading: Equatable {
    case complete(HeadSummary)
    case incomplete
    case rejected(Fault)
}

/// Growing prefixes of some bytes, each in memory of exactly its size, so that a sanitizer sees a read too far.
struct Prefixes {
    let bytes: UnsafeRawBufferPointer
    let cuts: [Int]

    /// The first reading that is not incomplete.
    func read(_ body: (UnsafeRawBufferPointer) -> Reading) -> Reading {
        for cut in cuts + [bytes.count] where cut <= bytes.count {
            let reading = Self.withExactCopy(UnsafeRawBufferPointer(rebasing: bytes[..<cut]), body)
            if reading != .incomplete { return reading }
        }
        return .incomplete
    }

    static func withExactCopy<Result>(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyMemory(from: bytes)
        return body(UnsafeRawBufferPointer(copy))
    }
}
