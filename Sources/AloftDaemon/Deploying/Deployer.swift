import AloftCompute
import AloftJournal
import AloftModel
import AloftRollout

/// Makes releases of what people ask for and of what the file says, and has them rolled out.
///
/// What runs is a service's current release. The file changes it by a release of its own, and only where the file's own
/// words about the processes have changed since they were last taken over: a rollback is not undone by a reload.
struct Deployer: Sendable {
    let book: ReleaseBook
    let code: ReleaseCode
    let journal: Journal
    let rollouts: Rollouts
    let compute: Compute
    let wanted: WantedReplicas
    let events: EventQueue
    /// Name of the user whose process this is.
    let user: String
    /// Services in containers that the file may want otherwise: `ContainerReleases` has their image first.
    let containers: AsyncStream<ContainerReleases.Change>.Continuation

    // MARK: The file

    /// Makes releases of services whose processes the file wants otherwise than when it was last asked.
    ///
    /// - Parameters:
    ///   - spared: A service that somebody is deploying: its release takes the file's words by itself.
    ///   - messages: Of the release of a service, where there is something to say.
    func takeOver(
        _ running: Running, reason: ReleaseReason, sparing spared: String? = nil, messages: [String: String] = [:]
    ) async {
        for spec in running.plan.services where spec.name != spared {
            if spec.container != nil {
                containers.yield(ContainerReleases.Change(service: spec.name, reason: reason))
                continue
            }
            do {
                try await takeOver(spec, running, reason, message: messages[spec.name])
            } catch {
                events.publish(
                    .warning, "release.refused", spec.name, "the file's change could not be deployed: \(error)")
            }
        }
    }

    func takeOver(
        _ spec: ServiceSpec, _ running: Running, _ reason: ReleaseReason, message: String? = nil
    ) async throws {
        if try await isTakenOver(spec) { return }
        do {
            _ = try await begin(spec, running, try await kept(for: spec), reason: reason, by: user, message: message)
        } catch RolloutError.sameRelease {
            // A change there and back again.
        }
        try await journal.setFact(Self.seenKey(spec.name), book.digest(spec))
    }

    /// Whether the newest release knows what the file says of the service.
    func isTakenOver(_ spec: ServiceSpec) async throws -> Bool {
        try await journal.fact(Self.seenKey(spec.name)) == book.digest(spec)
    }

    /// Pulls or builds the image that the next release of the service needs; nothing where it is there.
    ///
    /// - Parameter image: In place of the file's own words.
    func prepareImage(_ spec: ServiceSpec, image: String? = nil) async throws {
        var overrides = try await kept(for: spec)
        if let image { overrides.image = try await immutable(.image(image), of: spec) }
        _ = try await pinned(overrides, of: spec)
    }

    /// An artifact or image stays until the file itself names another folder or image; variables stay.
    func kept(for spec: ServiceSpec) async throws(RolloutError) -> ReleaseOverrides {
        let newest = try await rollouts.releases(of: spec.name).last(where: Self.stands)
        guard let newest else { return ReleaseOverrides() }
        var overrides = newest.overrides
        overrides.pinned = nil
        (overrides.folder, overrides.variables) = (nil, nil)
        do {
            let before = try book.base(of: newest)
            if before.directory != spec.directory || before.deploy.artifact != spec.deploy.artifact {
                overrides.artifact = nil
            }
            if before.container?.source != spec.container?.source { overrides.image = nil }
        } catch {
            // Its file can't be read any more, so nothing says that folder and image have changed.
            return overrides
        }
        return overrides
    }

    static func seenKey(_ service: String) -> String { "file/\(service)" }

    // MARK: People

    /// - Parameter artifact: Digest of a folder that was copied already.
    func deploy(
        _ spec: ServiceSpec, _ running: Running, _ request: DeployRequest, artifact: String?
    ) async throws -> Release {
        var overrides = try await kept(for: spec)
        if let artifact { overrides.artifact = artifact }
        if let image = request.image { overrides.image = try await immutable(.image(image), of: spec) }
        try take(back: request.unset ?? [], from: &overrides, of: spec.name)
        overrides.environment.merge(request.environment) { _, new in new }
        let release = try await begin(
            spec, running, overrides, reason: .deploy, by: request.user, message: request.message)
        try await journal.setFact(Self.seenKey(spec.name), book.digest(spec))
        return release
    }

    /// `--unset`: the file speaks again.
    private func take(
        back names: [String], from overrides: inout ReleaseOverrides, of service: String
    ) throws(ControlFailure) {
        for name in names where overrides.environment.removeValue(forKey: name) == nil {
            let set = overrides.environment.keys.sorted().map { "env.\($0)" }.joined(separator: ", ")
            throw ControlFailure(
                .refused, "env.\(name) of \(service) is not set by `aloft deploy --set`",
                hint: set.isEmpty ? "nothing is: what the file says is what runs" : "set are: \(set)")
        }
    }

    func take(_ draft: ReleaseDraft) async throws -> Release { try await rollouts.begin(draft) }

