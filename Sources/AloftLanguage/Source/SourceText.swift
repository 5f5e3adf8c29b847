/// The lines of a file, and a check of its characters before any parser sees them.
struct SourceText: Sendable {
    let bytes: [UInt8]
    /// Byte ranges without the line breaks.
    private let lines: [Range<Int>]

    /// Lines end as libyaml counts them: LF, CR, CR LF, and U+0085, U+2028, U+2029.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var lines: [Range<Int>] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            let length = Self.lineBreakLength(bytes, at: index)
            if length > 0 {
                lines.append(start..<index)
                start = index + length
            }
            index += max(length, 1)
        }
        lines.append(start..<bytes.count)
        self.lines = lines
    }

    var lineCount: Int { lines.count }

    /// From 1; empty past the end. Bytes that are not UTF-8 show as U+FFFD.
    func line(_ number: Int) -> String {
        guard lines.indices.contains(number - 1) else { return "" }
        return String(decoding: bytes[lines[number - 1]], as: UTF8.self)
    }

    /// Where a byte is, for bytes up to the first that is not UTF-8.
    func position(ofByte offset: Int) -> Position {
        var low = 0
        var high = lines.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if lines[middle].lowerBound <= offset { low = middle } else { high = middle - 1 }
        }
        let before = String(decoding: bytes[lines[low].lowerBound..<offset], as: UTF8.self)
        return Position(line: low + 1, column: before.unicodeScalars.count + 1)
    }

    private static func lineBreakLength(_ bytes: [UInt8], at index: Int) -> Int {
        func byte(_ ahead: Int) -> UInt8? { index + ahead < bytes.count ? bytes[index + ahead] : nil }
        switch bytes[index] {
        case 0x0A: return 1
        case 0x0D: return byte(1) == 0x0A ? 2 : 1
        case 0xC2: return byte(1) == 0x85 ? 2 : 0
        case 0xE2: return byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9) ? 3 : 0
        default: return 0
        }
    }
}

extension SourceText {
    /// A character that no YAML file may hold (YAML 1.2.2 §5.1), or bytes that are no character.
    enum BadCharacter: Hashable {
        case notUTF8(byte: UInt8)
        case control(UInt32)
    }

    /// The first `limit` bad characters with their offsets; a byte that is not UTF-8 ends the search.
    func badCharacters(limit: Int) -> [(offset: Int, character: BadCharacter)] {
        var found: [(Int, BadCharacter)] = []
        var index = 0
        while index < bytes.count, found.count < limit {
            let byte = bytes[index]
            if byte >= 0x20 && byte < 0x7F || byte == 0x0A {
                index += 1
                continue
            }
            guard let (value, length) = scalar(at: index) else {
                found.append((index, .notUTF8(byte: byte)))
                return found
            }
            if !Self.isAllowed(value) { found.append((index, .control(value))) }
            index += length
        }
        return found
    }

    /// One UTF-8 sequence, shortest form only, no surrogates (RFC 3629 §4).
    private func scalar(at index: Int) -> (value: UInt32, length: Int)? {
        let first = bytes[index]
        let length: Int
        var value: UInt32
        switch first {
        case 0x00...0x7F: return (UInt32(first), 1)
        case 0xC2...0xDF: (length, value) = (2, UInt32(first & 0x1F))
        case 0xE0...0xEF: (length, value) = (3, UInt32(first & 0x0F))
        case 0xF0...0xF4: (length, value) = (4, UInt32(first & 0x07))
        default: return nil
        }
        guard index + length <= bytes.count else { return nil }
        for byte in bytes[index + 1..<index + length] {
            guard byte & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        let least: [UInt32] = [0, 0, 0x80, 0x800, 0x10000]
        guard value >= least[length], Unicode.Scalar(value) != nil else { return nil }
        return (value, length)
    }

    private static func isAllowed(_ value: UInt32) -> Bool {
        switch value {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: value != 0xFEFF
        default: false
        }
    }
}
