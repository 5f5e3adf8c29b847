import CAloftSystem
import Glibc

/// One entry of a folder, as `FolderWalk` found it. Names are bytes: not every one of them is UTF-8.
package struct FolderEntry: Sendable {
    /// From the top folder, without a slash at either end.
    package let path: [UInt8]
    package let status: FileStatus
    /// Bytes that it takes up on the disk: fewer than its size where it has holes.
    package let allocated: Int
    let parent: Descriptor
    let name: [UInt8]

    /// For people.
    package var text: String { String(decoding: path, as: UTF8.self) }

    /// Opens the very file; a link that took its place meanwhile is not followed.
    package func open() throws(SystemError) -> Descriptor {
        try Descriptor(opening: name, in: parent, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, subject: text)
    }

    /// Where a link leads, as it is written.
    package func target() throws(SystemError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = withCharacters(name) { name in
            buffer.withUnsafeMutableBytes { bytes in
                // Never nil: it has a length.
                readlinkat(parent.number, name, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
            }
        }
        guard count >= 0 else { throw SystemError("read the link", text) }
        return Array(buffer[..<count])
    }
}

/// What the system knows of a file without reading it.
package struct FileStatus: Sendable, Hashable {
    package enum Kind: Sendable, Hashable { case folder, file, link, socket, pipe, device }

    package let kind: Kind
    /// The lower twelve bits.
    package let mode: UInt32
    package let size: Int
    package let device: UInt64
    package let inode: UInt64
    /// Nanoseconds since 1970.
    package let modified: Int64
    /// The same, of the last change of content, mode or name; unlike `modified` nobody can set it.
    package let changed: Int64

    package init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .folder
            case S_IFREG: .file
            case S_IFLNK: .link
            case S_IFSOCK: .socket
            case S_IFIFO: .pipe
            default: .device
            }
        mode = status.st_mode & 0o7777
        size = Int(status.st_size)
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
    }

    /// Of a file, as it was remembered.
    package init(mode: UInt32, size: Int, device: UInt64, inode: UInt64, modified: Int64, changed: Int64) {
        kind = .file
        (self.mode, self.size, self.device, self.inode) = (mode, size, device, inode)
        (self.modified, self.changed) = (modified, changed)
    }

    /// Follows links. Nil where there is nothing.
    package init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// Gives the entries below a folder one by one, whatever the file system's own order: names by their bytes, a folder before
/// what is in it. Links are not followed. What `rules` leave out is not looked into.
package struct FolderWalk {
    package enum Failure: Error, Sendable, Hashable {
        case notAFolder(String)
        case tooDeep(String)
        case ruleFileTooLong(String)
        case system(SystemError)
    }

    /// Longest `.gitignore` that is read.
    package static let longestRuleFile = 1 << 20

    private struct Level {
        let folder: Descriptor
        /// Bytes of the path of this folder, with its slash.
        let prefix: Int
        let names: [[UInt8]]
        var next = 0
        /// One for each of `rules.files`.
        let patterns: [[IgnorePattern]]
    }

    private let top: String
    private let rules: IgnoreRules
    private let skips: @Sendable (FolderEntry) -> Bool
    private let deepest: Int
    private var levels: [Level] = []
    private var path: [UInt8] = []
    /// The folder that was given last, and is entered next.
    private var entering: FolderEntry?

    /// - Parameters:
    ///   - deepest: Folders within folders; more are an error.
    ///   - skips: Asked of what the rules keep.
    package init(
        _ folder: String, rules: IgnoreRules, deepest: Int,
        skips: @escaping @Sendable (FolderEntry) -> Bool = { _ in false }
    ) throws(Failure) {
        guard Directories.isDirectory(folder) else { throw .notAFolder(folder) }
        (top, self.rules, self.deepest, self.skips) = (folder, rules, deepest, skips)
        do throws(SystemError) {
            try open(Descriptor(opening: folder, O_RDONLY | O_DIRECTORY))
        } catch {
            throw .system(error)
        }
        if let long { throw long }
    }

    private var long: Failure?

    /// Nil at the end.
    package mutating func next() throws(Failure) -> FolderEntry? {
        if let folder = entering {
            entering = nil
            guard levels.count <= deepest else { throw .tooDeep("\(top)/\(folder.text)") }
            path = folder.path + [UInt8(ascii: "/")]
            do throws(SystemError) {
                let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
                try open(Descriptor(opening: folder.name, in: folder.parent, flags, subject: folder.text))
            } catch {
                throw .system(error)
            }
            if let long { throw long }
        }
        while let level = levels.last {
            guard level.next < level.names.count else {
                levels.removeLast()
                continue
            }
            let name = level.names[level.next]
            levels[levels.count - 1].next += 1
            path.removeSubrange(level.prefix...)
            path += name
            guard let (status, allocated) = try status(name, level.folder) else { continue }
            if isIgnored(name, isFolder: status.kind == .folder) { continue }
            let entry = FolderEntry(
                path: path, status: status, allocated: allocated, parent: level.folder, name: name)
            if skips(entry) { continue }
            if status.kind == .folder { entering = entry }
            return entry
        }
        return nil
    }

    private mutating func open(_ folder: Descriptor) throws(SystemError) {
        let names = try Directories.rawNames(in: folder, subject: String(decoding: path, as: UTF8.self))
        var patterns: [[IgnorePattern]] = []
        for file in rules.files {
            let name = Array(file.utf8)
            patterns.append(names.contains(name) ? try read(name, folder) : [])
        }
        levels.append(Level(folder: folder, prefix: path.count, names: names, patterns: patterns))
    }

    /// As git does, a rule file that is a link or no file is none.
    private mutating func read(_ name: [UInt8], _ folder: Descriptor) throws(SystemError) -> [IgnorePattern] {
        var status = stat()
        let isThere = withCharacters(name) { fstatat(folder.number, $0, &status, AT_SYMLINK_NOFOLLOW) } == 0
        guard isThere, status.st_mode & S_IFMT == S_IFREG else { return [] }
        let text = String(decoding: path + name, as: UTF8.self)
        let bytes = try Descriptor(opening: name, in: folder, O_RDONLY | O_NOFOLLOW, subject: text)
            .read(upTo: Self.longestRuleFile + 1)
        if bytes.count > Self.longestRuleFile { long = .ruleFileTooLong("\(top)/\(text)") }
        return IgnorePattern.all(in: bytes)
    }

    /// Nil where it went away meanwhile.
    private func status(_ name: [UInt8], _ folder: Descriptor) throws(Failure) -> (FileStatus, Int)? {
        var status = stat()
        guard withCharacters(name, { fstatat(folder.number, $0, &status, AT_SYMLINK_NOFOLLOW) }) != 0 else {
            return (FileStatus(status), Int(status.st_blocks) * 512)
        }
        let code = errno
        if code == ENOENT { return nil }
        throw .system(SystemError("look at", "\(top)/\(String(decoding: path, as: UTF8.self))", code: code))
    }

    private func isIgnored(_ name: [UInt8], isFolder: Bool) -> Bool {
        if let said = IgnoreRules.verdict(rules.given, path[...], name[...], isFolder: isFolder) { return said }
        for file in rules.files.indices {
            for level in levels.reversed() where !level.patterns[file].isEmpty {
                let said = IgnoreRules.verdict(
                    level.patterns[file], path[level.prefix...], name[...], isFolder: isFolder)
                if let said { return said }
            }
        }
        return IgnoreRules.verdict(rules.standard, path[...], name[...], isFolder: isFolder) ?? false
    }
}
