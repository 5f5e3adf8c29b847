import AloftModel
import AloftSystem
import Glibc

extension LaunchPlan {
    /// The same, run as the user that the file names. A container's engine is told the name instead.
    ///
    /// - Throws: Where there is no such user, or this process may start nothing as somebody else.
    func asUser(of spec: ServiceSpec) throws(UserIdentity.Failure) -> LaunchPlan {
        guard spec.container == nil, let user = spec.user,
            let identity = try UserIdentity.find(user: user.name, group: user.group)
        else { return self }
        var plan = self
        plan.user = identity
        let own = Set(spec.environment.map(\.name) + spec.fileVariables.variables.map(\.name))
        let variables = [
            ("HOME", identity.home), ("USER", identity.name), ("LOGNAME", identity.name), ("SHELL", identity.shell),
        ]
        for (name, value) in variables where !own.contains(name) {
            plan.environment.removeAll { $0.hasPrefix("\(name)=") }
            plan.environment.append("\(name)=\(value)")
        }
        return plan
    }
}

/// What of Aloft's own files the user of a service needs to reach.
package enum ServiceUser {
    /// Why users of the plan cannot be had on this machine, by service; for a start that would otherwise fail later.
    package static func problems(of services: [ServiceSpec]) -> [(service: String, failure: UserIdentity.Failure)] {
        services.compactMap { spec in
            guard spec.container == nil, let user = spec.user else { return nil }
            do throws(UserIdentity.Failure) {
                _ = try UserIdentity.find(user: user.name, group: user.group)
                return nil
            } catch {
                return (spec.name, error)
            }
        }
    }

    /// A program that opens `/dev/stderr` opens the file behind it, so that file is the user's.
    static func give(_ outputs: [Descriptor], to user: UserIdentity) throws(SystemError) {
        for output in outputs where fchown(output.number, user.rights.user, user.rights.group) != 0 {
            throw SystemError("give a spool file to", user.name)
        }
    }

    /// Lets a user through to an artifact in the state directory: the way is open, what lies beside it is not.
    static func openWay(to directory: String, in stateDirectory: String) throws(SystemError) {
        guard directory.hasPrefix(stateDirectory + "/releases/") else { return }
        if try mode(of: stateDirectory) & 0o001 == 0 {
            for name in try Directories.names(in: stateDirectory) where name != "releases" {
                let path = "\(stateDirectory)/\(name)"
                try change(path, to: try mode(of: path) & 0o700)
            }
        }
        var path = stateDirectory
        for part in directory.dropFirst(stateDirectory.count).split(separator: "/") {
            try change(path, to: try mode(of: path) | 0o011)
            path += "/\(part)"
        }
    }

    private static func mode(of path: String) throws(SystemError) -> mode_t {
        var status = stat()
        guard stat(path, &status) == 0 else {
            // A file that comes and goes, such as the journal's beside it.
            if errno == ENOENT { return 0 }
            throw SystemError("look at", path)
        }
        return status.st_mode & 0o7777
    }

    private static func change(_ path: String, to mode: mode_t) throws(SystemError) {
        if chmod(path, mode) != 0, errno != ENOENT { throw SystemError("change the mode of", path) }
    }
}