    /// The very release of another environment, as this one's file lays itself over it.
    ///
    /// - Throws: `sameRelease` where it runs already, before anybody is asked to approve it.
    func draft(
        taking candidate: Promotion.Candidate, _ request: TakeRequest, into environment: String?
    ) async throws -> ReleaseDraft {
        let release = candidate.release
        let base = ReleaseDraft(
            service: release.service, by: request.user,
            reason: .promoted(from: candidate.environment, release: release.number), message: request.message,
            fileDigest: release.fileDigest, environment: environment, overrides: release.overrides, specDigest: "")
        var draft = base
        // What `envFiles` hold is this environment's, and stays here.
        draft.overrides.variables = nil
        let probe = Release(
            service: base.service, number: 0, created: release.created, by: base.by, reason: base.reason,
            fileDigest: base.fileDigest, environment: environment, overrides: draft.overrides, specDigest: "")
        let spec = try book.base(of: probe)
        let variables = try book.readVariables(of: spec)
        draft.overrides.variables = variables.files.isEmpty ? nil : variables.fingerprint
        try await takeCode(of: candidate, &draft, spec)
        draft.specDigest = book.digest(try book.spec(draft.overrides, over: spec))
        if let current = try await book.current(release.service), current.specDigest == draft.specDigest,
            current.overrides == draft.overrides
        {
            throw RolloutError.sameRelease(service: release.service, release: current.number)
        }
        return draft
    }

    /// What runs in place over there must be what lies here, or it is not the very release.
    private func takeCode(
        of candidate: Promotion.Candidate, _ draft: inout ReleaseDraft, _ spec: ServiceSpec
    ) async throws {
        let there = draft.overrides.folder
        draft.overrides.folder = try await code.record(spec, draft.overrides)
        guard let there, let here = draft.overrides.folder, there.path == here.path, there.digest != here.digest else {
            return
        }
        let (service, from) = (draft.service, candidate.environment)
        throw ControlFailure(
            .refused,
            "the code in \(here.path) is no longer what release \(candidate.release.number) of \(from) runs",
            hint: "`aloft deploy \(service) --environment \(from)` tries the present code there first; with "
                + "`deploy: {artifact: DIR}` a release keeps its code")
    }

    // MARK: Beginning

    /// The first release of a service needs no rollout where nothing has to be asked or run before it.
    private func begin(
        _ file: ServiceSpec, _ running: Running, _ overrides: ReleaseOverrides, reason: ReleaseReason, by: String,
        message: String?
    ) async throws -> Release {
        var overrides = overrides
        overrides.pinned = try await pinned(overrides, of: file)
        if reason != .deploy, let folder = file.deploy.artifact {
            overrides.artifact = try await code.keep(folder, of: file).digest
        } else if let artifact = overrides.artifact {
            try await checkArtifact(artifact, of: file.name)
        }
        overrides.folder = try await folder(overrides, of: file, reason)
        var spec = book.laid(overrides, over: file)
        spec.fileVariables = try book.kept.keep(file.fileVariables)
        overrides.variables = spec.fileVariables.files.isEmpty ? nil : spec.fileVariables.fingerprint
        let digest: String
        do {
            digest = try await book.artifacts.keep(text: running.text)
        } catch {
            throw RolloutError.store("\(error)")
        }
        defer {
            book.artifacts.letGo(digest)
            if reason != .deploy, file.deploy.artifact != nil, let artifact = overrides.artifact {
                book.artifacts.letGo(artifact)
            }
        }
        let draft = ReleaseDraft(
            service: file.name, by: by, reason: reason, message: message, fileDigest: digest,
            environment: running.plan.environment, overrides: overrides, specDigest: book.digest(spec))
        let isFirst = try await rollouts.releases(of: file.name).isEmpty
        guard isFirst, file.release == nil, file.deploy.gates.before.isEmpty else {
            return try await rollouts.begin(draft)
        }
        let release = try await rollouts.adopt(draft)
        do {
            try await compute.start(
                ServiceTarget(spec: spec, release: release.number), desired: wanted.number(of: file.name))
        } catch {
            throw RolloutError.store("\(error)")
        }
        return release
    }

    /// A folder that can't be looked at stops a deploy that a person asked for, and nothing else.
    private func folder(
        _ overrides: ReleaseOverrides, of spec: ServiceSpec, _ reason: ReleaseReason
    ) async throws(ArtifactError) -> FolderRecord? {
        do {
            return try await code.record(spec, overrides)
        } catch {
            if reason == .deploy { throw error }
            events.publish(
                .warning, "release.codeUnknown", spec.name,
                "its folder can't be looked at, so `aloft deploy` will not see whether the code changed: \(error)")
            return nil
        }
    }

    /// The same words of the file may mean another image tomorrow; a release runs one and the same for ever.
    private func pinned(_ overrides: ReleaseOverrides, of spec: ServiceSpec) async throws -> String? {
        guard let container = spec.container, overrides.image == nil else { return nil }
        return try await immutable(container.source, of: spec)
    }

    func immutable(_ source: ContainerSpec.Source, of spec: ServiceSpec) async throws -> String {
        guard var container = spec.container else {
            throw ControlFailure(
                .refused, "\(spec.name) does not run in containers", hint: "give it `image` or `build` in the file")
        }
        container.source = source
        do {
            return try await compute.resolveImage(container, service: spec.name)
        } catch {
            throw ControlFailure(.refused, "\(error)")
        }
    }
}
