import AloftModel
import AloftSystem
import Glibc

/// Reading parts of segments, which may be growing or have been removed meanwhile.
enum SegmentBlock {
    static let size = 64 << 10
    /// A longer line is no record of ours and is passed over.
    static let lineLimit = 4 << 20

    /// Opens a segment; nil for one that retention has removed.
    static func open(_ segment: Segment, in folder: String) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return try Descriptor(opening: folder + "/" + segment.name, O_RDONLY)
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    /// The segments of a stream; none where the folder is missing, as before the first start.
    static func list(_ folder: String) throws(SystemError) -> [Segment] {
        do throws(SystemError) {
            return try Segment.list(folder)
        } catch {
            if error.code == ENOENT { return [] }
            throw error
        }
    }

    static func currentSize(_ file: Descriptor) throws(SystemError) -> Int {
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw SystemError("look at a log segment") }
        return Int(status.st_size)
    }

    /// At most `count` bytes from `offset`.
    static func read(_ file: Descriptor, at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let result = retrying { pread(file.number, buffer.baseAddress, count, offset) }
            code = result < 0 ? errno : 0
            filled = max(0, result)
        }
        guard code == 0 else { throw SystemError("read a log segment", code: code) }
        return bytes
    }
}

/// A place in a stream.
struct LogPosition: Sendable, Hashable {
    /// The segment's number; 0 is before the first.
    var number: Int
    var offset: Int
}
