import AloftModel
import AloftSystem
import Glibc

/// The segments of one stream and the bytes on their way into the last of them.
struct StreamWriter {
    private let folder: String
    private(set) var segments: [Segment]
    private var file: Descriptor?
    /// Taken from the queue and not yet written, from `restStart` on.
    private var rest: [UInt8] = []
    private var restStart = 0
    /// False after a write that stopped inside a line: the next one has to go on in the same segment.
    private var isAtLineStart = true
    /// Ends without a newline that were cut off at open.
    let tornRecords: Int

    /// Opens the folder, goes on with its last segment and cuts off what a crash has torn there.
    init(folder: String) throws(SystemError) {
        self.folder = folder
        try Directories.make(folder, mode: 0o700)
        segments = try Segment.list(folder)
        for index in segments.indices {
            var status = stat()
            // One that vanishes meanwhile counts nothing.
            segments[index].size = stat(folder + "/" + segments[index].name, &status) == 0 ? Int(status.st_size) : 0
        }
        guard let last = segments.last else {
            tornRecords = 0
            return
        }
        let path = folder + "/" + last.name
        let file = try Descriptor(opening: path, O_RDWR | O_APPEND)
        let whole = try Self.wholeSize(file, size: last.size, path)
        tornRecords = whole < last.size ? 1 : 0
        if whole < last.size, ftruncate(file.number, whole) != 0 { throw SystemError("cut", path) }
        segments[segments.count - 1].size = whole
        self.file = file
    }

    var waiting: Int { rest.count - restStart }

    mutating func add(_ lines: [UInt8]) {
        if waiting == 0 {
            rest = lines
            restStart = 0
        } else {
            rest.append(contentsOf: lines)
        }
    }

    /// Writes what waits, beginning new segments where they are due.
    ///
    /// - Returns: bytes written, also where an error ended it.
    mutating func write(_ retention: Retention, at now: Timestamp) -> (written: Int, error: SystemError?) {
        let before = waiting
        do throws(SystemError) {
            while waiting > 0 {
                let room = try makeRoom(retention, now)
                try write(bytes: nextPiece(room: room))
            }
            rest = []
            restStart = 0
            return (before, nil)
        } catch {
            // What is done need not be kept while the rest waits.
            rest.removeFirst(restStart)
            restStart = 0
            return (before - waiting, error)
        }
    }

    /// Ends a segment that is old even if nothing comes any more, so that it can be removed in time.
    mutating func rotateIfOld(_ retention: Retention, at now: Timestamp) throws(SystemError) {
        guard isAtLineStart, let last = segments.last, retention.isFull(last, adding: 0, at: now) else { return }
        try begin(at: now)
    }

    /// Removes a segment other than the last.
    mutating func remove(_ segment: Segment) throws(SystemError) {
        let path = folder + "/" + segment.name
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
        segments.removeAll { $0.number == segment.number }
    }

    /// Flushes to the disk.
    func sync() throws(SystemError) {
        guard let file else { return }
        if fdatasync(file.number) != 0 { throw SystemError("flush", folder) }
    }

    /// Bytes that fit into the last segment, after beginning a new one where that is due.
    private mutating func makeRoom(_ retention: Retention, _ now: Timestamp) throws(SystemError) -> Int {
        guard isAtLineStart else { return .max }
        let line = (rest[restStart...].firstIndex(of: UInt8(ascii: "\n")) ?? rest.count - 1) + 1 - restStart
        let isDue = segments.last.map { retention.isFull($0, adding: line, at: now) } ?? true
        if isDue || file == nil { try begin(at: now) }
        return max(line, retention.segmentSize - (segments.last?.size ?? 0))
    }

    /// Whole lines up to `room`, or the rest of a line that was begun.
    private func nextPiece(room: Int) -> Int {
        guard room < waiting else { return waiting }
        let end = rest[restStart..<(restStart + room)].lastIndex(of: UInt8(ascii: "\n"))
        return end.map { $0 + 1 - restStart } ?? room
    }

    private mutating func write(bytes: Int) throws(SystemError) {
        guard let file else { throw SystemError("write", folder, code: EBADF) }
        var left = bytes
        while left > 0 {
            let start = restStart
            let count = rest.withUnsafeBytes { buffer in
                retrying { Glibc.write(file.number, buffer.baseAddress.map { $0 + start }, left) }
            }
            guard count > 0 else { throw SystemError("write", folder) }
            restStart += count
            left -= count
            isAtLineStart = rest[restStart - 1] == UInt8(ascii: "\n")
            segments[segments.count - 1].size += count
        }
    }

    private mutating func begin(at now: Timestamp) throws(SystemError) {
        // A whole segment is worth keeping over a power cut; a failed flush says nothing about the next segment.
        if let file { _ = fdatasync(file.number) }
        let segment = Segment(number: (segments.last?.number ?? 0) + 1, start: now)
        file = try Descriptor(
            opening: folder + "/" + segment.name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, mode: 0o600)
        segments.append(segment)
    }

    /// The size up to and with the last newline.
    private static func wholeSize(_ file: Descriptor, size: Int, _ path: String) throws(SystemError) -> Int {
        var end = size
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while end > 0 {
            let start = max(0, end - block.count)
            let count = retrying { pread(file.number, &block, end - start, start) }
            guard count == end - start else { throw SystemError("read", path, code: count < 0 ? errno : EIO) }
            if let newline = block[..<count].lastIndex(of: UInt8(ascii: "\n")) { return start + newline + 1 }
            end = start
        }
        return 0
    }
}

/// Repeats a call that a signal interrupted.
func retrying(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
