import AloftModel
import AloftRollout
import AloftSystem

/// The code that releases run: in place, in the folder of their service, or from a copy.
struct ReleaseCode: Sendable {
    let artifacts: ReleaseArtifacts
    let folders: CodeFolders

    /// What the folder of a service that runs in place holds now; nil where its releases have an artifact or an image.
    func record(_ spec: ServiceSpec, _ overrides: ReleaseOverrides) async throws(ArtifactError) -> FolderRecord? {
        guard spec.container == nil, overrides.artifact == nil else { return nil }
        return try await folders.record(place(spec, spec.directory))
    }

    /// Copies a folder, less what the service ignores.
    func keep(_ folder: String, of spec: ServiceSpec?) async throws(ArtifactError) -> Artifact {
        try await artifacts.keep(folder: folder, rules: ReleaseArtifacts.rules(spec?.ignore ?? []))
    }

    /// How the code of a release that ran in place differs from what its folder holds now; nil where it does not, and
    /// where that was not recorded.
    ///
    /// - Parameter spec: The service as that release describes it.
    func loss(of release: Release, _ spec: ServiceSpec) async throws(ArtifactError) -> String? {
        guard let was = release.overrides.folder else { return nil }
        guard Directories.isDirectory(was.path) else { return "its folder \(was.path) is gone" }
        let place = place(spec, was.path)
        guard try await folders.record(place).digest != was.digest else { return nil }
        let changes = try await folders.changes(place, since: release.created)
        return "the code in \(was.path) is no longer what it was: \(changes)"
    }

    /// What of the folder of a service is other than when this release was made; nil where nothing is.
    func news(since release: Release, _ spec: ServiceSpec) async throws(ArtifactError) -> String? {
        guard let was = release.overrides.folder, spec.container == nil, spec.deploy.artifact == nil else { return nil }
        let now = try await folders.record(place(spec, spec.directory))
        guard now != was else { return nil }
        if now.path != was.path { return "code in \(now.path)" }
        return "\(try await folders.changes(place(spec, now.path), since: release.created))"
    }

    /// What `envFiles` hold is no code: releases keep it by themselves.
    private func place(_ spec: ServiceSpec, _ folder: String) -> CodePlace {
        let variables = spec.envFiles.compactMap { file in
            file.path.hasPrefix(folder + "/") ? Self.rule(for: String(file.path.dropFirst(folder.count))) : nil
        }
        return CodePlace(
            service: spec.name, folder: folder, ignore: spec.ignore + variables,
            named: spec.command.compactMap { Self.file(named: $0, in: folder) })
    }

    /// A rule for this very path, which begins with `/`.
    private static func rule(for path: String) -> String {
        path.reduce(into: "") { rule, character in
            if "*?[]\\ ".contains(character) { rule.append("\\") }
            rule.append(character)
        }
    }

    /// A word of the command, as a path from the folder: the program itself counts even where git ignores it.
    private static func file(named word: Template, in folder: String) -> String? {
        guard word.parts.count == 1, case .text(var path)? = word.parts.first else { return nil }
        if path.hasPrefix("/") {
            guard path.hasPrefix(folder + "/") else { return nil }
            path.removeFirst(folder.count + 1)
        }
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard !parts.isEmpty, !parts.contains("..") else { return nil }
        return parts.joined(separator: "/")
    }
}
