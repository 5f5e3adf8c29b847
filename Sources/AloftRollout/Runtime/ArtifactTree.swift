import AloftSystem
import Crypto
import Glibc

/// Walks a folder in one order, whatever the file system's own: to take its digest, and to copy it.
struct ArtifactTree {
    struct Sum {
        var digest: String
        var files: Int
        var bytes: Int
    }

    /// So many files are flushed as they are copied; of larger trees none is, and whoever copies flushes the system.
    static let flushedOneByOne = 1000

    /// Where daemons of this folder's file keep their state, one for each environment, sockets among it.
    static func isStateDirectory(_ path: String) -> Bool {
        path == ".aloft" || path.hasPrefix(".aloft-") && !path.contains("/")
    }

    let folder: String
    let limits: ArtifactLimits
    /// Folders that are passed over where they lie within.
    let leftOut: [String]

    func digest() throws(ArtifactError) -> Sum { try walk(to: nil) }

    /// Copies as it goes.
    func copy(to target: String) throws(ArtifactError) -> Sum { try walk(to: target) }

    private func walk(to target: String?) throws(ArtifactError) -> Sum {
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw .notAFolder(folder) }
        var walk = Walk(tree: self, leftOut: leftOut.compactMap(Identity.init))
        try walk.directory("", status.st_mode, target, depth: 0)
        return Sum(digest: walk.hash.finalize().hex, files: walk.entries, bytes: walk.bytes)
    }

    private struct Identity: Equatable {
        let device: dev_t
        let inode: ino_t

        init(_ status: stat) {
            device = status.st_dev
            inode = status.st_ino
        }

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.init(status)
        }
    }

    private struct Walk {
        let tree: ArtifactTree
        let leftOut: [Identity]
        var hash = SHA256()
        var entries = 0
        var bytes = 0
        private let buffer = Buffer()

        init(tree: ArtifactTree, leftOut: [Identity]) {
            self.tree = tree
            self.leftOut = leftOut
        }

        mutating func directory(
            _ path: String, _ mode: mode_t, _ target: String?, depth: Int
        ) throws(ArtifactError) {
            let source = path.isEmpty ? tree.folder : "\(tree.folder)/\(path)"
            guard depth <= tree.limits.depth else { throw .tooDeep(source, limit: tree.limits.depth) }
            let kept = Self.folderMode(mode)
            feed("d", path, kept)
            if let target {
                try refusing(source) { () throws(SystemError) in
                    if mkdir(target, 0o700) != 0 { throw SystemError("make the folder", target) }
                    // Not left to `mkdir`, which heeds the umask.
                    if chmod(target, kept) != 0 { throw SystemError("set the mode of", target) }
                }
            }
            let names = try refusing(source) { () throws(SystemError) in try Directories.names(in: source) }
            for name in names {
                guard !name.unicodeScalars.contains("\u{FFFD}") else {
                    throw .unsupported("\(source)/\(name)", kind: "name that is not UTF-8")
                }
                try entry(path.isEmpty ? name : "\(path)/\(name)", target.map { "\($0)/\(name)" }, depth: depth + 1)
            }
        }

        private mutating func entry(_ path: String, _ target: String?, depth: Int) throws(ArtifactError) {
            let source = "\(tree.folder)/\(path)"
            let status = try refusing(source) { () throws(SystemError) in
                var status = stat()
                if lstat(source, &status) != 0 { throw SystemError("look at", source) }
                return status
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                if leftOut.contains(Identity(status)) || ArtifactTree.isStateDirectory(path) { return }
            }
            entries += 1
            guard entries <= tree.limits.entries else {
                throw .tooManyEntries(tree.folder, limit: tree.limits.entries)
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try directory(path, status.st_mode, target, depth: depth)
            case S_IFREG: try file(path, status, target)
            case S_IFLNK: try link(path, target)
            case S_IFSOCK: throw .unsupported(source, kind: "socket")
            case S_IFIFO: throw .unsupported(source, kind: "pipe")
            default: throw .unsupported(source, kind: "device")
            }
        }

        private mutating func file(_ path: String, _ status: stat, _ target: String?) throws(ArtifactError) {
            let source = "\(tree.folder)/\(path)"
            let size = Int(status.st_size)
            guard size <= tree.limits.bytes - bytes else { throw .tooLarge(tree.folder, limit: tree.limits.bytes) }
            bytes += size
            let kept = Self.fileMode(status.st_mode)
            feed("f", path, kept)
            feed(size)
            let (from, to) = try refusing(source) { () throws(SystemError) in
                (
                    try Descriptor(opening: source, O_RDONLY | O_NOFOLLOW),
                    try target.map { path throws(SystemError) in
                        try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                    }
                )
            }
            var left = size
            while true {
                let count = try refusing(source) { () throws(SystemError) in try buffer.fill(from: from) }
                if count == 0 { break }
                left -= count
                guard left >= 0 else { throw .changed(source) }
                hash.update(bufferPointer: buffer.prefix(count))
                if let to { try refusing(source) { () throws(SystemError) in try buffer.write(count, to: to) } }
            }
            guard left == 0 else { throw .changed(source) }
            guard let to else { return }
            try refusing(source) { () throws(SystemError) in
                if fchmod(to.number, kept) != 0 { throw SystemError("set the mode of", target) }
                if entries <= ArtifactTree.flushedOneByOne, fsync(to.number) != 0 { throw SystemError("flush", target) }
            }
        }

        private mutating func link(_ path: String, _ target: String?) throws(ArtifactError) {
            let source = "\(tree.folder)/\(path)"
            let text = try refusing(source) { () throws(SystemError) in
                let count = readlink(source, buffer.start, Int(PATH_MAX))
                if count < 0 { throw SystemError("read the link", source) }
                return String(decoding: buffer.prefix(count), as: UTF8.self)
            }
            feed("l", path, 0)
            feed(text)
            guard let target else { return }
            try refusing(source) { () throws(SystemError) in
                if symlink(text, target) != 0 { throw SystemError("make the link", target) }
            }
        }

        // The digest has the modes of the copy, not of what was copied: a copy of the copy is the same artifact.

        /// Open to its owner, so that it can be filled and one day removed.
        private static func folderMode(_ mode: mode_t) -> mode_t { mode & 0o777 | 0o700 }

        /// Nobody may write.
        private static func fileMode(_ mode: mode_t) -> mode_t { mode & 0o555 | 0o400 }

        /// Every part goes in with its length, so that no two trees make the same sequence of bytes.
        private mutating func feed(_ kind: String, _ path: String, _ mode: mode_t) {
            feed(kind)
            feed(path)
            feed(Int(mode))
        }

        private mutating func feed(_ text: String) {
            feed(text.utf8.count)
            hash.update(data: Array(text.utf8))
        }

        private mutating func feed(_ number: Int) {
            withUnsafeBytes(of: UInt64(number).bigEndian) { hash.update(bufferPointer: $0) }
        }
    }

    /// Bytes on their way from one file to another.
    private final class Buffer {
        private static let capacity = 256 << 10
        let start = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)

        deinit { start.deallocate() }

        func prefix(_ count: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

        func fill(from file: Descriptor) throws(SystemError) -> Int {
            while true {
                let count = read(file.number, start, Self.capacity)
                if count >= 0 { return count }
                if errno != EINTR { throw SystemError("read") }
            }
        }

        func write(_ count: Int, to file: Descriptor) throws(SystemError) {
            var done = 0
            while done < count {
                let written = Glibc.write(file.number, start + done, count - done)
                if written >= 0 { done += written } else if errno != EINTR { throw SystemError("write") }
            }
        }
    }
}
