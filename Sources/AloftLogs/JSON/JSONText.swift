/// Writing of JSON strings (RFC 8259 §7).
enum JSONText {
    private static let hex = Array("0123456789abcdef".utf8)

    /// Appends bytes of any kind as a JSON string, with its quotes.
    ///
    /// What is not UTF-8 becomes U+FFFD; control characters, DEL and the C1 range among them, are escaped, so that no log
    /// line can steer a terminal that shows it raw.
    static func append(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        if bytes.allSatisfy(isPlain) {
            output.append(contentsOf: bytes)
        } else {
            var previous: UInt8 = 0
            for byte in String(decoding: bytes, as: UTF8.self).utf8 {
                append(byte, after: previous, to: &output)
                previous = byte
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// Appends one byte of valid UTF-8.
    private static func append(_ byte: UInt8, after previous: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "\n"): output += Array("\\n".utf8)
        case UInt8(ascii: "\r"): output += Array("\\r".utf8)
        case UInt8(ascii: "\t"): output += Array("\\t".utf8)
        case 0..<0x20, 0x7F: appendEscape(byte, to: &output)
        case 0x80..<0xA0 where previous == 0xC2:
            output.removeLast()
            appendEscape(byte, to: &output)
        default: output.append(byte)
        }
    }

    private static func appendEscape(_ byte: UInt8, to output: inout [UInt8]) {
        output += Array("\\u00".utf8)
        output.append(hex[Int(byte >> 4)])
        output.append(hex[Int(byte & 15)])
    }
}
