/// Cuts a stream of bytes into lines, bounded in length.
struct LineCutter: Sendable {
    /// Longer lines are cut into pieces of this size.
    static let lineLimit = 64 << 10

    struct Line: Sendable, Hashable {
        /// Where it is in ``LineCutter/bytes``, without newline and carriage return.
        let range: Range<Int>
        /// More of the same line follows.
        let isPartial: Bool
    }

    /// What was fed and not yet dropped by ``compact()``.
    private(set) var bytes: [UInt8] = []
    private var start = 0
    /// The search for a newline goes on here.
    private var searched = 0
    /// The line was begun in a piece that was given out before.
    private var isContinuing = false

    /// Bytes fed and not given out.
    var pending: Int { bytes.count - start }

    mutating func feed(_ more: some Collection<UInt8>) { bytes.append(contentsOf: more) }

    /// The next line that is whole or too long.
    mutating func next() -> Line? {
        while true {
            let end = min(bytes.count, start + Self.lineLimit + 1)
            guard let newline = bytes[max(searched, start)..<end].firstIndex(of: UInt8(ascii: "\n")) else {
                searched = end
                return pending > Self.lineLimit ? piece() : nil
            }
            let line = Line(range: start..<withoutReturn(newline), isPartial: false)
            let isRemnant = isContinuing && newline == start
            start = newline + 1
            isContinuing = false
            // The newline alone, after the line was given out: nothing more to tell.
            if !isRemnant { return line }
        }
    }

    /// What is there of a line that has no end.
    ///
    /// - Parameter isEnd: nothing more comes; else the line may go on.
    mutating func takeRest(isEnd: Bool) -> Line? {
        guard pending > 0 else { return nil }
        let line = Line(range: start..<bytes.count, isPartial: !isEnd)
        start = bytes.count
        isContinuing = !isEnd
        return line
    }

    /// Forgets what was given out.
    mutating func compact() {
        if start == bytes.count { bytes = [] } else { bytes.removeFirst(start) }
        searched = max(0, searched - start)
        start = 0
    }

    /// Forgets everything, as after a gap in the input.
    mutating func reset() { self = LineCutter() }

    private mutating func piece() -> Line {
        var end = start + Self.lineLimit
        // Not within a character: at most three bytes follow its first.
        for back in 0..<4 where bytes[end - back] & 0xC0 != 0x80 {
            end -= back
            break
        }
        let line = Line(range: start..<end, isPartial: true)
        start = end
        searched = end
        isContinuing = true
        return line
    }

    private func withoutReturn(_ newline: Int) -> Int {
        newline > start && bytes[newline - 1] == UInt8(ascii: "\r") ? newline - 1 : newline
    }
}
