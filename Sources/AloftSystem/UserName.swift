import Glibc

/// Names of users: of a uid in the user database, since `$USER` is only what somebody set.
package enum UserName {
    /// Who runs this process.
    package static var current: String { name(of: getuid()) }

    /// Where the database has no such uid: `uid 1000`.
    package static func name(of identifier: uid_t) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwuid_r(identifier, &entry, &buffer, buffer.count, &found) == 0, found != nil,
            let name = entry.pw_name
        else { return "uid \(identifier)" }
        return String(cString: name)
    }

    /// Whose a file or folder is; of one that can't be seen, the nearest folder above that can. Nil where that is this
    /// user's own.
    package static func otherOwner(of path: String) -> String? {
        var path = path
        while true {
            var status = stat()
            if stat(path, &status) == 0 { return status.st_uid == geteuid() ? nil : name(of: status.st_uid) }
            guard path != "/" && path != "." else { return nil }
            path = Directories.parent(of: path)
        }
    }
}
