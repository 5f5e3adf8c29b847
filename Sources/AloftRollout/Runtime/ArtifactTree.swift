import AloftSystem
import Crypto
import Glibc

/// Walks a folder in one order, whatever the file system's own: to take its digest, and to copy it.
///
/// Sockets, pipes and devices are passed over and named; names need not be UTF-8.
struct ArtifactTree {
    struct Sum {
        var digest: String
        var files: Int
        var bytes: Int
        /// What was passed over because no copy of it can be made: `run/app.sock (socket)`.
        var skipped: [String]
    }

    /// So many files are flushed as they are copied; of larger trees none is, and whoever copies flushes the system.
    static let flushedOneByOne = 1000
    /// Names of skipped entries that are kept; of the rest only the number is told.
    static let mostNamed = 5

    let folder: String
    let limits: ArtifactLimits
    /// Folders that are passed over where they lie within.
    let leftOut: [String]
    let rules: IgnoreRules

    func digest() throws(ArtifactError) -> Sum { try walk(to: nil) }

    /// Copies as it goes.
    func copy(to target: String) throws(ArtifactError) -> Sum { try walk(to: target) }

    /// Counts without reading: enough to know that a file is gone or was cut short.
    func count() throws(ArtifactError) -> (files: Int, bytes: Int) {
        var walk = try open()
        var (files, bytes) = (0, 0)
        while let entry = try next(&walk) {
            guard entry.status.kind.isKept else { continue }
            files += 1
            if entry.status.kind == .file { bytes += entry.status.size }
        }
        return (files, bytes)
    }

    private func open() throws(ArtifactError) -> FolderWalk {
        let left = leftOut.compactMap { FileStatus(of: $0) }
        do throws(FolderWalk.Failure) {
            return try FolderWalk(folder, rules: rules, deepest: limits.depth) { entry in
                entry.status.kind == .folder
                    && (StateFolders.isOne(entry.path)
                        || left.contains { $0.device == entry.status.device && $0.inode == entry.status.inode })
            }
        } catch {
            throw ArtifactError(error, limits)
        }
    }

    private func next(_ walk: inout FolderWalk) throws(ArtifactError) -> FolderEntry? {
        do throws(FolderWalk.Failure) {
            return try walk.next()
        } catch {
            throw ArtifactError(error, limits)
        }
    }

    private func walk(to target: String?) throws(ArtifactError) -> Sum {
        var walk = try open()
        var pass = try Pass(tree: self, target: target)
        while let entry = try next(&walk) { try pass.take(entry) }
        return pass.sum()
    }

    /// One way through the tree.
    private struct Pass {
        private let tree: ArtifactTree
        private let target: Descriptor?
        private var hash = SHA256()
        private var entries = 0
        private var bytes = 0
        private var skipped: [String] = []
        private var skippedMore = 0
        private let buffer = Buffer()

        init(tree: ArtifactTree, target: String?) throws(ArtifactError) {
            self.tree = tree
            var status = stat()
            guard stat(tree.folder, &status) == 0 else { throw .notAFolder(tree.folder) }
            let kept = Self.folderMode(status.st_mode)
            self.target = try target.map { target throws(ArtifactError) in
                try refusing(tree.folder) { () throws(SystemError) in
                    if mkdir(target, 0o700) != 0 { throw SystemError("make the folder", target) }
                    // Not left to `mkdir`, which heeds the umask.
                    if chmod(target, kept) != 0 { throw SystemError("set the mode of", target) }
                    return try Descriptor(opening: target, O_RDONLY | O_DIRECTORY)
                }
            }
            feed("d", [], kept)
        }

        func sum() -> Sum {
            let more = skippedMore == 0 ? [] : ["\(skippedMore) more"]
            return Sum(digest: hash.finalize().hex, files: entries, bytes: bytes, skipped: skipped + more)
        }

        mutating func take(_ entry: FolderEntry) throws(ArtifactError) {
            guard entry.status.kind.isKept else { return skip(entry) }
            entries += 1
            guard entries <= tree.limits.entries else {
                throw .tooManyEntries(tree.folder, limit: tree.limits.entries)
            }
            switch entry.status.kind {
            case .folder: try folder(entry)
            case .link: try link(entry)
            default: try file(entry)
            }
        }

        private mutating func skip(_ entry: FolderEntry) {
            guard skipped.count < ArtifactTree.mostNamed else {
                skippedMore += 1
                return
            }
            skipped.append("\(entry.text) (\(entry.status.kind))")
        }

        private func source(_ entry: FolderEntry) -> String { "\(tree.folder)/\(entry.text)" }

