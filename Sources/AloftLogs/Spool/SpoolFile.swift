import AloftModel
import AloftSystem
import Glibc

/// One output file of one replica, and how far it is read.
///
/// `begin … end` of the file: given back to the file system | committed | in records that are on their way | read into
/// `cutter` | not read.
struct SpoolFile: Sendable {
    /// Unread bytes past this are given up, down to half of it.
    static let backlogLimit = 256 << 20
    /// The same on a full disk, where the log has no room.
    static let fullDiskLimit = 1 << 20
    /// Read at once.
    private static let blockSize = 64 << 10
    /// Committed bytes are given back in steps of at least this.
    private static let punchSize = 256 << 10
    /// What a turn may add to the log, so that a flood leaves room for others.
    static let turnLimit = 1 << 20
    /// How much the last line of a turn may exceed `turnLimit`: 64 KiB of control characters, six bytes each, and fields.
    static let recordLimit = 6 * LineCutter.lineLimit + 1024
    /// An unfinished line is given out after this time.
    static let holdTime: Duration = .seconds(1)

    let path: String
    let descriptor: Descriptor
    private let offsetFile: OffsetFile
    private let inode: UInt64
    private let records: RecordWriter
    private var cutter = LineCutter()
    private var position: Int
    private var punched: Int
    /// Given up between two turns; the next one tells of it.
    private var untold = 0
    /// Everything before it is in records that were handed on.
    var consumed: Int { position - cutter.pending }
    private(set) var committed: Int
    /// When bytes last came, while a line is unfinished.
    private(set) var holdsSince: MonotonicTime?

    /// What a turn found.
    struct Turn: Sendable {
        var records: [UInt8] = []
        /// The newest lines, at most ``SpoolReader/lastLineCount``, each cut at 1 KiB.
        var lastLines: [String] = []
        var lines = 0
        var bytes = 0
        var droppedBytes = 0
        /// There is more to read now.
        var hasMore = false
    }

    /// Opens or makes the file and finds where to go on.
    init(replica: ReplicaID, output: LogQuery.Output, directory: String) throws(SystemError) {
        path = directory + "/" + output.rawValue
        descriptor = try Descriptor(opening: path, O_RDWR | O_CREAT | O_APPEND, mode: 0o600)
        offsetFile = try OffsetFile(path: path + ".offset")
        records = RecordWriter(replica: replica, output: output)
        let status = try Self.status(descriptor, path)
        inode = UInt64(status.st_ino)
        let kept = try offsetFile.offset(forInode: inode) ?? 0
        position = kept <= status.st_size ? kept : 0
        position = Self.firstData(descriptor, from: position, size: Int(status.st_size))
        // Behind what is committed another reader may have given up more.
        untold = kept > 0 ? max(0, position - kept) : 0
        punched = position & ~4095
        committed = position
    }

    /// Reads lines into records until the turn's limit or the end.
    mutating func turn(wall: Timestamp, now: MonotonicTime, isFinishing: Bool) throws(SystemError) -> Turn {
        var turn = Turn()
        let size = Int(try Self.status(descriptor, path).st_size)
        if size < position { restart() }
        if size - position > Self.backlogLimit { skip(to: size - Self.backlogLimit / 2) }
        tell(wall, &turn)
        var newest: [Range<Int>] = []
        while turn.records.count < Self.turnLimit {
            if let line = cutter.next() {
                add(line, wall, &turn, &newest)
                continue
            }
            guard position < size else { break }
            keepText(of: &newest, &turn)
            cutter.compact()
            try read(upTo: size, &turn)
            holdsSince = now
        }
        turn.hasMore = position < size || turn.records.count >= Self.turnLimit
        if !turn.hasMore, isFinishing || holdsSince.map({ now - $0 >= Self.holdTime }) ?? false,
            let line = cutter.takeRest(isEnd: isFinishing)
        {
            add(line, wall, &turn, &newest)
        }
        keepText(of: &newest, &turn)
        cutter.compact()
        if cutter.pending == 0 { holdsSince = nil }
        return turn
    }

    /// Notes that everything before `offset` is in the log, and gives its blocks back.
    mutating func commit(_ offset: Int, isIdle: Bool) throws(SystemError) {
        guard offset > committed else { return }
        try offsetFile.write(offset, inode: inode)
        committed = offset
        let end = offset & ~4095
        guard end - punched >= (isIdle ? 4096 : Self.punchSize) else { return }
        try punch(upTo: end)
    }

