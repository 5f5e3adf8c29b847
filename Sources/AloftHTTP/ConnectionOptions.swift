/// What the Connection fields of a head asked for (RFC 9110 §7.6.1).
struct ConnectionOptions: Sendable {
    var close = false
    var keepAlive = false
    var upgrade = false
    /// Other fields are named: they have to be looked up among the fields and marked.
    private(set) var named = false

    /// Members of lists so far. More than this many are refused, which bounds the cost of looking them up.
    private var count = 0
    private static let limit = 16

    @inline(always)
    mutating func add(_ view: ByteView, _ value: ByteRange, isRequest: Bool) throws(FaultReason) {
        if view.matches(value, "keep-alive") {
            keepAlive = true
        } else if view.matches(value, "close") {
            close = true
        } else if view.matches(value, "upgrade") {
            upgrade = true
        } else {
            try addList(view.buffer, value, isRequest: isRequest)
        }
    }

    @inline(never)
    private mutating func addList(
        _ bytes: UnsafeRawBufferPointer, _ value: ByteRange, isRequest: Bool
    ) throws(FaultReason) {
        var offset = value.lowerBound
        while let option = bytes.nextListMember(value, from: &offset) {
            count &+= 1
            guard count <= Self.limit else { throw .tooManyConnectionOptions }
            if bytes.equalsIgnoringCase(option, "close") {
                close = true
            } else if bytes.equalsIgnoringCase(option, "keep-alive") {
                keepAlive = true
            } else if bytes.equalsIgnoringCase(option, "upgrade") {
                upgrade = true
            } else {
                try addName(bytes, option, isRequest: isRequest)
            }
        }
    }

    /// An application must get the fields that its client meant for it: a request that would have the gateway strip one of
    /// those it relies on is an attack and refused; a response is only not obeyed.
    private mutating func addName(
        _ bytes: UnsafeRawBufferPointer, _ option: ByteRange, isRequest: Bool
    ) throws(FaultReason) {
        guard bytes.isToken(option) else { throw .invalidFieldValue }
        switch Self.known(bytes, option) {
        case .other:
            named = true
        case .connection, .keepAlive, .proxyConnection, .te, .trailer, .proxyAuthenticate, .proxyAuthorization:
            return
        default:
            if isRequest { throw .endToEndFieldInConnection }
        }
    }

    /// Marks the fields that were named. Only fields without a meaning here can be.
    func mark(_ bytes: UnsafeRawBufferPointer, _ fields: inout ContiguousArray<Field>) {
        for field in fields where field.known == .connection {
            var offset = field.value.lowerBound
            while let option = bytes.nextListMember(field.value, from: &offset) {
                for i in fields.indices where fields[i].known == .other {
                    if bytes.equalsIgnoringCase(option, fields[i].name) { fields[i].isHopByHop = true }
                }
            }
        }
    }

    private static func known(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> KnownField {
        guard let base = bytes.baseAddress else { return .other }
        return KnownField.recognise(base + name.lowerBound, count: name.count)
    }
}

enum TransferCoding {
    /// Accepts `chunked` alone. Anything in front of a final `chunked` is a coding unknown here (501); anything else leaves
    /// the end of the body unknown (400) (RFC 9112 §6.1, §6.3).
    @inline(always)
    static func validate(_ view: ByteView, _ value: ByteRange) throws(FaultReason) {
        if view.matches(value, "chunked") { return }
        throw refusal(view.buffer, value)
    }

    @inline(never)
    private static func refusal(_ bytes: UnsafeRawBufferPointer, _ value: ByteRange) -> FaultReason {
        var offset = value.lowerBound
        var members = 0
        var chunkedAt = 0
        var chunkedCount = 0
        while let member = bytes.nextListMember(value, from: &offset) {
            guard bytes.isToken(member) else { return .invalidTransferEncoding }
            members &+= 1
            guard bytes.equalsIgnoringCase(member, "chunked") else { continue }
            chunkedAt = members
            chunkedCount &+= 1
        }
        let endsChunked = members > 1 && chunkedCount == 1 && chunkedAt == members
        return endsChunked ? .unsupportedTransferCoding : .invalidTransferEncoding
    }
}

enum Upgrade {
    /// One protocol, and none that is HTTP itself: an `h2c` tunnel would carry requests past every route of the gateway.
    static func mayTunnel(_ view: ByteView, _ value: ByteRange) -> Bool {
        let bytes = view.buffer
        var offset = value.lowerBound
        guard let name = bytes.nextListMember(value, from: &offset), name == value else { return false }
        return !bytes.equalsIgnoringCase(name, "h2c") && !startsWithHTTP(bytes, name)
    }

    private static func startsWithHTTP(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> Bool {
        guard name.count >= 4 else { return false }
        return bytes.equalsIgnoringCase(ByteRange(name.lowerBound, name.lowerBound &+ 4), "http")
    }
}
