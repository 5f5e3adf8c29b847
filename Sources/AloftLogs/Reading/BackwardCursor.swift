import AloftModel
import AloftSystem

/// Goes through a stream's lines from its present end towards the start.
struct BackwardCursor {
    /// Where the stream ended when this was made: reading forward from here misses nothing and repeats nothing.
    let end: LogPosition

    private let folder: String
    /// Oldest first; the last is being read.
    private var segments: [Segment]
    private var file: Descriptor?
    /// In the segment, where `buffer` begins.
    private var offset: Int
    /// Whole lines, with the begin of a line in front where `offset` is not 0.
    private var buffer: [UInt8] = []
    /// Past what has not been given out of `buffer`.
    private var limit = 0
    /// From here to `limit` there is no newline but the last byte.
    private var searched = 0

    init(folder: String) throws(SystemError) {
        self.folder = folder
        segments = try SegmentBlock.list(folder)
        guard let last = segments.last, let file = try SegmentBlock.open(last, in: folder) else {
            end = LogPosition(number: segments.last?.number ?? 0, offset: 0)
            offset = 0
            return
        }
        self.file = file
        offset = try SegmentBlock.currentSize(file)
        // A line that is just being written is left to whoever reads on from here.
        var tail: [UInt8] = []
        while offset > 0, !tail.contains(UInt8(ascii: "\n")) {
            let start = max(0, offset - SegmentBlock.size)
            tail = try SegmentBlock.read(file, at: start, count: offset - start)
            offset = start
        }
        buffer = Array(tail[..<((tail.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)])
        limit = buffer.count
        searched = limit
        end = LogPosition(number: last.number, offset: offset + limit)
    }

    /// Does one small piece of work; see ``ForwardCursor/Step``.
    mutating func step() throws(SystemError) -> ForwardCursor.Step {
        guard limit > 0 else {
            if try readBlock() { return .working }
            return try previousSegment() ? .working : .end
        }
        let isEnded = buffer[limit - 1] == UInt8(ascii: "\n")
        let content = buffer[..<(isEnded ? limit - 1 : limit)]
        if let newline = content[..<min(searched, content.endIndex)].lastIndex(of: UInt8(ascii: "\n")) {
            limit = newline + 1
            searched = limit
            // Without its newline it is the torn end of an earlier segment.
            return isEnded ? .line(content[limit...]) : .working
        }
        let isTooLong = content.count > SegmentBlock.lineLimit
        if offset > 0, !isTooLong, try readBlock() { return .working }
        limit = 0
        return isEnded && !isTooLong ? .line(content) : .working
    }

    private mutating func readBlock() throws(SystemError) -> Bool {
        guard let file, offset > 0 else { return false }
        let start = max(0, offset - SegmentBlock.size)
        let block = try SegmentBlock.read(file, at: start, count: offset - start)
        // The writer never shortens a segment; somebody else did.
        guard block.count == offset - start else {
            offset = 0
            limit = 0
            return true
        }
        offset = start
        buffer = block + buffer[..<limit]
        limit = buffer.count
        searched = block.count
        return true
    }

    private mutating func previousSegment() throws(SystemError) -> Bool {
        guard segments.popLast() != nil, let segment = segments.last else { return false }
        file = try SegmentBlock.open(segment, in: folder)
        offset = try file.map { file throws(SystemError) in try SegmentBlock.currentSize(file) } ?? 0
        return true
    }
}
