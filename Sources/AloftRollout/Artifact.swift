import AloftModel

/// A folder as it was when it was deployed, kept under its own digest.
package struct Artifact: Sendable, Hashable, Codable {
    /// SHA-256 over names, kinds, modes of the copy, contents and link targets; 64 hexadecimal digits.
    package var digest: String
    /// Absolute path of the copy: `releases/<digest>`.
    package var path: String
    package var files: Int
    package var bytes: Int
    /// False where the same tree was there already.
    package var isNew: Bool
    /// What no copy can be made of and was passed over: `run/app.sock (socket)`.
    package var skipped: [String]

    package init(digest: String, path: String, files: Int, bytes: Int, isNew: Bool, skipped: [String] = []) {
        self.digest = digest
        self.path = path
        self.files = files
        self.bytes = bytes
        self.isNew = isNew
        self.skipped = skipped
    }
}

/// The code that a release ran in place: where it lay, links followed, and what it was.
package struct FolderRecord: Sendable, Hashable, Codable {
    /// Absolute. Of `current -> releases/7` it is `…/releases/7`.
    package var path: String
    /// SHA-256 over the files in it that count as code; 64 hexadecimal digits.
    package var digest: String

    package init(path: String, digest: String) {
        self.path = path
        self.digest = digest
    }
}

/// The largest tree that is taken.
package struct ArtifactLimits: Sendable, Hashable {
    /// Files, folders and links together.
    package var entries: Int
    package var bytes: Int
    /// Folders within folders.
    package var depth: Int

    package init(entries: Int = 200_000, bytes: Int = 8 << 30, depth: Int = 64) {
        self.entries = entries
        self.bytes = bytes
        self.depth = depth
    }
}

/// Why a folder or file text was not taken, or is not there.
package enum ArtifactError: Error, Sendable, Hashable, CustomStringConvertible {
    case notAFolder(String)
    case tooManyEntries(String, limit: Int)
    case tooLarge(String, limit: Int)
    case tooDeep(String, limit: Int)
    /// A file changed while it was copied.
    case changed(String)
    case diskFull(String)
    /// No such artifact or file text is kept.
    case missing(String)
    /// What is kept under the digest has another one: somebody changed it.
    case damaged(String)
    /// The copy would not fit: bytes that it needs, bytes that are free, and the file system's folder.
    case noRoom(String, needs: Int, free: Int)
    case system(String)

    package var description: String {
        switch self {
        case .notAFolder(let path): "\(path) is not a folder"
        case .tooManyEntries(let path, let limit): "\(path) has more than \(limit) files"
        case .tooLarge(let path, let limit): "\(path) has more than \(limit) bytes"
        case .tooDeep(let path, let limit): "\(path) has folders more than \(limit) deep"
        case .changed(let path): "\(path) changed while it was copied; nothing was kept"
        case .diskFull(let path): "no space left to copy \(path); nothing was kept"
        case .missing(let what): "\(what) is not kept"
        case .damaged(let what): "\(what) is not what it was when it was kept"
        case .noRoom(let path, let needs, let free):
            "a copy of \(path) needs \(ByteSize(bytes: needs).rounded), and \(ByteSize(bytes: free).rounded) can be used; "
                + "nothing was kept"
        case .system(let what): what
        }
    }
}
