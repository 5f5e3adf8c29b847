import Crypto

/// The first `limit` characters; where something is left off, the last of them is an ellipsis.
func clipped(_ text: String, _ limit: Int) -> String {
    // A character may be many scalars, without end: the bytes are limited as well, to what honest text needs.
    let head = text.utf8.count <= limit * 8 ? text : String(decoding: text.utf8.prefix(limit * 8), as: UTF8.self)
    guard head.count > limit || head.utf8.count < text.utf8.count else { return text }
    return head.prefix(max(0, limit - 1)) + "…"
}

/// Line ends and other control characters become spaces.
func oneLine(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
}

/// C0, DEL, C1, and the two separators that some programs take for line ends.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
}

/// A key too long to be kept: its beginning, and a digest that tells it from others with the same beginning.
func digestedKey(_ key: String) -> String {
    let digest = hexadecimal(SHA256.hash(data: Array(key.utf8)).prefix(16))
    var head = String(decoding: key.utf8.prefix(160), as: UTF8.self)
    if head.hasSuffix("\u{FFFD}") { head.removeLast() }
    return head + "~" + digest
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
