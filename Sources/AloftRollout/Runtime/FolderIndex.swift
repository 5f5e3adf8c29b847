import AloftSystem
import Crypto
import Glibc

/// What each file of a folder held when it was last read, so that only what changed since is read again; as git's index.
///
/// A file is taken for unchanged where size, inode, both times and mode are as they were. The time of the last change of an
/// inode can't be set by anybody, so a file that is written and given its old date is read again. One that changed less
/// than `settling` before it was read may change once more within the same tick of the clock: it is not remembered.
struct FolderIndex: Sendable {
    struct Entry: Sendable, Hashable {
        var status: FileStatus
        var content: [UInt8]
    }

    static let settling: Int64 = 2_000_000_000
    /// An index of a folder of more entries than are allowed is not read.
    static let longest = 512 << 20

    private(set) var entries: [[UInt8]: Entry] = [:]

    init() {}

    /// The content's digest where the file is as it was.
    func content(of path: [UInt8], _ status: FileStatus) -> [UInt8]? {
        guard let entry = entries[path], entry.status == status else { return nil }
        return entry.content
    }

    mutating func remember(_ path: [UInt8], _ status: FileStatus, _ content: [UInt8]) {
        entries[path] = Entry(status: status, content: content)
    }

    mutating func reserve(_ count: Int) { entries.reserveCapacity(count) }

    // MARK: Its file

    private static let magic = Array("aloft folder index 1\n".utf8)
    private static let digestLength = 32
    /// Numbers of one entry, eight bytes each.
    private static let numbers = 6

    /// Empty where there is none, or where it is damaged: then everything is read again.
    init(reading path: String) {
        guard let file = try? Descriptor(opening: path, O_RDONLY),
            let bytes = try? file.read(upTo: Self.longest + 1), bytes.count <= Self.longest,
            bytes.count >= Self.magic.count + Self.digestLength, bytes.starts(with: Self.magic)
        else { return }
        let body = bytes.dropLast(Self.digestLength)
        guard SHA256.hash(data: body).elementsEqual(bytes.suffix(Self.digestLength)) else { return }
        parse(body)
    }

    private mutating func parse(_ body: ArraySlice<UInt8>) {
        body.withUnsafeBytes { bytes in
            var position = Self.magic.count
            func number() -> UInt64 {
                defer { position += 8 }
                return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            }
            func take(_ count: Int) -> [UInt8] {
                defer { position += count }
                return Array(bytes[position..<(position + count)])
            }
            let count = Int(number())
            entries.reserveCapacity(count)
            for _ in 0..<count {
                let path = take(Int(number()))
                let status = FileStatus(
                    mode: UInt32(number()), size: Int(number()), device: number(), inode: number(),
                    modified: Int64(bitPattern: number()), changed: Int64(bitPattern: number()))
                entries[path] = Entry(status: status, content: take(Self.digestLength))
            }
        }
    }

    func write(to path: String) throws(SystemError) {
        var bytes = Self.magic
        bytes.reserveCapacity(entries.reduce(64) { $0 + $1.key.count + 8 * (Self.numbers + 1) + Self.digestLength })
        func add(_ number: UInt64) { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }
        add(UInt64(entries.count))
        for (path, entry) in entries {
            add(UInt64(path.count))
            bytes += path
            add(UInt64(entry.status.mode))
            add(UInt64(entry.status.size))
            add(entry.status.device)
            add(entry.status.inode)
            add(UInt64(bitPattern: entry.status.modified))
            add(UInt64(bitPattern: entry.status.changed))
            bytes += entry.content
        }
        bytes += Array(SHA256.hash(data: bytes))
        try Directories.make(Directories.parent(of: path))
        try AtomicFile.write(bytes, to: path)
    }
}
