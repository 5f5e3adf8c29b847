/// `Procfile`: a name and a command on each line.
enum ProcfileDetection {
    /// More processes than this are no app that one file describes.
    private static let limit = 20

    static func detect(_ folder: FolderListing) -> Detection? {
        guard folder.has("Procfile") else { return nil }
        var services: [ProposedService] = []
        var release: [String] = []
        var reasons = ["there is a Procfile, which says how each process is started"]
        for line in folder.text("Procfile").split(whereSeparator: \.isNewline).prefix(limit) {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, !line.hasPrefix("#") else { continue }
            let name = Names.slug(String(parts[0]))
            let command = String(parts[1].drop { $0 == " " || $0 == "\t" })
            guard !name.isEmpty, !command.isEmpty, !services.contains(where: { $0.name == name }) else { continue }
            let (words, needsShell) = ShellWords.command(command)
            reasons.append("\(name): `\(command.shortened)`" + (needsShell ? ", which needs a shell" : ""))
            if name == "release" {
                // No replica has an address yet: a shell takes `$PORT` as it comes.
                release = words.contains { $0.contains("${PORT}") } ? ["sh", "-c", command] : words
                continue
            }
            services.append(
                ProposedService(
                    name: name, command: words,
                    why: needsShell ? "from the Procfile; its command needs a shell" : "from the Procfile",
                    isRouted: name == "web"))
        }
        guard !services.isEmpty else { return nil }
        if services.count == 1, services[0].command.contains(where: { $0.contains("${PORT}") }) {
            services[0].isRouted = true
        }
        let first = services.firstIndex(where: \.isRouted) ?? 0
        services[first].release = release
        if !release.isEmpty { reasons.append("its `release` runs once before each release of \(services[first].name)") }
        return Detection(kind: "Procfile", reasons: reasons, services: services)
    }
}
