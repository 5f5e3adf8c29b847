import AloftModel
import AloftSystem

/// Goes through a stream's lines from a place to the end, and on when more is written.
struct ForwardCursor {
    enum Step {
        case line(ArraySlice<UInt8>)
        /// A block was read, or a segment changed: come again.
        case working
        /// Nothing more for now.
        case end
    }

    private let folder: String
    private var number: Int
    private var file: Descriptor?
    /// In the segment, past what is in `buffer`.
    private var offset: Int
    private var buffer: [UInt8] = []
    private var start = 0
    private var searched = 0
    /// Inside a line that is too long.
    private var isSkipping = false

    /// From a place on.
    init(folder: String, from position: LogPosition) throws(SystemError) {
        self.folder = folder
        number = position.number
        offset = position.offset
        if number > 0, let segment = try SegmentBlock.list(folder).first(where: { $0.number == position.number }) {
            file = try SegmentBlock.open(segment, in: folder)
        }
    }

    /// From the segment on that may hold the first record of a time.
    init(folder: String, since: Timestamp?) throws(SystemError) {
        let segments = try SegmentBlock.list(folder)
        let first = since.flatMap { since in segments.last { $0.start <= since } } ?? segments.first
        try self.init(folder: folder, from: LogPosition(number: first?.number ?? 0, offset: 0))
    }

    /// Does one small piece of work.
    mutating func step() throws(SystemError) -> Step {
        if let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = buffer[start..<newline]
            start = newline + 1
            searched = start
            let isWhole = !isSkipping
            isSkipping = false
            return isWhole ? .line(line) : .working
        }
        if try readBlock() { return .working }
        return try nextSegment() ? .working : .end
    }

    private mutating func readBlock() throws(SystemError) -> Bool {
        guard let file else { return false }
        let block = try SegmentBlock.read(file, at: offset, count: SegmentBlock.size)
        guard !block.isEmpty else { return false }
        offset += block.count
        buffer.removeFirst(start)
        start = 0
        if buffer.count > SegmentBlock.lineLimit {
            isSkipping = true
            buffer = []
        }
        searched = buffer.count
        buffer += block
        return true
    }

    /// Goes to the next segment if there is one and this one has been read to its end.
    private mutating func nextSegment() throws(SystemError) -> Bool {
        guard let next = try SegmentBlock.list(folder).first(where: { $0.number > number }) else { return false }
        // What came between the last read and the start of the next segment.
        if try readBlock() { return true }
        number = next.number
        file = try SegmentBlock.open(next, in: folder)
        offset = 0
        buffer = []
        start = 0
        searched = 0
        isSkipping = false
        return true
    }
}
