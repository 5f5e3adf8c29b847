import AloftHTTP
import AloftModel

/// One line of the access log: begun when the head is known, ended when the answer is.
struct AccessLine {
    private var bytes: [UInt8] = []

    /// What the head tells. `source` is what `head` was parsed from.
    init(
        time: Timestamp, head: borrowing RequestHead, from source: UnsafeRawBufferPointer, client: [UInt8], isTLS: Bool,
        requestID: [UInt8]
    ) {
        bytes.reserveCapacity(384)
        put("{\"time\":\"\(time)\",\"client\":\"")
        client.withUnsafeBytes { JSONText.append($0, to: &bytes) }
        put("\",\"method\":")
        putString(source, head.methodName)
        put(",\"scheme\":\"\(isTLS ? "https" : "http")\",\"host\":")
        putString(source, head.authority)
        put(",\"path\":")
        putString(source, head.path)
        if !head.query.isEmpty {
            put(",\"query\":")
            putString(source, head.query)
        }
        put(",\"protocol\":\"HTTP/1.\(head.minorVersion)\",\"request_id\":\"")
        requestID.withUnsafeBytes { JSONText.append($0, to: &bytes) }
        put("\"")
    }

    /// Of a head that was refused: what it says can't be told, so its members are empty.
    init(time: Timestamp, client: [UInt8], isTLS: Bool, minorVersion: UInt8) {
        bytes.reserveCapacity(256)
        put("{\"time\":\"\(time)\",\"client\":\"")
        client.withUnsafeBytes { JSONText.append($0, to: &bytes) }
        put("\",\"method\":\"\",\"scheme\":\"\(isTLS ? "https" : "http")\",\"host\":\"\",\"path\":\"\"")
        put(",\"protocol\":\"HTTP/1.\(minorVersion)\",\"request_id\":\"\"")
    }

    /// The finished line, with its line end.
    consuming func finished(
        status: Int, route: String, replica: ReplicaID?, nanoseconds: UInt64, requestBytes: Int, responseBytes: Int,
        attempts: Int, error: ErrorType, reason: String? = nil
    ) -> [UInt8] {
        put(",\"status\":\(status),\"route\":\"")
        bytes += JSONText.escaped(route)
        put("\"")
        if let replica { put(",\"service\":\"\(replica.service)\",\"replica\":\"\(replica.name)\"") }
        put(",\"duration_ms\":\(nanoseconds / 1_000_000).")
        let micros = String(nanoseconds / 1000 % 1000)
        put(String(repeating: "0", count: 3 - micros.count) + micros)
        put(",\"request_bytes\":\(requestBytes),\"response_bytes\":\(responseBytes)")
        if attempts > 1 { put(",\"attempts\":\(attempts)") }
        if error != .none { put(",\"error\":\"\(error.name)\"") }
        if let reason {
            put(",\"reason\":\"")
            bytes += JSONText.escaped(reason)
            put("\"")
        }
        put("}\n")
        return bytes
    }

    private mutating func put(_ text: String) { bytes += text.utf8 }

    private mutating func putString(_ source: UnsafeRawBufferPointer, _ range: ByteRange) {
        bytes.append(UInt8(ascii: "\""))
        JSONText.append(UnsafeRawBufferPointer(rebasing: source[range.lowerBound..<range.upperBound]), to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }
}

/// The inside of JSON strings.
enum JSONText {
    static func escaped(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        Array(text.utf8).withUnsafeBytes { append($0, to: &result) }
        return result
    }

    /// Escapes quotes, backslashes and control bytes; bytes over 0x7e become `\u00XX`, so that the line is always
    /// valid UTF-8 and nothing is lost of what was sent.
    static func append(_ source: UnsafeRawBufferPointer, to target: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        for byte in source {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                target.append(UInt8(ascii: "\\"))
                target.append(byte)
            case 0x20...0x7e: target.append(byte)
            default:
                target += Array("\\u00".utf8)
                target.append(digits[Int(byte >> 4)])
                target.append(digits[Int(byte & 15)])
            }
        }
    }
}
