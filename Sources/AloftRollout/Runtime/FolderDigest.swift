import AloftSystem
import Crypto
import Glibc

/// A number for the code in a folder that a release runs in place, and which files changed since a moment.
///
/// Files and links count, by path, content and whether they may be executed: as git sees a tree, so that a checkout of the
/// same commit has the same number whatever its dates and modes are. Folders without files do not count.
struct FolderDigest {
    /// Entries that are looked at; a folder of more is no folder of code.
    static let mostEntries = 1_000_000
    static let deepest = 128

    /// What programs leave beside their code. Rule files and the list in the file can take it in again: `!cache.db`.
    static let standardRules = [
        ".git", ".hg", ".svn", ".aloftignore", "__pycache__/", "*.pyc", "*.log", "*.pid", "*.sock", "*.db", "*.db-*",
        "*.sqlite", "*.sqlite-*", "*.sqlite3", "*.sqlite3-*", ".DS_Store", "*.swp",
    ]

    static func rules(_ given: [String]) -> IgnoreRules {
        IgnoreRules(given: given, files: [".aloftignore", ".gitignore"], standard: standardRules)
    }

    let folder: String
    let rules: IgnoreRules
    /// Absolute paths of what is no part of the code: the state directory, the file of the daemon.
    let leftOut: [String]
    /// Paths from the folder that count whatever the rules say: what the command names.
    let always: [String]

    struct Sum: Sendable, Hashable {
        var digest: String
        var files: Int
        /// Files that had to be read.
        var read: Int
    }

    /// - Parameters:
    ///   - index: What is known from the last time; afterwards what is known now.
    ///   - now: The wall clock, in nanoseconds since 1970.
    func take(_ index: inout FolderIndex, now: Int64) throws(ArtifactError) -> Sum {
        var pass = Pass(old: index, now: now, named: always)
        var walk = try Walk(self)
        while let entry = try walk.next() {
            switch entry.status.kind {
            case .file: try pass.add(entry.path, entry.status) { () throws(SystemError) in try entry.open() }
            case .link: try pass.add(link: entry)
            case .folder, .socket, .pipe, .device: break
            }
        }
        for path in always.sorted() where pass.lacks(path) { try pass.add(path, in: folder) }
        index = pass.fresh
        return pass.sum()
    }

    /// Files whose content, name or mode changed after this moment: the first few by name, and how many in all.
    ///
    /// A file that was removed leaves no trace but a changed digest.
    func changes(since: Int64, most: Int) throws(ArtifactError) -> (names: [String], count: Int) {
        var names: [String] = []
        var count = 0
        var walk = try Walk(self)
        while let entry = try walk.next() {
            guard [.file, .link].contains(entry.status.kind), entry.status.changed > since else { continue }
            count += 1
            if names.count < most { names.append(entry.text) }
        }
        return (names, count)
    }

    /// What of the folder counts.
    private struct Walk {
        private let folder: String
        private var walk: FolderWalk
        private var entries = 0
        private static let limits = ArtifactLimits(entries: mostEntries, depth: deepest)

        init(_ digest: FolderDigest) throws(ArtifactError) {
            folder = digest.folder
            let left = digest.leftOut.compactMap { FileStatus(of: $0) }
            do throws(FolderWalk.Failure) {
                walk = try FolderWalk(digest.folder, rules: digest.rules, deepest: deepest) { entry in
                    entry.status.kind == .folder && StateFolders.isOne(entry.path)
                        || left.contains { $0.inode == entry.status.inode && $0.device == entry.status.device }
                }
            } catch {
                throw ArtifactError(error, Self.limits)
            }
        }

        mutating func next() throws(ArtifactError) -> FolderEntry? {
            entries += 1
            guard entries <= mostEntries else { throw .tooManyEntries(folder, limit: mostEntries) }
            do throws(FolderWalk.Failure) {
                return try walk.next()
            } catch {
                throw ArtifactError(error, Self.limits)
            }
        }
    }

    /// One way through the folder.
    private struct Pass {
        private let old: FolderIndex
        private let now: Int64
        private(set) var fresh = FolderIndex()
        private var hash = SHA256()
        private var files = 0
        private var read = 0
        private let buffer = ArtifactTree.Buffer()

        /// Files that the command names and that have not been met yet. The index does not tell: it leaves out what
        /// changed a moment ago.
        private var unmet: Set<[UInt8]>

        init(old: FolderIndex, now: Int64, named: [String]) {
            (self.old, self.now) = (old, now)
            unmet = Set(named.map { Array($0.utf8) })
            fresh.reserve(old.entries.count)
        }

        func sum() -> Sum { Sum(digest: hash.finalize().hex, files: files, read: read) }

        func lacks(_ path: String) -> Bool { unmet.contains(Array(path.utf8)) }

        mutating func add(
            _ path: [UInt8], _ status: FileStatus, opened: () throws(SystemError) -> Descriptor
        ) throws(ArtifactError) {
            files += 1
            unmet.remove(path)
            feed(status.mode & 0o100 == 0 ? "f" : "x", path)
            if let known = old.content(of: path, status) {
                fresh.remember(path, status, known)
                return hash.update(data: known)
            }
            guard let content = try content(of: path, opened) else {
                // Nobody but its owner may read it: what can be seen of it has to do.
                return withUnsafeBytes(of: (status.size, status.modified)) { hash.update(bufferPointer: $0) }
            }
            if status.changed < now - FolderIndex.settling { fresh.remember(path, status, content) }
            hash.update(data: content)
        }

        mutating func add(link entry: FolderEntry) throws(ArtifactError) {
            files += 1
            feed("l", entry.path)
            let target: [UInt8]
            do throws(SystemError) { target = try entry.target() } catch { throw .system("\(error)") }
            feed(target)
        }

        /// A file that the command names; one that is not there does not count.
        mutating func add(_ path: String, in folder: String) throws(ArtifactError) {
            let whole = "\(folder)/\(path)"
            guard let status = FileStatus(of: whole), status.kind == .file else { return }
            try add(Array(path.utf8), status) { () throws(SystemError) in try Descriptor(opening: whole, O_RDONLY) }
        }

        /// Nil where it may not be read; one that went away meanwhile is empty.
        private mutating func content(
            of path: [UInt8], _ opened: () throws(SystemError) -> Descriptor
        ) throws(ArtifactError) -> [UInt8]? {
            read += 1
            var content = SHA256()
            do throws(SystemError) {
                let file = try opened()
                while true {
                    let count = try buffer.fill(from: file, String(decoding: path, as: UTF8.self))
                    if count == 0 { break }
                    content.update(bufferPointer: buffer.prefix(count))
                }
            } catch {
                if error.code == EACCES || error.code == EPERM { return nil }
                guard error.isAbsence else { throw .system("\(error)") }
            }
            return Array(content.finalize())
        }

        private mutating func feed(_ kind: String, _ path: [UInt8]) {
            hash.update(data: Array(kind.utf8))
            feed(path)
        }

        private mutating func feed(_ bytes: [UInt8]) {
            withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: bytes)
        }
    }
}
