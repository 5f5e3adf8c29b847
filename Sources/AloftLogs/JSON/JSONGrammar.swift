/// Decides whether bytes are one JSON object and nothing else (RFC 8259), so that they can be put into a record as such.
///
/// Strict: no comments, no trailing commas, no bare control characters. UTF-8 is the caller's business. No memory is
/// used beyond one bit a level, and no recursion, so no line of a replica can harm the reader.
struct JSONGrammar {
    /// Deeper objects are left as text.
    static let depthLimit = 128

    private let bytes: ArraySlice<UInt8>
    private var index: Int

    static func isObject(_ bytes: ArraySlice<UInt8>) -> Bool {
        var grammar = JSONGrammar(bytes)
        grammar.skipSpace()
        guard grammar.peek == UInt8(ascii: "{") else { return false }
        return grammar.value() && grammar.isAtEnd
    }

    private init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    private var peek: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

    private var isAtEnd: Bool { index == bytes.endIndex }

    /// Reads one value with the space after it.
    private mutating func value() -> Bool {
        /// For each open level: whether it is an object.
        var levels: [Bool] = []
        while true {
            skipSpace()
            guard let first = peek else { return false }
            if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
                let isObject = first == UInt8(ascii: "{")
                index += 1
                skipSpace()
                if peek == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    index += 1
                } else {
                    levels.append(isObject)
                    guard levels.count <= Self.depthLimit, !isObject || key() else { return false }
                    continue
                }
            } else if !scalar(first) {
                return false
            }
            guard let isDone = endLevels(&levels) else { return false }
            if isDone { return true }
        }
    }

    /// After a value: closes levels until one goes on. True at the end of the outermost value, nil for an error.
    private mutating func endLevels(_ levels: inout [Bool]) -> Bool? {
        while let isObject = levels.last {
            skipSpace()
            switch peek {
            case UInt8(ascii: ","):
                index += 1
                return isObject && !key() ? nil : false
            case isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"):
                index += 1
                levels.removeLast()
            default: return nil
            }
        }
        skipSpace()
        return true
    }

    private mutating func key() -> Bool {
        skipSpace()
        guard peek == UInt8(ascii: "\""), string() else { return false }
        skipSpace()
        guard peek == UInt8(ascii: ":") else { return false }
        index += 1
        return true
    }

    private mutating func scalar(_ first: UInt8) -> Bool {
        switch first {
        case UInt8(ascii: "\""): string()
        case UInt8(ascii: "t"): word("true")
        case UInt8(ascii: "f"): word("false")
        case UInt8(ascii: "n"): word("null")
        default: number()
        }
    }

    private mutating func string() -> Bool {
        index += 1
        while let byte = peek {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): guard escape() else { return false }
            case 0..<0x20: return false
            default: break
            }
        }
        return false
    }

    private mutating func escape() -> Bool {
        guard let byte = peek else { return false }
        index += 1
        guard byte == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(byte) }
        for _ in 0..<4 {
            guard let digit = peek, Character(UnicodeScalar(digit)).isHexDigit else { return false }
            index += 1
        }
        return true
    }

    private mutating func number() -> Bool {
        if peek == UInt8(ascii: "-") { index += 1 }
        if peek == UInt8(ascii: "0") {
            index += 1
        } else if !digits() {
            return false
        }
        if peek == UInt8(ascii: ".") {
            index += 1
            guard digits() else { return false }
        }
        guard peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") else { return true }
        index += 1
        if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { index += 1 }
        return digits()
    }

    /// One or more.
    private mutating func digits() -> Bool {
        let start = index
        while let byte = peek, (0x30...0x39).contains(byte) { index += 1 }
        return index > start
    }

    private mutating func word(_ word: StaticString) -> Bool {
        let end = index + word.utf8CodeUnitCount
        guard end <= bytes.endIndex else { return false }
        let matches = word.withUTF8Buffer { bytes[index..<end].elementsEqual($0) }
        index = end
        return matches
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A { index += 1 }
    }
}
