/// Makes one readable line of what an engine printed when it failed.
package enum EngineText {
    /// Why an image could not be had, with what to do about it.
    package static func pullFailure(_ reference: ImageReference, _ printed: String) -> String {
        let text = printed.lowercased()
        let registry = reference.registry ?? "its registry"
        let what = "image `\(reference.text)`"
        func says(_ parts: String...) -> Bool { parts.contains { text.contains($0) } }
        if says(
            "unauthorized", "authentication required", "access denied", "access to the resource is denied",
            "denied:", "403 (forbidden)", "403 forbidden", "401 (unauthorized)", "invalid username/password",
            "no basic auth credentials")
        {
            return "\(what): \(registry) refuses access; set `registry` with a username and a password that may "
                + "read it, and check the name: \(lastLine(printed))"
        }
        if says("manifest unknown", "name unknown", "not found", "no such image", "repository does not exist") {
            return "\(what): \(registry) does not have it; check name and tag: \(lastLine(printed))"
        }
        if says("x509", "http response to https client", "certificate") {
            return "\(what): \(registry) has no certificate that this machine trusts: \(lastLine(printed))"
        }
        if says(
            "no such host", "connection refused", "i/o timeout", "network is unreachable", "no route to host",
            "tls handshake timeout", "deadline exceeded", "temporary failure in name resolution", "dial tcp")
        {
            return "\(what): \(registry) cannot be reached; check the network, or have the image on this machine and "
                + "set `pull: missing`: \(lastLine(printed))"
        }
        if says("no space left") { return "\(what): the disk is full: \(lastLine(printed))" }
        return "\(what) cannot be pulled: \(lastLine(printed))"
    }

    /// Why a container could not be started.
    package static func startFailure(_ printed: String, _ engine: ContainerEngine) -> String {
        let text = printed.lowercased()
        let line = lastLine(printed)
        func says(_ parts: String...) -> Bool { parts.contains { text.contains($0) } }
        if says("cannot connect to the docker daemon", "is the docker daemon running") {
            return "docker has no daemon that runs; start it (`systemctl start docker`), or install podman: \(line)"
        }
        if says("permission denied while trying to connect to the docker daemon") {
            return "docker's socket may not be used by this user; add the user to the group `docker`: \(line)"
        }
        if says("executable file", "attempted to invoke a command that was not found", "no such file or directory: oci")
            || says("exec: \"") && says("no such file or directory")
        {
            return "the image has no such program as `command` says: \(line)"
        }
        if blamesRuntime(printed) { return "podman cannot start the container: \(runtimeFailure(printed))" }
        if says("slirp4netns", "netavark", "aardvark", "cni", "pasta", "iptables", "nftables") {
            return "the container's network cannot be made; install what \(engine.kind.rawValue) uses for it "
                + "(rootless podman: slirp4netns; as root: netavark or containernetworking-plugins, and iptables): "
                + line
        }
        if says("address already in use", "port is already allocated") {
            return "the port that was chosen is taken meanwhile; another is taken the next time: \(line)"
        }
        if says("no subuid ranges", "newuidmap", "newgidmap") {
            return "rootless containers need ranges of user ids: install uidmap and add the user to /etc/subuid and "
                + "/etc/subgid: \(line)"
        }
        if says("no space left") { return "the disk is full: \(line)" }
        return "\(engine.kind.rawValue) cannot start the container: \(line)"
    }

    /// True where crun fails at what runc can do: it knows cgroup v2 alone, and sets podman's own limits, which a machine
    /// may not give.
    package static func blamesRuntime(_ printed: String) -> Bool {
        let text = printed.lowercased()
        return text.contains("crun") && ["setrlimit", "cgroup"].contains { text.contains($0) }
    }

    /// What to do about that.
    package static func runtimeFailure(_ printed: String) -> String {
        "its runtime crun does not work with this machine's cgroups or limits; install runc (`apt install runc`), which "
            + "Aloft then has podman use: \(lastLine(printed))"
    }

    /// True where the image that was found earlier is not on the machine any more.
    package static func saysImageIsGone(_ printed: String) -> Bool {
        let text = printed.lowercased()
        return ["no such image", "image not known", "unable to find image"].contains { text.contains($0) }
    }

    /// True where there is no container of that name.
    package static func saysContainerIsGone(_ printed: String) -> Bool {
        printed.lowercased().contains("no such container")
    }

    /// True where docker still removes a container that it was told to remove before.
    package static func saysRemovalGoesOn(_ printed: String) -> Bool {
        printed.lowercased().contains("is already in progress")
    }

    /// True where the engine's own settings ask for what this machine does not give: limits that only the kernel's
    /// owner may raise, a systemd that does not run, a cgroup manager that cannot work.
    package static func blamesSettings(_ printed: String) -> Bool {
        let text = printed.lowercased()
        return ["rlimit", "systemd", "dbus", "journald", "cgroup"].contains { text.contains($0) }
    }

    /// The last line that says something, on one line, without `Error: `, at most 300 characters.
    package static func lastLine(_ printed: String) -> String {
        let lines = printed.split { $0.isNewline }.filter { !$0.allSatisfy(\.isWhitespace) && !isHint($0) }
        guard var line = lines.last else { return "it printed nothing" }
        for prefix in ["Error: ", "docker: "] where line.hasPrefix(prefix) { line = line.dropFirst(prefix.count) }
        let plain = line.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }
        return String(String(plain).prefix(300))
    }

    /// What docker's program ends its complaints with.
    private static func isHint(_ line: Substring) -> Bool {
        (line.hasPrefix("See 'docker ") || line.hasPrefix("Run 'docker ")) && line.contains("--help'")
    }
}
