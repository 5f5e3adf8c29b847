/// Writes a proposal as a file whose every line says what it does.
struct ProposalFile {
    let text: String

    /// Column where the remarks at the ends of lines begin.
    private static let column = 44

    init(_ detection: Detection, _ folder: FolderListing) {
        let slug = Names.slug(folder.name)
        let app = slug.isEmpty ? "app" : slug
        var lines = [
            "# How \(app) runs in production, all of it. `aloft check` checks this file, `aloft up` runs it,",
            "# `aloft plan` shows every default, and `aloft explain KEY` says what a key means.",
            Self.line("version: 1", "of Aloft's language"),
            Self.line("app: \(app)", "the name, from this folder"),
            "",
            Self.line("services:", "the processes, by names of your choice"),
        ]
        for service in detection.services { lines += Self.service(service) }
        lines += [""] + Self.edge(detection.services, folder)
        lines += [
            "",
            Self.line("logs: {retention: 30d, maxSize: 1GiB}", "older or more is removed"),
        ]
        text = lines.joined(separator: "\n") + "\n"
    }

    /// A remark that would make the line too long for people stands above it.
    private static func line(_ text: String, _ remark: String) -> String {
        let padded = text + String(repeating: " ", count: max(2, column - text.count)) + "# " + remark
        guard padded.count > 118 else { return padded }
        return String(text.prefix { $0 == " " }) + "# " + remark + "\n" + text
    }

    private static func service(_ service: ProposedService) -> [String] {
        let role = service.isRouted ? "takes the requests" : "works beside it"
        var lines = [line("  \(service.name):", role), "    # \(DisplayLine.printable(service.why))"]
        switch service.kind {
        case .process: break
        case .build(let folder):
            lines.append(line("    build: \(YAMLText.inline(folder))", "built from its Dockerfile"))
        case .image(let name): lines.append(line("    image: \(YAMLText.inline(name))", "run by podman or docker"))
        }
        if let directory = service.directory {
            lines.append(line("    directory: \(YAMLText.inline(directory))", "where it runs"))
        }
        if !service.command.isEmpty { lines.append("    command: \(words(service.command))") }
        lines += network(of: service) + environment(of: service)
        if !service.release.isEmpty {
            lines.append(line("    release: {command: \(words(service.release))}", "once before each release"))
        }
        if !service.dependsOn.isEmpty {
            let names = service.dependsOn.map(YAMLText.inline).joined(separator: ", ")
            lines.append(line("    dependsOn: [\(names)]", "ready before this one starts"))
        }
        lines += volumes(of: service)
        if let (policy, why) = service.restart { lines.append(line("    restart: {policy: \(policy)}", why)) }
        return lines + running(service)
    }

    private static func network(of service: ProposedService) -> [String] {
        if !service.isRouted {
            return [line("    listen: none", "it takes no requests: ready when it runs")]
        }
        guard let port = service.containerPort else { return [] }
        return [line("    containerPort: \(port)", "where its program listens, on all addresses of the container")]
    }

    private static func environment(of service: ProposedService) -> [String] {
        var lines: [String] = []
        if !service.environmentFiles.isEmpty {
            let names = service.environmentFiles.map(YAMLText.inline).joined(separator: ", ")
            lines.append(line("    envFiles: [\(names)]", "variables that stay out of this file; never printed"))
        }
        guard !service.variables.isEmpty else { return lines }
        lines.append(
            line("    env:", service.isContainer ? "besides what its image sets" : "besides PATH, HOME, LANG and PORT"))
        return lines
            + service.variables.map { variable in
                line(
                    "      \(YAMLText.inline(variable.name)): \(YAMLText.quotedUnlessPlain(escaped(variable.value)))",
                    variable.why)
            }
    }

    private static func volumes(of service: ProposedService) -> [String] {
        guard !service.volumes.isEmpty else { return [] }
        return [line("    volumes:", "folders of this machine that its container sees")]
            + service.volumes.map { volume in
                let more = volume.isReadOnly ? ", readOnly: true" : ""
                let text =
                    "      - {path: \(YAMLText.inline(volume.path)), from: \(YAMLText.inline(volume.from))\(more)}"
                return line(text, "must be there before the first start")
            }
    }

    private static func running(_ service: ProposedService) -> [String] {
        guard service.isRouted else {
            return [line("    replicas: \(service.replicas ?? 1)", "how many of it run")]
        }
        let (probe, why) =
            service.readiness ?? ("{tcpSocket: true}", "it accepts connections; {httpGet: /health} says more")
        return [
            line("    replicas: \(service.replicas ?? 2)", "one answers while the other restarts"),
            line("    probes:", "when a replica gets requests, and when it is restarted"),
            line("      readiness: \(probe)", why),
            line("      liveness: {tcpSocket: true}", "a replica that stops accepting is restarted"),
            line("    stop: {drain: 30s, grace: 15s}", "requests end, then SIGTERM, then SIGKILL"),
        ]
    }

    private static func words(_ command: [String]) -> String {
        Outline.list(command.map { .text(escaped($0)) }).inline
    }

    /// Only `${PORT}` is a reference; any other `${` is the app's own text.
    private static func escaped(_ word: String) -> String {
        word.split(separator: "${PORT}", omittingEmptySubsequences: false)
            .map { $0.replacing("${", with: "$${") }.joined(separator: "${PORT}")
    }

    private static func edge(_ services: [ProposedService], _ folder: FolderListing) -> [String] {
        let routed = services.filter(\.isRouted)
        let isUsual = folder.port == 8080
        var lines = [
            line("edge:", "what clients talk to"), line("  listeners:", "where they connect"),
            line(
                "    - {address: \"127.0.0.1:\(folder.port)\"}",
                "this machine only; \"0.0.0.0:80\" is everybody" + (isUsual ? "" : ". 8080 is taken here")),
            line("  admin: {address: \"127.0.0.1:\(folder.adminPort)\"}", "metrics and health; keep it on loopback"),
        ]
        guard let last = main(of: routed) else { return lines + [line("  routes: []", "nothing here takes requests")] }
        lines.append(line("  routes:", "the first that fits is taken"))
        for service in routed where service.name != last.name {
            lines.append(
                line(
                    "    - {match: {path: /\(service.name)/*}, service: \(service.name)}",
                    "a guess: what \(service.name) answers"))
        }
        lines.append(
            line(
                "    - {match: {path: /*}, service: \(last.name)}",
                routed.count > 1 ? "all else goes to \(last.name)" : "every path goes to \(last.name)"))
        return lines
    }

    /// The service that visitors mean.
    private static func main(of routed: [ProposedService]) -> ProposedService? {
        let usual = ["web", "frontend", "app", "site", "www", "client", "proxy", "nginx"]
        return usual.lazy.compactMap { name in routed.first { $0.name == name } }.first ?? routed.first
    }
}

extension YAMLText {
    static func quotedUnlessPlain(_ text: String) -> String { text.isEmpty ? "\"\"" : inline(text) }
}
