/// Builds one JSON object of strings on one line, without the cost of an encoder.
struct JSONLine {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    mutating func add(_ name: String, _ value: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        quote(value)
    }

    /// The object with its line break.
    var finished: [UInt8] { bytes + [UInt8(ascii: "}"), 0x0A] }

    /// RFC 8259 §7: what must be escaped is; the rest of UTF-8 stands as it is.
    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0A: bytes += Array("\\n".utf8)
            case 0x0D: bytes += Array("\\r".utf8)
            case 0x09: bytes += Array("\\t".utf8)
            case 0..<0x20:
                let digits = Array(String(byte, radix: 16).utf8)
                bytes += Array("\\u00".utf8) + (digits.count < 2 ? [UInt8(ascii: "0")] : []) + digits
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
