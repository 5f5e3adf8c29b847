/// The members of one JSON object, in their order and as they were spelled; nested values stay bytes.
///
/// An app's own order says what matters to it, which a dictionary would lose. One pass, no recursion.
struct JSONMembers: Sendable, Hashable {
    enum Value: Sendable, Hashable {
        case text(String)
        /// A number, `true`, `false` or `null`, as it stands there.
        case word(String)
        /// An object or a list.
        case nested(ArraySlice<UInt8>)
    }

    struct Member: Sendable, Hashable {
        var name: String
        var value: Value
    }

    /// More members than this are counted and not kept.
    static let limit = 256

    private(set) var all: [Member] = []
    private(set) var leftOut = 0

    /// Nil where the bytes are not one object.
    init?(_ bytes: ArraySlice<UInt8>) {
        var cursor = Cursor(bytes)
        guard cursor.skip("{") else { return nil }
        if !cursor.skip("}") {
            repeat {
                guard let name = cursor.string(), cursor.skip(":"), let value = cursor.value() else { return nil }
                append(Member(name: name, value: value))
            } while cursor.skip(",")
            guard cursor.skip("}") else { return nil }
        }
        guard cursor.isAtEnd else { return nil }
    }

    init() {}

    subscript(name: String) -> Value? { all.first { $0.name == name }?.value }

    mutating func remove(_ name: String) { all.removeAll { $0.name == name } }

    mutating func append(_ member: Member) {
        if all.count < Self.limit {
            all.append(member)
        } else {
            leftOut += 1
        }
    }

    mutating func append(_ more: JSONMembers) {
        for member in more.all { append(member) }
        leftOut += more.leftOut
    }
}

/// Reads bytes from left to right.
private struct Cursor {
    private let bytes: ArraySlice<UInt8>
    private var index: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return index == bytes.endIndex
        }
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard index < bytes.endIndex, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    mutating func value() -> JSONMembers.Value? {
        skipSpace()
        guard index < bytes.endIndex else { return nil }
        switch bytes[index] {
        case UInt8(ascii: "\""): return string().map { .text($0) }
        case UInt8(ascii: "{"), UInt8(ascii: "["): return nested().map { .nested($0) }
        default:
            let start = index
            while index < bytes.endIndex, !" \t\r\n,}]".utf8.contains(bytes[index]) { index += 1 }
            return index > start ? .word(String(decoding: bytes[start..<index], as: UTF8.self)) : nil
        }
    }

    /// Up to the bracket that closes the one here.
    private mutating func nested() -> ArraySlice<UInt8>? {
        let start = index
        var depth = 0
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                guard passString() else { return nil }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            index += 1
            if depth == 0 { return bytes[start..<index] }
        }
        return nil
    }

    private mutating func passString() -> Bool {
        index += 1
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return true }
        }
        return false
    }

    /// A string without its quotes and escapes.
    mutating func string() -> String? {
        skipSpace()
        guard index < bytes.endIndex, bytes[index] == UInt8(ascii: "\"") else { return nil }
        let start = index
        guard passString(), index <= bytes.endIndex else { return nil }
        let inside = bytes[(start + 1)..<(index - 1)]
        guard inside.contains(UInt8(ascii: "\\")) else { return String(decoding: inside, as: UTF8.self) }
        return Self.unescaped(inside)
    }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var units: [UInt16] = []
        func flush() {
            result += Array(String(decoding: units, as: UTF16.self).utf8)
            units = []
        }
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.endIndex else {
                if !units.isEmpty { flush() }
                result.append(bytes[index])
                index += 1
                continue
            }
            let escape = bytes[index + 1]
            index += 2
            if escape == UInt8(ascii: "u") {
                let digits = bytes[index..<min(index + 4, bytes.endIndex)]
                units.append(UInt16(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0xFFFD)
                index += digits.count
                continue
            }
            if !units.isEmpty { flush() }
            result.append(controls[escape] ?? escape)
        }
        if !units.isEmpty { flush() }
        return String(decoding: result, as: UTF8.self)
    }

    private static let controls: [UInt8: UInt8] = [
        UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D,
        UInt8(ascii: "t"): 0x09,
    ]

    private mutating func skipSpace() {
        while index < bytes.endIndex, " \t\r\n".utf8.contains(bytes[index]) { index += 1 }
    }
}
