/// The beginning and the end of what a command printed; the middle of very much is left out.
package struct KeptOutput: Sendable, Hashable {
    /// Bytes that are kept of each end.
    package static let limit = 128 << 10

    private let limit: Int
    private var head: [UInt8] = []
    /// The last bytes, in a ring once it is full.
    private var tail: [UInt8] = []
    private var next = 0
    /// Bytes between the two ends that are lost.
    package private(set) var omitted = 0

    package init(limit: Int = KeptOutput.limit) { self.limit = limit }

    package mutating func append(_ bytes: [UInt8]) {
        let first = bytes.prefix(limit - head.count)
        head += first
        var rest = bytes.dropFirst(first.count)
        // Only its own last bytes can stay of something larger than the ring.
        if rest.count > limit {
            omitted += rest.count - limit
            rest = rest.suffix(limit)
        }
        for byte in rest {
            if tail.count < limit {
                tail.append(byte)
            } else {
                tail[next] = byte
                next = (next + 1) % limit
                omitted += 1
            }
        }
    }

    /// As text, what is not UTF-8 replaced, with a line that says how much is left out.
    package var text: String {
        let end = Array(tail[next...]) + tail[..<next]
        if omitted == 0 { return String(decoding: head + end, as: UTF8.self) }
        return String(decoding: head, as: UTF8.self) + "\n… \(omitted) bytes are left out …\n"
            + String(decoding: end, as: UTF8.self)
    }
}

/// Cuts a stream of bytes into lines.
package struct LineSplitter: Sendable {
    /// A longer line is cut into several.
    package static let longest = 4096

    private var rest: [UInt8] = []

    package init() {}

    /// The lines that are complete now, without their ends.
    package mutating func append(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
                lines.append(flush())
            } else {
                rest.append(byte)
                if rest.count == Self.longest { lines.append(flush()) }
            }
        }
        return lines
    }

    /// What is left at the end of the stream; nil where it ended with a line's end.
    package mutating func finish() -> String? { rest.isEmpty ? nil : flush() }

    private mutating func flush() -> String {
        defer { rest.removeAll(keepingCapacity: true) }
        return String(decoding: rest, as: UTF8.self)
    }
}
