import AloftModel

/// `services.*.envFiles`.
enum EnvFileKeys {
    /// Files of one service.
    static let most = 16

    static let envFiles = Key<ServiceSpec, [EnvironmentFile]>.applicable(
        "envFiles", .list(of: item, count: 0...most), "[]",
        "Dotenv files with variables of the replica's environment.",
        detail:
            "Read as docker compose reads them, without a shell; a later file wins over an earlier one, and `env` over "
            + "all. What they hold is never printed, and kept with each release, so that a rollback brings it back. "
            + "A file that changed is a new release at the next `aloft reload` or `aloft deploy`.",
        example: "[.env, {path: .env.local, optional: true}]", effect: .newRelease,
        synonyms: ["env_file", "envFile", "env_files", "dotenv"]
    ) { $0.envFiles.isEmpty ? nil : $0.envFiles }

    static let section = Section<EnvironmentFile>("envFile", [path.member, optional.member]) { fields, _ in
        fields[path].map { EnvironmentFile(path: $0, isOptional: fields[optional]) }
    }

    static let path = Key<EnvironmentFile, String?>.required(
        "path", .path("file", plural: "files"), "The file; relative to this one.", example: ".env.local",
        synonyms: ["file", "name"]
    ) { $0.path }

    static let optional = Key<EnvironmentFile, Bool>.standard(
        "optional", .boolean, "false", "With `true`, a file that is not there counts as empty.", example: "true"
    ) { $0.isOptional }

    private static let item: Kind<EnvironmentFile> = {
        let long = EnvFileKeys.section.kind
        let short = Kind<String>.path("file", plural: "files")
        return Kind(
            .either([short.form, long.form]),
            spell: { $0.isOptional ? long.spell($0) : short.spell($0.path) }
        ) { node, reader in
            let file =
                node.entries == nil
                ? short.read(node, &reader).map { EnvironmentFile(path: $0) } : long.read(node, &reader)
            guard let file else { return nil }
            // `services.web.envFiles[0]`
            if reader.path.count == 4 {
                reader.envFiles.append(.init(service: reader.path[1], file: file, span: node.span))
            }
            return file
        }
    }()
}
