/// Writes a proposal as a file whose every line says what it does.
struct ProposalFile {
    let text: String

    /// Column where the remarks at the ends of lines begin.
    private static let column = 44

    init(_ detection: Detection, folder: String) {
        let slug = Names.slug(folder)
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
        lines += [""] + Self.edge(detection.services)
        lines += [
            "",
            Self.line("logs: {retention: 30d, maxSize: 1GiB}", "older or more is removed"),
        ]
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ text: String, _ remark: String) -> String {
        text + String(repeating: " ", count: max(2, column - text.count)) + "# " + remark
    }

    private static func service(_ service: ProposedService) -> [String] {
        let role = service.isRouted ? "takes the requests" : "works beside it"
        var lines = [line("  \(service.name):", role), "    # \(DisplayLine.printable(service.why))"]
        let words = service.command.map { Outline.text(escaped($0)) }
        lines.append("    command: \(Outline.list(words).inline)")
        if !service.variables.isEmpty {
            lines.append(line("    env:", "besides PATH, HOME, LANG and PORT, its whole environment"))
            lines += service.variables.map {
                line("      \(YAMLText.inline($0.name)): \(YAMLText.inline($0.value))", $0.why)
            }
        }
        guard service.isRouted else {
            lines.append(line("    replicas: 1", "one process; it takes no requests"))
            return lines
        }
        lines.append(line("    replicas: 2", "one answers while the other restarts"))
        lines.append(line("    probes:", "when a replica gets requests, and when it is restarted"))
        lines.append(line("      readiness: {tcpSocket: true}", "it accepts connections; {httpGet: /health} says more"))
        lines.append(line("      liveness: {tcpSocket: true}", "a replica that stops accepting is restarted"))
        lines.append(line("    stop: {drain: 30s, grace: 15s}", "requests end, then SIGTERM, then SIGKILL"))
        return lines
    }

    /// Only `${PORT}` is a reference; any other `${` is the app's own text.
    private static func escaped(_ word: String) -> String {
        word.split(separator: "${PORT}", omittingEmptySubsequences: false)
            .map { $0.replacing("${", with: "$${") }.joined(separator: "${PORT}")
    }

    private static func edge(_ services: [ProposedService]) -> [String] {
        let target = services.first(where: \.isRouted)
        var lines = [
            line("edge:", "what clients talk to"), line("  listeners:", "where they connect"),
            line("    - {address: \"127.0.0.1:8080\"}", "this machine only; \"0.0.0.0:80\" is everybody"),
            line("  admin: {address: \"127.0.0.1:9900\"}", "metrics and health; keep it on loopback"),
        ]
        guard let target else { return lines + [line("  routes: []", "nothing here takes requests")] }
        lines.append(line("  routes:", "the first that fits is taken"))
        lines.append(line("    - {match: {path: /*}, service: \(target.name)}", "every path goes to \(target.name)"))
        return lines
    }
}
