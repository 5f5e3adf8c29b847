import AloftHTTP
import AloftModel

/// One hop as `X-Forwarded-For` and the `for` of `Forwarded` name it (RFC 7239 §6): an address with or without a port,
/// `unknown`, or a name of the proxy's own that begins with `_`.
struct ForwardedNode {
    enum Kind: Equatable { case v4, v6, hidden, malformed }

    let kind: Kind
    /// Nil where no address is told.
    let address: PeerAddress?
    /// The address without brackets and port, or what stands for it.
    let text: ByteRange
    /// All of it, without the quotes of `Forwarded`.
    private let whole: ByteRange

    init(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) {
        whole = range
        var end = range.upperBound
        var start = range.lowerBound
        var address: IPAddress?
        if start < end, bytes[start] == UInt8(ascii: "[") {
            start += 1
            end = Self.index(of: UInt8(ascii: "]"), in: bytes, start, end)
            let isClosed = end < range.upperBound && Self.isPort(bytes, end + 1, range.upperBound)
            address = isClosed ? IPAddress(v6: Self.slice(bytes, start, end)) : nil
        } else {
            let colon = Self.index(of: UInt8(ascii: ":"), in: bytes, start, end)
            if colon < end, Self.index(of: UInt8(ascii: ":"), in: bytes, colon + 1, end) < end {
                address = IPAddress(v6: Self.slice(bytes, start, end))
            } else {
                let isSound = Self.isPort(bytes, colon, end)
                end = colon
                address = isSound ? IPAddress(v4: Self.slice(bytes, start, end)) : nil
            }
        }
        if let address {
            kind = address.family == .v4 ? .v4 : .v6
            self.address = PeerAddress(address)
            text = ByteRange(start, end)
        } else {
            kind = Self.isHidden(bytes, range) ? .hidden : .malformed
            self.address = nil
            text = range
        }
    }

    /// As a member of `X-Forwarded-For`, where addresses stand alone.
    func putMember(_ bytes: UnsafeRawBufferPointer, _ writer: inout ByteWriter) {
        if kind == .malformed { writer.put("unknown") } else { writer.put(bytes, text) }
    }

    /// As the value of `for`, where all but a bare IPv4 address needs quotes, and IPv6 brackets.
    func putValue(_ bytes: UnsafeRawBufferPointer, _ writer: inout ByteWriter) {
        switch kind {
        case .malformed: writer.put("unknown")
        case .v6 where whole == text:
            writer.put("\"[")
            writer.put(bytes, text)
            writer.put("]\"")
        case .v4 where whole == text, .hidden: writer.put(bytes, whole)
        case .v4, .v6:
            writer.put("\"")
            writer.put(bytes, whole)
            writer.put("\"")
        }
    }

    /// The bytes most that `putMember` and `putValue` add to what the node itself has.
    static let overhead = 16

    private static func slice(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    private static func index(of byte: UInt8, in bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Int {
        var at = start
        while at < end, bytes[at] != byte { at += 1 }
        return at
    }

    /// Nothing, or a colon and a port: digits, or a name that begins with `_`.
    private static func isPort(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
        guard start < end else { return true }
        guard bytes[start] == UInt8(ascii: ":"), start + 1 < end else { return false }
        if bytes[start + 1] == UInt8(ascii: "_") { return isHidden(bytes, ByteRange(start + 1, end)) }
        for offset in (start + 1)..<end where bytes[offset] &- 0x30 > 9 { return false }
        return end - start <= 6
    }

    /// `unknown`, or `_` and letters, digits, `.`, `_` and `-`.
    private static func isHidden(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) -> Bool {
        if bytes.equalsIgnoringCase(range, "unknown") { return true }
        guard range.count > 1, bytes[range.lowerBound] == UInt8(ascii: "_") else { return false }
        for offset in range.lowerBound..<range.upperBound {
            switch bytes[offset] {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                continue
            default: return false
            }
        }
        return true
    }
}

/// One element of a `Forwarded` field; empty ranges where a parameter is left out.
struct ForwardedElement {
    var node = ByteRange.empty
    var proto = ByteRange.empty
    var host = ByteRange.empty

    /// False where the parameter was there before. Others than these three are of no use here.
    fileprivate mutating func set(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange, _ value: ByteRange) -> Bool {
        switch name.count {
        case 3 where bytes.equalsIgnoringCase(name, "for"): return Self.set(&node, value)
        case 5 where bytes.equalsIgnoringCase(name, "proto"): return Self.set(&proto, value)
        case 4 where bytes.equalsIgnoringCase(name, "host"): return Self.set(&host, value)
        default: return true
        }
    }

    private static func set(_ place: inout ByteRange, _ value: ByteRange) -> Bool {
        guard place.isEmpty else { return false }
        place = value
        return true
    }
}

/// Takes the value of a `Forwarded` field apart (RFC 7239 §4).
///
/// More lenient than the grammar in one thing: addresses with a port and in brackets may stand without quotes.
struct ForwardedElements {
    private let bytes: UnsafeRawBufferPointer
    private let end: Int
    private var at: Int
    /// False once something was met that is no such field.
    private(set) var isSound = true

    init(_ bytes: UnsafeRawBufferPointer, _ value: ByteRange) {
        self.bytes = bytes
        at = value.lowerBound
        end = value.upperBound
    }

    mutating func next() -> ForwardedElement? {
        skip { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ",") }
        guard isSound, at < end else { return nil }
        var element = ForwardedElement()
        while true {
            let name = run { isTokenByte($0) }
            if !name.isEmpty {
                guard at < end, bytes[at] == UInt8(ascii: "=") else { return fail() }
                at += 1
                guard let value = readValue(), element.set(bytes, name, value) else { return fail() }
            }
            skip { $0 == 0x20 || $0 == 0x09 }
            guard at < end else { return element }
            let mark = bytes[at]
            at += 1
            if mark == UInt8(ascii: ",") { return element }
            guard mark == UInt8(ascii: ";") else { return fail() }
            skip { $0 == 0x20 || $0 == 0x09 }
        }
    }

    /// A token, or what stands in quotes. Nothing that is told here needs an escape.
    private mutating func readValue() -> ByteRange? {
        guard at < end, bytes[at] == UInt8(ascii: "\"") else {
            let value = run { isTokenByte($0) || $0 == UInt8(ascii: ":") || $0 == 0x5B || $0 == 0x5D }
            return value.isEmpty ? nil : value
        }
        at += 1
        let value = run { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        guard at < end, bytes[at] == UInt8(ascii: "\"") else { return nil }
        at += 1
        return value
    }

    private mutating func fail() -> ForwardedElement? {
        isSound = false
        return nil
    }

    private mutating func skip(_ fits: (UInt8) -> Bool) { _ = run(fits) }

    private mutating func run(_ fits: (UInt8) -> Bool) -> ByteRange {
        let start = at
        while at < end, fits(bytes[at]) { at += 1 }
        return ByteRange(start, at)
    }
}
