import AloftModel
import AloftSystem
import Glibc

/// `run/web-1.3/` in the state directory: the spool files and the socket of one process.
struct RunDirectory: Sendable {
    /// Bytes a socket's path may have (unix(7)).
    private static let longestSocketPath = 107

    let path: String
    /// Whose process makes the socket, where that is somebody else: the state directory lets nobody else through, so
    /// the socket's folder is elsewhere.
    private var user: UserIdentity?

    init(state: String, id: ReplicaID) { path = "\(state)/run/\(id.name).\(id.generation)" }

    /// That of a replica whose record tells where it is.
    init(path: String) { self.path = path }

    var stdoutPath: String { "\(path)/stdout" }
    var stderrPath: String { "\(path)/stderr" }

    /// The socket is in the folder, or in one with a short name where its path would be too long for a socket.
    var socketPath: String {
        if user != nil { return "\(userFolder)/s/socket" }
        let plain = "\(path)/socket"
        return plain.utf8.count <= Self.longestSocketPath ? plain : "\(shortFolder)/socket"
    }

    /// The same folder, for a process that runs as this user.
    func reachable(by user: UserIdentity?) -> RunDirectory {
        var directory = self
        directory.user = user
        return directory
    }

    /// Root's own, so that nobody can put something else in its place; `s` in it is the user's.
    private var userFolder: String { "/run/aloft-\(SpecDigest.name(of: path))" }

    private var shortFolder: String { "/tmp/aloft-\(SpecDigest.name(of: path))" }

    private var usesShortFolder: Bool { "\(path)/socket".utf8.count > Self.longestSocketPath }

    /// Makes it anew: what an earlier process of this name left is removed.
    func make(withSocket: Bool) throws(SystemError) {
        try remove()
        try Directories.make(path, mode: 0o700)
        guard withSocket else { return }
        if let user { return try makeUserFolder(user) }
        guard usesShortFolder else { return }
        // In a folder that everybody writes to: it must be made here and now, not be somebody else's.
        if mkdir(shortFolder, 0o700) != 0 { throw SystemError("make the folder", shortFolder) }
    }

    private func makeUserFolder(_ user: UserIdentity) throws(SystemError) {
        guard mkdir(userFolder, 0o711) == 0, chmod(userFolder, 0o711) == 0 else {
            throw SystemError("make the folder", userFolder)
        }
        let inner = "\(userFolder)/s"
        guard mkdir(inner, 0o700) == 0, lchown(inner, user.rights.user, user.rights.group) == 0 else {
            throw SystemError("make the folder", inner)
        }
    }

    /// Nothing of what the user made is followed or entered: it may be changed at any moment.
    private func removeUserFolder() throws(SystemError) {
        var status = stat()
        guard lstat(userFolder, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else { return }
        let inner = "\(userFolder)/s"
        if Directories.isDirectory(inner) {
            for name in try Directories.names(in: inner) {
                let file = "\(inner)/\(name)"
                if unlink(file) != 0, errno != ENOENT, rmdir(file) != 0, errno != ENOENT {
                    throw SystemError("remove what the app left:", file)
                }
            }
            if rmdir(inner) != 0 { throw SystemError("remove", inner) }
        }
        if rmdir(userFolder) != 0 { throw SystemError("remove", userFolder) }
    }

    func remove() throws(SystemError) {
        if geteuid() == 0 { try removeUserFolder() }
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
