import Glibc

/// Who runs this process: the name of its uid in the user database, since `$USER` is only what somebody set.
enum UserName {
    /// Where the database has no such uid: `uid 1000`.
    static var current: String { name(of: getuid()) }

    static func name(of identifier: uid_t) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwuid_r(identifier, &entry, &buffer, buffer.count, &found) == 0, found != nil,
            let name = entry.pw_name
        else { return "uid \(identifier)" }
        return String(cString: name)
    }
}
