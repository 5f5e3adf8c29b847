import AloftSystem
import Glibc

/// The sidecar of a spool file: how far its lines are in the log.
///
/// One line of fixed width, the offset and the spool's inode, overwritten in place: a process that is killed leaves the
/// old or the new one. The inode tells a spool that was replaced, whose offset starts anew.
struct OffsetFile: Sendable {
    private static let width = 20

    let path: String
    private let file: Descriptor

    init(path: String) throws(SystemError) {
        self.path = path
        file = try Descriptor(opening: path, O_RDWR | O_CREAT, mode: 0o600)
    }

    /// The offset kept for this spool; nil where there is none, or one of another file, or nothing legible.
    func offset(forInode inode: UInt64) throws(SystemError) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 2 * Self.width + 2)
        let count = retrying { pread(file.number, &bytes, bytes.count, 0) }
        guard count >= 0 else { throw SystemError("read", path) }
        guard count == bytes.count, bytes.last == UInt8(ascii: "\n") else { return nil }
        let fields = bytes.dropLast().split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count == 2, let offset = Int(fields[0]), offset >= 0, UInt64(fields[1]) == inode else {
            return nil
        }
        return offset
    }

    func write(_ offset: Int, inode: UInt64) throws(SystemError) {
        let text = Self.padded(String(offset)) + " " + Self.padded(String(inode)) + "\n"
        let bytes = Array(text.utf8)
        let count = retrying { pwrite(file.number, bytes, bytes.count, 0) }
        guard count == bytes.count else { throw SystemError("write", path, code: count < 0 ? errno : ENOSPC) }
    }

    private static func padded(_ digits: String) -> String {
        String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
