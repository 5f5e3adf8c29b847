import AloftModel
import AloftSystem
import Glibc

/// `run/web-1.3/` in the state directory: the spool files and the socket of one process.
struct RunDirectory: Sendable {
    /// Bytes a socket's path may have (unix(7)).
    private static let longestSocketPath = 107

    let path: String

    init(state: String, id: ReplicaID) { path = "\(state)/run/\(id.name).\(id.generation)" }

    /// That of a replica whose record tells where it is.
    init(path: String) { self.path = path }

    var stdoutPath: String { "\(path)/stdout" }
    var stderrPath: String { "\(path)/stderr" }

    /// The socket is in the folder, or in one with a short name where its path would be too long for a socket.
    var socketPath: String {
        let plain = "\(path)/socket"
        return plain.utf8.count <= Self.longestSocketPath ? plain : "\(shortFolder)/socket"
    }

    private var shortFolder: String { "/tmp/aloft-\(SpecDigest.name(of: path))" }

    private var usesShortFolder: Bool { "\(path)/socket".utf8.count > Self.longestSocketPath }

    /// Makes it anew: what an earlier process of this name left is removed.
    func make(withSocket: Bool) throws(SystemError) {
        try remove()
        try Directories.make(path, mode: 0o700)
        guard withSocket, usesShortFolder else { return }
        // In a folder that everybody writes to: it must be made here and now, not be somebody else's.
        if mkdir(shortFolder, 0o700) != 0 { throw SystemError("make the folder", shortFolder) }
    }

    func remove() throws(SystemError) {
        if usesShortFolder { try Directories.remove(shortFolder) }
        try Directories.remove(path)
    }

    /// Name and generation of the replica, from the folder's name.
    static func replica(named name: String) -> ReplicaID? {
        guard let dot = name.lastIndex(of: "."), let dash = name[..<dot].lastIndex(of: "-"),
            let generation = Int(name[name.index(after: dot)...]),
            let index = Int(name[name.index(after: dash)..<dot]), index > 0, generation > 0, dash > name.startIndex
        else { return nil }
        return ReplicaID(service: String(name[..<dash]), index: index, generation: generation)
    }
}
