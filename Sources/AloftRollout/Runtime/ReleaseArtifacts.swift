import AloftModel
import AloftSystem
import Crypto
import Dispatch
import Glibc

/// What releases are made of, under its own digest: `releases/<sha256>/` for folders, `releases/files/<sha256>.yaml` for
/// the text of the file as it was.
///
/// A folder is there whole or not at all: it is copied beside, flushed and renamed. One operation at a time.
package struct ReleaseArtifacts: Sendable {
    private let root: String
    private let limits: ArtifactLimits
    /// Copies wait for disks, which the threads of tasks must not.
    private let queue = DispatchQueue(label: "aloft.artifacts")

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

    /// Copies a folder, unless the same tree is kept already.
    ///
    /// Left out are the state directory where it lies within, and `.aloft` and `.aloft-NAME` of the folder itself.
    ///
    /// Links are kept as they are and not followed. Files lose their write permission, folders keep it.
    package func keep(folder: String) async throws(ArtifactError) -> Artifact {
        try await onQueue { () throws(ArtifactError) in
            try refusing(folder) { () throws(SystemError) in try Directories.make("\(root)/files") }
            let tree = ArtifactTree(folder: folder, limits: limits, leftOut: [root, Directories.parent(of: root)])
            let seen = try tree.digest()
            let path = path(of: seen.digest)
            if Directories.isDirectory(path) {
                try refusing(path) { () throws(SystemError) in
                    if utimensat(AT_FDCWD, path, nil, 0) != 0 { throw SystemError("touch", path) }
                }
                return Artifact(
                    digest: seen.digest, path: path, files: seen.files, bytes: seen.bytes, isNew: false)
            }
            try copy(tree, seen.digest, to: path)
            return Artifact(digest: seen.digest, path: path, files: seen.files, bytes: seen.bytes, isNew: true)
        }
    }

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
        return try await onQueue { () throws(ArtifactError) in
            try refusing("the file") { () throws(SystemError) in
                try Directories.make("\(root)/files")
                try AtomicFile.write(text, to: textPath(digest), mode: 0o400)
            }
            return digest
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
    ///   - wall: The present time; what was kept within `grace` before it stays.
    /// - Returns: The digests removed.
    package func removeUnnamed(
        by releases: [Release], now wall: Timestamp
    ) async throws(ArtifactError) -> [String] {
        let folders = Set(releases.compactMap(\.overrides.artifact))
        let texts = Set(releases.map(\.fileDigest))
        return try await onQueue { () throws(ArtifactError) in
            guard Directories.isDirectory(root) else { return [] }
            do throws(SystemError) {
                var removed: [String] = []
                for name in try Directories.names(in: root) {
                    let isLeft = name.hasPrefix(Self.temporaryPrefix)
                    guard isLeft || (Self.isDigest(name) && !folders.contains(name)) else { continue }
                    if !isLeft { guard try isOld("\(root)/\(name)", wall) else { continue } }
                    try Directories.remove("\(root)/\(name)")
                    if !isLeft { removed.append(name) }
                }
                try Directories.make("\(root)/files")
                for name in try Directories.names(in: "\(root)/files") {
                    let digest = String(name.prefix(64))
                    guard !texts.contains(digest), try isOld("\(root)/files/\(name)", wall) else { continue }
                    try Directories.remove("\(root)/files/\(name)")
                    removed.append(digest)
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

    private func isOld(_ path: String, _ wall: Timestamp) throws(SystemError) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw SystemError("look at", path) }
        let touched = Timestamp(
            nanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
        return wall - touched > Self.grace
    }

    private func onQueue<Value: Sendable>(
        _ body: @escaping @Sendable () throws(ArtifactError) -> Value
    ) async throws(ArtifactError) -> Value {
        let result: Result<Value, ArtifactError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(ArtifactError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
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