        private mutating func folder(_ entry: FolderEntry) throws(ArtifactError) {
            let kept = Self.folderMode(mode_t(entry.status.mode))
            feed("d", entry.path, kept)
            guard let target else { return }
            try refusing(source(entry)) { () throws(SystemError) in
                try Directories.make(entry.path, in: target, mode: kept)
            }
        }

        private mutating func file(_ entry: FolderEntry) throws(ArtifactError) {
            let source = source(entry)
            let size = entry.status.size
            guard size <= tree.limits.bytes - bytes else { throw .tooLarge(tree.folder, limit: tree.limits.bytes) }
            bytes += size
            let kept = Self.fileMode(mode_t(entry.status.mode))
            feed("f", entry.path, kept)
            feed(size)
            let (from, to) = try refusing(source) { () throws(SystemError) in
                (
                    try entry.open(),
                    try target.map { folder throws(SystemError) in
                        try Descriptor(
                            opening: entry.path, in: folder, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, subject: source)
                    }
                )
            }
            var left = size
            while true {
                let count = try refusing(source) { () throws(SystemError) in try buffer.fill(from: from, source) }
                if count == 0 { break }
                left -= count
                guard left >= 0 else { throw .changed(source) }
                hash.update(bufferPointer: buffer.prefix(count))
                if let to { try refusing(source) { () throws(SystemError) in try buffer.write(count, to: to, source) } }
            }
            guard left == 0 else { throw .changed(source) }
            guard let to else { return }
            try refusing(source) { () throws(SystemError) in
                if fchmod(to.number, kept) != 0 { throw SystemError("set the mode of", source) }
                if entries <= ArtifactTree.flushedOneByOne, fsync(to.number) != 0 { throw SystemError("flush", source) }
            }
        }

        private mutating func link(_ entry: FolderEntry) throws(ArtifactError) {
            let text = try refusing(source(entry)) { () throws(SystemError) in try entry.target() }
            feed("l", entry.path, 0)
            feed(text)
            guard let target else { return }
            try refusing(source(entry)) { () throws(SystemError) in
                try Directories.link(entry.path, in: target, to: text)
            }
        }

        // The digest has the modes of the copy, not of what was copied: a copy of the copy is the same artifact.

        /// Open to its owner, so that it can be filled and one day removed.
        private static func folderMode(_ mode: mode_t) -> mode_t { mode & 0o777 | 0o700 }

        /// Nobody may write.
        private static func fileMode(_ mode: mode_t) -> mode_t { mode & 0o555 | 0o400 }

        /// Every part goes in with its length, so that no two trees make the same sequence of bytes.
        private mutating func feed(_ kind: String, _ path: [UInt8], _ mode: mode_t) {
            feed(Array(kind.utf8))
            feed(path)
            feed(Int(mode))
        }

        private mutating func feed(_ bytes: [UInt8]) {
            feed(bytes.count)
            hash.update(data: bytes)
        }

        private mutating func feed(_ number: Int) {
            withUnsafeBytes(of: UInt64(number).bigEndian) { hash.update(bufferPointer: $0) }
        }
    }

    /// Bytes on their way from one file to another.
    final class Buffer {
        private static let capacity = 256 << 10
        let start = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)

        deinit { start.deallocate() }

        func prefix(_ count: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

        func fill(from file: Descriptor, _ path: @autoclosure () -> String) throws(SystemError) -> Int {
            while true {
                let count = read(file.number, start, Self.capacity)
                if count >= 0 { return count }
                if errno != EINTR { throw SystemError("read", path()) }
            }
        }

        func write(_ count: Int, to file: Descriptor, _ path: String) throws(SystemError) {
            var done = 0
            while done < count {
                let written = Glibc.write(file.number, start + done, count - done)
                if written >= 0 { done += written } else if errno != EINTR { throw SystemError("copy", path) }
            }
        }
    }
}

/// Where daemons of a folder's file keep their state, one for each environment, sockets among it.
enum StateFolders {
    /// - Parameter path: From the folder, without a slash at either end.
    static func isOne(_ path: [UInt8]) -> Bool {
        path.elementsEqual(".aloft".utf8) || path.starts(with: ".aloft-".utf8) && !path.contains(UInt8(ascii: "/"))
    }
}

extension FileStatus.Kind {
    /// Of which a copy can be made.
    var isKept: Bool { self == .folder || self == .file || self == .link }
}

extension ArtifactError {
    init(_ failure: FolderWalk.Failure, _ limits: ArtifactLimits) {
        switch failure {
        case .notAFolder(let path): self = .notAFolder(path)
        case .tooDeep(let path): self = .tooDeep(path, limit: limits.depth)
        case .ruleFileTooLong(let path): self = .tooLarge(path, limit: FolderWalk.longestRuleFile)
        case .system(let error): self = .system("\(error)")
        }
    }
}
