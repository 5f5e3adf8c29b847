import AloftLanguage
import AloftModel
import AloftRollout

/// What stands against bringing a release back, found out before anything of what runs is touched.
extension Deployer {
    /// A new release with the content of an earlier one; the file stays as it is and is not taken over again.
    func rollback(_ service: String, _ request: RollbackRequest) async throws -> Release {
        if let progress = await rollouts.status(service), !progress.isEnd, request.to == nil {
            throw ControlFailure(
                .busy,
                progress.phase == .keeping
                    ? "the release before release \(progress.release) of \(service) is still up"
                    : "release \(progress.release) of \(service) is being rolled out by \(progress.by)",
                hint: "`aloft abort \(service)` goes back to the release before it")
        }
        let earlier = try chosen(try await rollouts.releases(of: service), request, service)
        var overrides = earlier.overrides
        let spec = try base(of: earlier)
        try await checkThere(earlier, spec)
        if let loss = try await code.loss(of: earlier, spec) {
            guard request.configurationOnly == true else { throw Self.refusal(earlier, loss) }
            overrides.folder = try await code.record(spec, overrides)
        }
        let specDigest =
            overrides == earlier.overrides
            ? try await digest(ofAgain: earlier) : book.digest(try book.spec(overrides, over: spec))
        return try await rollouts.begin(
            ReleaseDraft(
                service: service, by: request.user, reason: .rollback(to: earlier.number), message: request.message,
                fileDigest: earlier.fileDigest, environment: earlier.environment, overrides: overrides,
                specDigest: specDigest))
    }

    /// A release is its file and what was said beside it; values of `${env.NAME}` are the daemon's, and are not kept.
    ///
    /// - Throws: `refused` where it differs from the current one in such values alone: nothing would come back.
    private func digest(ofAgain earlier: Release) async throws -> String {
        let digest = book.digest(try book.spec(of: earlier))
        guard let current = try await book.current(earlier.service), current.specDigest != earlier.specDigest,
            current.overrides == earlier.overrides, book.digest(try book.spec(of: current)) == digest
        else { return digest }
        throw ControlFailure(
            .refused,
            "release \(earlier.number) differs from release \(current.number) of \(earlier.service) only in values of "
                + "`${env.NAME}`, which releases do not keep: nothing would change",
            hint: "export the former values and `aloft reload`")
    }

    /// Services whose code is another one than what runs: a deploy takes it, a reload does not.
    func codeChanges(_ plan: Plan) async throws -> [PlanChange] {
        var changes: [PlanChange] = []
        for spec in plan.services {
            guard let current = try await book.current(spec.name),
                let news = try await code.news(since: current, spec)
            else { continue }
            changes.append(
                PlanChange(
                    path: "services.\(spec.name).directory", kind: .changed,
                    old: "the code of release \(current.number)", new: news,
                    effect: "is a new release at the next `aloft deploy \(spec.name)`"))
        }
        return changes
    }

    /// Before `abort` starts replicas of the release before: its copy or image must be there.
    func checkWayBack(of service: String) async throws {
        guard let progress = await rollouts.status(service), !progress.isEnd, let number = progress.stable,
            [.recreate, .rolling].contains(progress.strategy),
            let stable = try await rollouts.releases(of: service).first(where: { $0.number == number })
        else { return }
        do {
            try await checkThere(stable, try base(of: stable))
        } catch let failure as ControlFailure {
            throw ControlFailure(
                failure.code, failure.message,
                hint:
                    "`aloft promote \(service)` keeps release \(progress.release); `aloft abort \(service) --force` goes "
                    + "back to whatever of release \(number) still runs")
        }
    }

    /// That an earlier release's artifact or image is there, or can be had.
    private func checkThere(_ release: Release, _ spec: ServiceSpec) async throws {
        if let artifact = release.overrides.artifact { try await checkArtifact(artifact, of: release.service, release) }
        guard let image = release.overrides.containerImage, spec.container != nil else { return }
        do {
            _ = try await immutable(.image(image), of: spec)
        } catch let failure as ControlFailure {
            throw ControlFailure(
                .refused, "\(Self.cannot(release)): \(failure.message)",
                hint:
                    "`aloft history \(release.service)` lists the others; `aloft deploy \(release.service) --image REF`"
            )
        }
    }

    /// - Parameter release: Nil where it is for a new one.
    func checkArtifact(_ digest: String, of service: String, _ release: Release? = nil) async throws(ControlFailure) {
        do {
            try await code.artifacts.check(digest)
        } catch {
            let what = release.map(Self.cannot) ?? "\(service) can't be deployed"
            throw ControlFailure(
                .refused, "\(what): \(error)",
                hint:
                    "`aloft deploy \(service) --artifact DIR` copies the code again; `aloft history \(service)` lists "
                    + "other releases")
        }
    }

    private func base(of release: Release) throws(ControlFailure) -> ServiceSpec {
        do {
            // Its plan may be in memory still; the next daemon needs the text.
            _ = try book.artifacts.text(release.fileDigest)
            return try book.base(of: release)
        } catch {
            throw ControlFailure(
                .refused, "\(Self.cannot(release)): \((error as? ControlFailure)?.message ?? "\(error)")",
                hint: "`aloft history \(release.service)` lists the others")
        }
    }

    private static func cannot(_ release: Release) -> String {
        "release \(release.number) of \(release.service) can't be brought back"
    }

    private static func refusal(_ release: Release, _ loss: String) -> ControlFailure {
        let service = release.service
        return ControlFailure(
            .refused, "\(cannot(release)): \(loss)",
            hint:
                "put the old code back, for example with `git checkout`, and `aloft deploy \(service)`; or bring back its "
                + "configuration alone with `aloft rollback \(service) --to \(release.number) --configuration-only`. "
                + "With `deploy: {artifact: DIR}` each release keeps its code; `ignore` names files that are no code")
    }

    private func chosen(
        _ releases: [Release], _ request: RollbackRequest, _ service: String
    ) throws(ControlFailure) -> Release {
        let hint = "`aloft history \(service)` lists what there is"
        if let number = request.to {
            guard let release = releases.first(where: { $0.number == number }) else {
                throw ControlFailure(.nothingThere, "\(service) has no release \(number)", hint: hint)
            }
            guard release.promoted != nil else {
                throw ControlFailure(
                    .refused, "release \(number) of \(service) never ran (\(release.status.rawValue))", hint: hint)
            }
            return release
        }
        guard let current = releases.last(where: { $0.status == .current }) else {
            throw ControlFailure(.nothingThere, "\(service) has no release that runs", hint: hint)
        }
        guard let before = ReleaseHistory.before(current, in: releases) else {
            throw ControlFailure(.nothingThere, "\(service) has no earlier release that ran", hint: hint)
        }
        return before
    }
}
