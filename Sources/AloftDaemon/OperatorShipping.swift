import AloftCompute
import AloftLanguage
import AloftModel
import AloftRollout

/// Deploys that people ask for; the file is read again first, since it is part of the release.
extension Operator {
    /// Makes a release of the file and the code as they are now, and of what the request says beside them.
    ///
    /// - Returns: What the user should know of it, too.
    func deploy(_ service: String, _ request: DeployRequest) async throws -> (release: Release, notes: [String]) {
        try check(request)
        try checkRoom()
        let ahead = try readFile(request.variables).running.plan.services.first { $0.name == service }
        // A copy takes long, and holds nobody up.
        let artifact = try await artifact(request, ahead)
        defer { if let artifact { deployer.book.artifacts.letGo(artifact.digest) } }
        if let ahead, ahead.container != nil { try await deployer.prepareImage(ahead, image: request.image) }
        let release = try await alone {
            let before = present.facts.running.plan
            let running = try await upToDate(request.variables, sparing: service)
            guard let spec = running.plan.services.first(where: { $0.name == service }) else {
                throw ControlFailure(.unknownService, "the file has no service `\(service)` any more")
            }
            if artifact != nil, spec.container != nil {
                throw ControlFailure(
                    .refused, "\(service) runs in containers, whose files are in the image",
                    hint: "give --image, or remove `image` and `build` from the file")
            }
            var request = request
            if request.message == nil {
                request.message =
                    Self.messages(of: Language.difference(from: before, to: running.plan))[service]
            }
            return try await deployer.deploy(spec, running, request, artifact: artifact?.digest)
        }
        guard let skipped = artifact?.skipped, !skipped.isEmpty else { return (release, []) }
        return (release, ["not copied, as no copy can be made of it: \(skipped.joined(separator: ", "))"])
    }

    /// A copy of the folder that the request names, or else the file.
    private func artifact(_ request: DeployRequest, _ spec: ServiceSpec?) async throws(ControlFailure) -> Artifact? {
        let fromFile = request.image == nil ? spec?.deploy.artifact : nil
        guard let folder = request.artifact ?? fromFile else { return nil }
        do {
            return try await deployer.code.keep(folder, of: spec)
        } catch ArtifactError.notAFolder(let path) where request.artifact == nil {
            throw ControlFailure(
                .refused, "`services.\(spec?.name ?? "").deploy.artifact` is no folder: \(path)",
                hint: "build the app first, or correct the path")
        } catch {
            throw refusal(error)
        }
    }

    func rollback(_ service: String, _ request: RollbackRequest) async throws -> Release {
        try await alone { try await deployer.rollback(service, request) }
    }

    /// Takes over what another environment's daemon runs.
    func take(_ service: String, _ request: TakeRequest) async throws -> Release {
        let candidate = try await desk.fetch(service, request)
        defer {
            for digest in [candidate.release.fileDigest, candidate.artifact].compactMap({ $0 }) {
                deployer.book.artifacts.letGo(digest)
            }
        }
        return try await alone {
            let plan = present.facts.running.plan
            let target = try desk.check(candidate, into: plan.environment, environments: plan.environments)
            var draft = try await deployer.draft(taking: candidate, request, into: target)
            draft.approvals = try await desk.approvals(
                for: candidate, into: target, environments: plan.environments)
            let release = try await deployer.take(draft)
            try await desk.forget(service)
            return release
        }
    }

    /// What runs, after a change of the file since then was taken over.
    private func upToDate(_ given: [String: String]?, sparing service: String) async throws -> Running {
        let running = present.facts.running
        let next = try readFile(given)
        if next.running.text == running.text, next.running.digest == running.digest,
            next.running.plan == running.plan, next.offer.changed.isEmpty
        {
            return running
        }
        _ = try await takeOver(next, sparing: service)
        return present.facts.running
    }

    private func check(_ request: DeployRequest) throws(ControlFailure) {
        if let folder = request.artifact, !folder.hasPrefix("/") {
            throw ControlFailure(.badRequest, "`artifact` is an absolute path, not `\(folder)`")
        }
        if request.artifact != nil, request.image != nil {
            throw ControlFailure(.badRequest, "a release has an artifact or an image, not both")
        }
        let reserved = request.environment.keys.filter { name in
            name.isEmpty || name.utf8.contains(UInt8(ascii: "=")) || name.utf8.contains(0)
        }
        guard reserved.isEmpty else { throw ControlFailure(.badRequest, "`environment` has an empty or broken name") }
    }

    /// One change at a time; a refusal of a rollout is told as one of the API.
    private func alone<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        do {
            return try await turnstile.alone(body)
        } catch let error as RolloutError {
            throw ControlFailure(error)
        } catch let error as ArtifactError {
            throw ControlFailure(error)
        }
    }
}
