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

    package init(digest: String, path: String, files: Int, bytes: Int, isNew: Bool) {
        self.digest = digest
        self.path = path
        self.files = files
        self.bytes = bytes
        self.isNew = isNew
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
    /// A device, a socket or a pipe.
    case unsupported(String, kind: String)
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
    case system(String)

    package var description: String {
        switch self {
        case .notAFolder(let path): "\(path) is not a folder"
        case .unsupported(let path, let kind): "\(path) is a \(kind); an artifact has files, folders and links only"
        case .tooManyEntries(let path, let limit): "\(path) has more than \(limit) files"
        case .tooLarge(let path, let limit): "\(path) has more than \(limit) bytes"
        case .tooDeep(let path, let limit): "\(path) has folders more than \(limit) deep"
        case .changed(let path): "\(path) changed while it was copied; nothing was kept"
        case .diskFull(let path): "no space left to copy \(path); nothing was kept"
        case .missing(let what): "\(what) is not kept"
        case .damaged(let what): "\(what) is not what it was when it was kept"
        case .system(let what): what
        }
    }
}
