/// The top-level text fields of a record that queries ask for, found without parsing the whole line.
///
/// For lines that Aloft itself wrote, so it is forgiving: a line that is no JSON has no fields.
struct RecordFields {
    private(set) var time: ArraySlice<UInt8>?
    private(set) var service: ArraySlice<UInt8>?
    private(set) var replica: ArraySlice<UInt8>?
    private(set) var stream: ArraySlice<UInt8>?

    private let line: ArraySlice<UInt8>
    private var index: Int

    /// - Parameter timeOnly: stop at the time, which stands first in what Aloft writes.
    init(_ line: ArraySlice<UInt8>, timeOnly: Bool = false) {
        self.line = line
        index = line.startIndex
        guard skip(UInt8(ascii: "{")) else { return }
        repeat {
            guard let key = text(), skip(UInt8(ascii: ":")) else { return }
            skipSpace()
            let value = index < line.endIndex && line[index] == UInt8(ascii: "\"") ? text() : nil
            if let value {
                keep(value, under: key)
                if timeOnly && time != nil { return }
            } else {
                skipValue()
            }
        } while skip(UInt8(ascii: ","))
    }

    private mutating func keep(_ value: ArraySlice<UInt8>, under key: ArraySlice<UInt8>) {
        if key.elementsEqual("time".utf8) {
            time = value
        } else if key.elementsEqual("service".utf8) {
            service = value
        } else if key.elementsEqual("replica".utf8) {
            replica = value
        } else if key.elementsEqual("stream".utf8) {
            stream = value
        }
    }

    /// The inside of a string, escapes left as they are: none of the fields above needs any.
    private mutating func text() -> ArraySlice<UInt8>? {
        guard skip(UInt8(ascii: "\"")) else { return nil }
        let start = index
        while index < line.endIndex {
            switch line[index] {
            case UInt8(ascii: "\""):
                index += 1
                return line[start..<(index - 1)]
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return nil
    }

    /// Passes over a number, a word, or all of an object or array.
    private mutating func skipValue() {
        var depth = 0
        while index < line.endIndex {
            switch line[index] {
            case UInt8(ascii: "\""):
                guard text() != nil else { return }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return }
                depth -= 1
            case UInt8(ascii: ",") where depth == 0: return
            default: break
            }
            index += 1
        }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        skipSpace()
        guard index < line.endIndex, line[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while index < line.endIndex, line[index] == 0x20 || line[index] == 0x09 { index += 1 }
    }
}
