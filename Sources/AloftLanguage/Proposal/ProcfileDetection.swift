/// `Procfile`: a name and a command on each line.
enum ProcfileDetection {
    /// More processes than this are no app that one file describes.
    private static let limit = 20

    static func detect(_ folder: FolderListing) -> Detection? {
        guard folder.has("Procfile") else { return nil }
        var services: [ProposedService] = []
        var reasons = ["there is a Procfile, which says how each process is started"]
        var notes: [String] = []
        for line in folder.text("Procfile").split(whereSeparator: \.isNewline).prefix(limit) {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, !line.hasPrefix("#") else { continue }
            let name = Names.slug(String(parts[0]))
            let command = String(parts[1].drop { $0 == " " || $0 == "\t" })
            guard !name.isEmpty, !command.isEmpty, !services.contains(where: { $0.name == name }) else { continue }
            if name == "release" {
                notes.append(
                    "`\(command.shortened)` (release) is not run by Aloft yet; run it yourself before `aloft up`")
                continue
            }
            let (words, needsShell) = ShellWords.command(command)
            reasons.append("\(name): `\(command.shortened)`" + (needsShell ? ", which needs a shell" : ""))
            services.append(
                ProposedService(
                    name: name, command: words,
                    why: needsShell ? "from the Procfile; its command needs a shell" : "from the Procfile",
                    isRouted: name == "web"))
        }
        guard !services.isEmpty else { return nil }
        if services.count == 1 { services[0].isRouted = true }
        return Detection(kind: "Procfile", reasons: reasons, services: services, notes: notes)
    }
}
