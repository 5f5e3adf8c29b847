import AloftModel
import AloftSystem

/// One file of a stream: `20261120T221220.041Z-00000042.jsonl`.
///
/// The number orders the segments of a stream, whatever the clock did; the time says how old the content may be.
struct Segment: Sendable, Hashable {
    let number: Int
    /// When it was begun.
    let start: Timestamp
    var size: Int

    private static let suffix = ".jsonl"

    init(number: Int, start: Timestamp, size: Int = 0) {
        self.number = number
        self.start = start
        self.size = size
    }

    /// Reads a file's name; nil for files that are none of ours.
    init?(name: String) {
        guard name.hasSuffix(Self.suffix) else { return nil }
        let parts = name.dropLast(Self.suffix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int(parts[1]), number > 0, let start = Self.time(parts[0]) else {
            return nil
        }
        self.init(number: number, start: start)
    }

    var name: String {
        let digits = String(number)
        let time = start.description.filter { $0 != "-" && $0 != ":" }
        return "\(time)-\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits)\(Self.suffix)"
    }

    /// The segments of a stream's folder, oldest first; sizes are left at 0.
    static func list(_ folder: String) throws(SystemError) -> [Segment] {
        try Directories.names(in: folder).compactMap(Segment.init(name:)).sorted { $0.number < $1.number }
    }

    private static func time(_ text: Substring) -> Timestamp? {
        let c = Array(text)
        guard c.count == 20, c[8] == "T" else { return nil }
        return Timestamp(
            rfc3339: String(c[0..<4]) + "-" + String(c[4..<6]) + "-" + String(c[6..<11]) + ":" + String(c[11..<13])
                + ":"
                + String(c[13...]))
    }
}