    /// Empties the file of a replica that has ended, so that the next one under its name begins anew.
    ///
    /// - Precondition: all of it is committed.
    func retire() throws(SystemError) {
        precondition(committed == consumed, "retired before its end")
        if ftruncate(descriptor.number, 0) != 0 { throw SystemError("empty", path) }
        if unlink(offsetFile.path) != 0 && errno != ENOENT { throw SystemError("remove", offsetFile.path) }
    }

    private mutating func add(
        _ line: LineCutter.Line, _ wall: Timestamp, _ turn: inout Turn, _ newest: inout [Range<Int>]
    ) {
        records.append(cutter.bytes[line.range], isPartial: line.isPartial, at: wall, to: &turn.records)
        turn.lines += 1
        newest.append(line.range)
        if newest.count >= 2 * SpoolReader.lastLineCount {
            newest.removeFirst(newest.count - SpoolReader.lastLineCount)
        }
    }

    /// Makes text of the newest lines before the bytes they are in are let go.
    private func keepText(of newest: inout [Range<Int>], _ turn: inout Turn) {
        for range in newest.suffix(SpoolReader.lastLineCount) {
            turn.lastLines.append(String(decoding: cutter.bytes[range].prefix(1024), as: UTF8.self))
        }
        turn.lastLines.removeFirst(max(0, turn.lastLines.count - SpoolReader.lastLineCount))
        newest = []
    }

    private mutating func read(upTo size: Int, _ turn: inout Turn) throws(SystemError) {
        let wanted = min(Self.blockSize, size - position)
        var code: Int32 = 0
        let place = position
        let block = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
            let result = retrying { pread(descriptor.number, buffer.baseAddress, wanted, place) }
            code = result < 0 ? errno : 0
            count = max(0, result)
        }
        // Zero bytes before the end: cut off by somebody at this moment; the next turn sees the new size.
        guard code == 0, !block.isEmpty else { throw SystemError("read", path, code: code == 0 ? EIO : code) }
        cutter.feed(block)
        position += block.count
        turn.bytes += block.count
    }

    /// The file was cut off by somebody: begins again at its start.
    private mutating func restart() {
        cutter.reset()
        position = 0
        punched = 0
        committed = 0
        holdsSince = nil
    }

    /// Gives back the blocks of all that was read, and of the oldest that was not, down to half of ``fullDiskLimit``: on a
    /// full disk the log can take nothing before there is room. Records on their way are in memory alone from then on.
    mutating func relieve() throws(SystemError) {
        let size = Int(try Self.status(descriptor, path).st_size)
        if size - position > Self.fullDiskLimit { skip(to: size - Self.fullDiskLimit / 2) }
        try punch(upTo: position & ~4095)
    }

    private mutating func skip(to target: Int) {
        untold += target - consumed
        cutter.reset()
        position = target
    }

    private mutating func tell(_ wall: Timestamp, _ turn: inout Turn) {
        guard untold > 0 else { return }
        turn.droppedBytes = untold
        records.appendDropped(untold, at: wall, to: &turn.records)
        untold = 0
    }

    private mutating func punch(upTo end: Int) throws(SystemError) {
        guard end > punched else { return }
        // FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
        guard fallocate(descriptor.number, 0x02 | 0x01, punched, end - punched) == 0 else {
            // A file system without holes keeps the bytes until the replica ends.
            if errno == EOPNOTSUPP { return }
            throw SystemError("give back blocks of", path)
        }
        punched = end
    }

    private static func status(_ descriptor: Descriptor, _ path: String) throws(SystemError) -> stat {
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw SystemError("look at", path) }
        return status
    }

    /// The first byte from an offset on that was not given back; matters where a sidecar was lost.
    private static func firstData(_ descriptor: Descriptor, from offset: Int, size: Int) -> Int {
        guard offset < size else { return offset }
        // SEEK_DATA
        let data = lseek(descriptor.number, offset, 3)
        if data >= 0 { return max(offset, data) }
        return errno == ENXIO ? size : offset
    }
}

/// fallocate(2); the C library shows it only to programs that ask for GNU extensions.
@_silgen_name("fallocate")
private func fallocate(_ descriptor: Int32, _ mode: Int32, _ offset: Int, _ length: Int) -> Int32
