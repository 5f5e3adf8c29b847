import Glibc

/// Whose rights a process gets: looked up before the process is made, since looking up takes locks and reads files.
package struct UserIdentity: Sendable, Hashable {
    package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        case unknownUser(String)
        case unknownGroup(String)
        /// A number without an entry, so that nothing says which group goes with it.
        case noGroup(user: String)
        /// This process is not root and not the user itself.
        case notRoot(user: String, running: String)
        case system(SystemError)

        package var description: String { "\(reason); \(remedy)" }

        package var reason: String {
            switch self {
            case .unknownUser(let name): "this machine has no user `\(name)`"
            case .unknownGroup(let name): "this machine has no group `\(name)`"
            case .noGroup(let user): "this machine has no user of the number \(user), so its group is not known"
            case .notRoot(let user, let running):
                "`user: \(user)` needs root: Aloft runs as \(running) and can start processes as nobody else"
            case .system(let error): "users can't be looked up: \(error)"
            }
        }

        /// What to do about it.
        package var remedy: String {
            switch self {
            case .unknownUser(let name): "make it (`useradd --system \(name)`), or correct `user`"
            case .unknownGroup(let name): "make it (`groupadd --system \(name)`), or correct `user.group`"
            case .noGroup(let user): "write `user: {name: \(user), group: \(user)}`"
            case .notRoot: "start Aloft as root, or take `user` out"
            case .system: "see whether /etc/passwd and /etc/group can be read"
            }
        }
    }

    package var name: String
    package var rights: UserRights
    package var home: String
    package var shell: String

    /// - Parameters:
    ///   - user: A name or a number.
    ///   - group: The same; nil is the user's own, with all that it belongs to.
    /// - Returns: Nil where this process is that user already, and is not root.
    package static func find(user: String, group: String?) throws(Failure) -> UserIdentity? {
        let found = try entry(of: user)
        let number = try group.map { name throws(Failure) in try groupNumber(name) } ?? found?.rights.group
        guard let id = found?.rights.user ?? UInt32(user), let number else { throw .noGroup(user: user) }
        guard geteuid() == 0 else {
            if id == geteuid(), number == getegid() { return nil }
            throw .notRoot(user: user, running: name(of: geteuid()))
        }
        let name = found?.name ?? user
        return UserIdentity(
            name: name,
            rights: UserRights(
                user: id, group: number,
                groups: group == nil && found != nil ? groups(of: name, number) : [number]),
            home: found?.home ?? "/", shell: found?.shell ?? "/bin/sh")
    }

    /// The name of a user, or its number where it has none.
    package static func name(of user: UInt32) -> String {
        (try? entry(of: "\(user)"))?.name ?? "user \(user)"
    }

    private static func entry(of user: String) throws(Failure) -> UserIdentity? {
        var size = 1 << 10
        while true {
            var entry = passwd()
            var found: UnsafeMutablePointer<passwd>?
            var buffer = [CChar](repeating: 0, count: size)
            let number = user.allSatisfy(\.isNumber) ? UInt32(user) : nil
            let code =
                number.map { getpwuid_r($0, &entry, &buffer, buffer.count, &found) }
                ?? getpwnam_r(user, &entry, &buffer, buffer.count, &found)
            if code == ERANGE, size < 1 << 20 {
                size *= 2
                continue
            }
            // "Not found" may come as an error of its own (getpwnam(3)).
            if found == nil, code == 0 || [ENOENT, ESRCH, EBADF, EPERM].contains(code) {
                if number != nil { return nil }
                throw .unknownUser(user)
            }
            guard found != nil else { throw .system(SystemError("look up the user", user, code: code)) }
            return UserIdentity(
                name: String(cString: entry.pw_name),
                rights: UserRights(user: entry.pw_uid, group: entry.pw_gid, groups: []),
                home: String(cString: entry.pw_dir), shell: String(cString: entry.pw_shell))
        }
    }

    private static func groupNumber(_ name: String) throws(Failure) -> UInt32 {
        if name.allSatisfy(\.isNumber), let number = UInt32(name) { return number }
        var size = 1 << 10
        while true {
            var entry = Glibc.group()
            var found: UnsafeMutablePointer<group>?
            var buffer = [CChar](repeating: 0, count: size)
            let code = getgrnam_r(name, &entry, &buffer, buffer.count, &found)
            if code == ERANGE, size < 1 << 20 {
                size *= 2
                continue
            }
            if found != nil { return entry.gr_gid }
            if code == 0 || [ENOENT, ESRCH, EBADF, EPERM].contains(code) { throw .unknownGroup(name) }
            throw .system(SystemError("look up the group", name, code: code))
        }
    }

    private static func groups(of user: String, _ own: UInt32) -> [UInt32] {
        var count: Int32 = 64
        while true {
            var groups = [gid_t](repeating: 0, count: Int(count))
            let before = count
            if getgrouplist(user, own, &groups, &count) >= 0 { return Array(groups.prefix(Int(count))) }
            // A system that does not say how many there are, or more than the kernel takes (NGROUPS_MAX).
            if count <= before { count = before * 2 }
            if count > 65_536 { return [own] }
        }
    }
}
