import AloftModel
import AloftSystem
import Crypto
import Dispatch
import Glibc
import Synchronization

/// What releases are made of, under its own digest: `releases/<sha256>/` for folders, `releases/files/<sha256>.yaml` for
/// the text of the file as it was.
///
/// A folder is there whole or not at all: it is copied beside, flushed and renamed. One operation at a time.
package struct ReleaseArtifacts: Sendable {
    private let root: String
    private let limits: ArtifactLimits
    /// Copies wait for disks, which the threads of tasks must not.
    private let queue = DispatchQueue(label: "aloft.artifacts")
    /// Kept for releases that are not written yet.
    private let held = Held()

    /// What was kept less than so long ago is not removed, since its release may not be written yet.
    package static let grace = Duration.seconds(3600)
    /// The longest file text.
    package static let maxText = 4 << 20

    /// - Parameter root: `releases` in the state directory; made when it is first needed.
    package init(root: String, limits: ArtifactLimits = ArtifactLimits()) {
        self.root = root
        self.limits = limits
    }

    package func path(of digest: String) -> String { "\(root)/\(digest)" }

    /// What of a folder is no part of an artifact. `.gitignore` is not asked: what is built and what is installed, such as
    /// `dist`, `node_modules` and `.venv`, is not in git, and nothing runs without it.
    package static func rules(_ given: [String]) -> IgnoreRules {
        IgnoreRules(given: given, files: [".aloftignore"], standard: [".git", ".hg", ".svn"])
    }

    /// Copies a folder, unless the same tree is kept already.
    ///
    /// Left out are what the rules say, the state directory where it lies within, and `.aloft` and `.aloft-NAME` of the
    /// folder itself; sockets, pipes and devices are passed over, and named in the result.
    ///
    /// Links are kept as they are and not followed. Files lose their write permission, folders keep it.
    package func keep(folder: String, rules: IgnoreRules = .none) async throws(ArtifactError) -> Artifact {
        try await performing(on: queue) { () throws(ArtifactError) in
            try refusing(folder) { () throws(SystemError) in try Directories.make("\(root)/files") }
            let tree = ArtifactTree(
                folder: folder, limits: limits, leftOut: [root, Directories.parent(of: root)], rules: rules)
            let seen = try tree.digest()
            let path = path(of: seen.digest)
            let isNew = !Directories.isDirectory(path)
            if isNew {
                try checkRoom(for: seen, of: folder)
                try copy(tree, seen.digest, to: path)
            } else {
                try refusing(path) { () throws(SystemError) in
                    if utimensat(AT_FDCWD, path, nil, 0) != 0 { throw SystemError("touch", path) }
                }
            }
            try refusing(folder) { () throws(SystemError) in
                try AtomicFile.write("\(seen.files) \(seen.bytes)\n".utf8, to: countPath(seen.digest), mode: 0o400)
            }
            held.add(seen.digest)
            return Artifact(
                digest: seen.digest, path: path, files: seen.files, bytes: seen.bytes, isNew: isNew,
                skipped: seen.skipped)
        }
    }

    /// Bytes that a file takes up at most beside its content.
    private static let block = 4096
    /// What a copy leaves free for logs and the journal: as much, or a twentieth of a small disk.
    private static let reserve = 64 << 20

    private func checkRoom(for sum: ArtifactTree.Sum, of folder: String) throws(ArtifactError) {
        let room = try refusing(root) { () throws(SystemError) in try Directories.room(at: root) }
        let usable = max(0, room.free - min(Self.reserve, room.size / 20))
        let needs = sum.bytes + (sum.files + 1) * Self.block
        guard needs <= usable else { throw .noRoom(folder, needs: needs, free: usable) }
    }

    /// That a copy is there, with as many files and bytes as were copied; contents are not read.
    ///
    /// - Throws: `missing` or `damaged`.
    package func check(_ digest: String) async throws(ArtifactError) {
        try await performing(on: queue) { () throws(ArtifactError) in
            let path = path(of: digest)
            guard Directories.isDirectory(path) else { throw .missing("the artifact \(digest.prefix(12))") }
            let written: String
            do throws(SystemError) {
                written = try readText(countPath(digest), limit: 100)
            } catch {
                // Kept by a version that did not count.
                if error.isAbsence { return }
                throw .system("\(error)")
            }
            let found = try ArtifactTree(folder: path, limits: limits, leftOut: [], rules: .none).count()
            guard written == "\(found.files) \(found.bytes)\n" else {
                throw .damaged("the artifact \(digest.prefix(12)) in \(path)")
            }
        }
    }

    private func countPath(_ digest: String) -> String { "\(root)/files/\(digest).count" }

    private func copy(_ tree: ArtifactTree, _ digest: String, to path: String) throws(ArtifactError) {
        let temporary = "\(root)/\(Self.temporaryPrefix)\(getpid())-\(UInt32.random(in: 0 ... .max))"
        do throws(ArtifactError) {
            let copied = try tree.copy(to: temporary)
            guard copied.digest == digest else { throw .changed(tree.folder) }
            try refusing(tree.folder) { () throws(SystemError) in
                // One flush of everything is faster than one for each of maybe 200 000 files.
                if copied.files > ArtifactTree.flushedOneByOne { sync() }
                if rename(temporary, path) != 0 { throw SystemError("rename", temporary) }
                let parent = try Descriptor(opening: root, O_RDONLY | O_DIRECTORY)
                if fsync(parent.number) != 0 { throw SystemError("flush", root) }
            }
        } catch {
            let why = error
            try refusing(temporary) { () throws(SystemError) in try Directories.remove(temporary) }
            throw why
        }
    }

    private static let temporaryPrefix = ".tmp-"

    // MARK: File texts

    /// Keeps the text of a file; returns its SHA-256.
    package func keep(text: [UInt8]) async throws(ArtifactError) -> String {
        guard text.count <= Self.maxText else { throw .tooLarge("the file", limit: Self.maxText) }
        let digest = SHA256.hash(data: text).hex
        return try await performing(on: queue) { () throws(ArtifactError) in
            try refusing("the file") { () throws(SystemError) in
                try Directories.make("\(root)/files")
                try AtomicFile.write(text, to: textPath(digest), mode: 0o400)
            }
            held.add(digest)
            return digest
        }
    }

    /// What was kept for a release that is written by now, or was refused.
    package func letGo(_ digest: String) { held.remove(digest) }

    /// Bytes of each artifact that was counted.
    package func sizes() async throws(ArtifactError) -> [String: Int] {
        try await performing(on: queue) { () throws(ArtifactError) in
            guard Directories.isDirectory("\(root)/files") else { return [:] }
            var sizes: [String: Int] = [:]
            do throws(SystemError) {
                for name in try Directories.names(in: "\(root)/files") where name.hasSuffix(".count") {
                    let words = try readText("\(root)/files/\(name)", limit: 100).split { $0 == " " || $0 == "\n" }
                    sizes[String(name.prefix(64))] = words.count == 2 ? Int(words[1]) : nil
                }
            } catch {
                throw .system("\(error)")
            }
            return sizes
        }
    }

    package func keep(text: String) async throws(ArtifactError) -> String { try await keep(text: Array(text.utf8)) }

    /// The text as it was; one that is no longer what its digest says is an error.
    package func text(_ digest: String) throws(ArtifactError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Descriptor(opening: textPath(digest), O_RDONLY).read(upTo: Self.maxText + 1)
        } catch {
            throw error.isAbsence ? .missing("the file text \(digest)") : .system("\(error)")
        }
        guard SHA256.hash(data: bytes).hex == digest else { throw .damaged("the file text \(digest)") }
        return bytes
    }

    private func textPath(_ digest: String) -> String { "\(root)/files/\(digest).yaml" }

    // MARK: Removal

    /// Removes what none of the releases names, and what a daemon that was killed left half copied.
    ///
    /// - Parameters:
    ///   - releases: All that are kept, of all services.
    ///   - wall: The present time; what was kept within `grace` before it stays, and what `hold` names.
    /// - Returns: The digests removed.
    package func removeUnnamed(
        by releases: [Release], now wall: Timestamp, grace: Duration = grace
    ) async throws(ArtifactError) -> [String] {
        let folders = Set(releases.compactMap(\.overrides.artifact)).union(held.digests)
        let texts = Set(releases.map(\.fileDigest)).union(folders)
        return try await performing(on: queue) { () throws(ArtifactError) in
            guard Directories.isDirectory(root) else { return [] }
            do throws(SystemError) {
                var removed: [String] = []
                for name in try Directories.names(in: root) {
                    let isLeft = name.hasPrefix(Self.temporaryPrefix)
                    guard isLeft || (Self.isDigest(name) && !folders.contains(name)) else { continue }
                    if !isLeft { guard try isOld("\(root)/\(name)", wall, grace) else { continue } }
                    try Directories.remove("\(root)/\(name)")
                    if !isLeft { removed.append(name) }
                }
                try Directories.make("\(root)/files")
                for name in try Directories.names(in: "\(root)/files") {
                    let digest = String(name.prefix(64))
                    guard !texts.contains(digest), try isOld("\(root)/files/\(name)", wall, grace) else { continue }
                    try Directories.remove("\(root)/files/\(name)")
                    if name.hasSuffix(".yaml") { removed.append(digest) }
                }
                return removed
            } catch {
                throw .system("\(error)")
            }
        }
    }

    private static func isDigest(_ name: String) -> Bool {
        name.utf8.count == 64 && name.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    private func isOld(_ path: String, _ wall: Timestamp, _ grace: Duration) throws(SystemError) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw SystemError("look at", path) }
        let touched = Timestamp(
            nanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
        return wall - touched > grace
    }
}

/// Digests that no release names yet.
private final class Held: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    var digests: Set<String> { counts.withLock { Set($0.keys) } }

    func add(_ digest: String) { counts.withLock { $0[digest, default: 0] += 1 } }

    func remove(_ digest: String) {
        counts.withLock { counts in
            let left = (counts[digest] ?? 1) - 1
            counts[digest] = left > 0 ? left : nil
        }
    }
}

/// Turns a failure of the system into one of the artifact.
func refusing<Value>(
    _ subject: String, _ body: () throws(SystemError) -> Value
) throws(ArtifactError) -> Value {
    do throws(SystemError) {
        return try body()
    } catch {
        if error.code == ENOSPC || error.code == EDQUOT { throw .diskFull(subject) }
        throw .system("\(error)")
    }
}

extension Digest {
    /// Hexadecimal digits in lower case.
    var hex: String {
        var text = ""
        for byte in self {
            let digits = String(byte, radix: 16)
            text += digits.count == 1 ? "0" + digits : digits
        }
        return text
    }
}
