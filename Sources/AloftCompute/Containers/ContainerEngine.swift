import AloftSystem

/// The program that makes containers: podman or docker, whichever is there.
package struct ContainerEngine: Sendable, Hashable {
    /// Podman gives a container Aloft's own files as its output; docker does not, so its output is followed.
    package enum Kind: String, Sendable, Hashable { case podman, docker }

    package let kind: Kind
    /// Absolute path of the program.
    package let path: String

    package init(kind: Kind, path: String) {
        self.kind = kind
        self.path = path
    }

    /// - Parameter host: The environment of `aloft up`: `ALOFT_CONTAINER_ENGINE` names the engine or its path, else the
    ///   first of podman and docker in `PATH` is taken.
    /// - Throws: One line that says what to install.
    package static func find(host: [String: String]) throws(LaunchFailure) -> ContainerEngine {
        let path = host["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        let chosen = host["ALOFT_CONTAINER_ENGINE"] ?? ""
        for name in chosen.isEmpty ? ["podman", "docker"] : [chosen] {
            do throws(ProgramPath.Failure) {
                let file = try ProgramPath.find(name, directory: "/", path: path)
                return ContainerEngine(kind: kind(of: name), path: file)
            } catch {
                if !chosen.isEmpty { throw LaunchFailure("ALOFT_CONTAINER_ENGINE: \(error)") }
            }
        }
        throw LaunchFailure(
            "`image` and `build` need podman or docker, and neither is in PATH (\(path)); "
                + "install one, as with `apt install podman`")
    }

    private static func kind(of name: String) -> Kind {
        (name.split(separator: "/").last ?? "").contains("docker") ? .docker : .podman
    }
}
