import AloftModel
import AloftSystem
import Glibc
import Logging

/// Finds, pulls and builds images, and names each by what it holds, so that a tag that moves changes nothing.
struct Images: Sendable {
    let session: EngineSession

    private enum Found: Sendable {
        case image(id: String, digests: [String])
        case missing
    }

    /// - Returns: `repository@sha256:…` where a registry knows the image, so that another machine or a later day finds
    ///   the same; else the id of the image on this machine.
    func resolve(_ spec: ContainerSpec, service: String) async throws(LaunchFailure) -> String {
        switch spec.source {
        case .image(let text): try await resolve(ImageReference(text), spec)
        case .build(let directory): try await build(directory, service)
        }
    }

    // MARK: images by name

    private func resolve(_ reference: ImageReference, _ spec: ContainerSpec) async throws(LaunchFailure) -> String {
        guard !reference.text.isEmpty, !reference.text.hasPrefix("-"), !reference.text.contains(where: \.isWhitespace)
        else { throw LaunchFailure("`\(reference.text)` is no name of an image") }
        let calls = try session.calls()
        let local = try await find(reference.text, calls)
        // Bytes that are named for good can't be newer in the registry.
        if spec.pull == .always && !reference.isImmutable && !reference.isBuiltHere {
            try await pull(reference, spec, calls)
            return try await found(reference, calls)
        }
        if case .image(let id, let digests) = local { return Self.immutable(reference, id: id, digests: digests) }
        if spec.pull == .never {
            throw LaunchFailure("image `\(reference.text)` is not on this machine, and `pull: never` forbids to get it")
        }
        try await pull(reference, spec, calls)
        return try await found(reference, calls)
    }

    /// The digest of the repository that was asked for, else the id.
    static func immutable(_ reference: ImageReference, id: String, digests: [String]) -> String {
        if reference.isImmutable { return reference.text }
        if !reference.isBuiltHere,
            let digest = digests.first(where: {
                ImageReference($0).repository == reference.repository
            })
        {
            return digest
        }
        return id.hasPrefix("sha256:") ? id : "sha256:\(id)"
    }

    private func found(_ reference: ImageReference, _ calls: EngineCalls) async throws(LaunchFailure) -> String {
        guard case .image(let id, let digests) = try await find(reference.text, calls) else {
            throw LaunchFailure(
                "image `\(reference.text)` was pulled and is not there; is another program removing it?")
        }
        return Self.immutable(reference, id: id, digests: digests)
    }

    private func find(_ text: String, _ calls: EngineCalls) async throws(LaunchFailure) -> Found {
        let format = "{{.Id}}{{range .RepoDigests}} {{.}}{{end}}"
        let answer = try await calls.finish(
            ["image", "inspect", "--format", format, text], within: EngineCalls.Limit.question)
        if answer.succeeded {
            let words = answer.output.split { $0.isWhitespace }.map(String.init)
            guard let id = words.first else { throw LaunchFailure("image `\(text)`: the engine tells no id of it") }
            return .image(id: id, digests: Array(words.dropFirst()))
        }
        let complaint = answer.complaint.lowercased()
        let isAbsent = ["no such image", "image not known", "failed to find image", "not found", "does not resolve"]
        if isAbsent.contains(where: { complaint.contains($0) }) { return .missing }
        throw LaunchFailure(EngineText.startFailure(answer.complaint, calls.engine))
    }

    private func pull(
        _ reference: ImageReference, _ spec: ContainerSpec, _ calls: EngineCalls
    ) async throws(LaunchFailure) {
        if reference.isID || reference.isBuiltHere {
            throw LaunchFailure(
                "image `\(reference.text)` was made on this machine and is here no more; build it again, or deploy a "
                    + "release with another image")
        }
        guard let registry = reference.registry else {
            throw LaunchFailure(
                "image `\(reference.text)` is not on this machine and names no registry to get it from; write one in "
                    + "front, as in `docker.io/library/\(reference.text)` or `ghcr.io/…/\(reference.text)`")
        }
        let login = try login(spec.registry, at: registry)
        let result = await pullAnswer(reference, login, calls)
        do throws(SystemError) {
            try login?.remove()
        } catch {
            session.logger.error("registry credentials cannot be removed", metadata: ["error": "\(error)"])
        }
        let answer = try result.get()
        if !answer.succeeded { throw LaunchFailure(EngineText.pullFailure(reference, answer.complaint)) }
    }

    private func pullAnswer(
        _ reference: ImageReference, _ login: RegistryLogin?, _ calls: EngineCalls
    ) async -> Result<EngineAnswer, LaunchFailure> {
        var arguments = ["pull", "--quiet"]
        var environment: [String] = []
        if let login, calls.engine.kind == .podman { arguments += ["--authfile", login.file] }
        if let login, calls.engine.kind == .docker { environment = ["DOCKER_CONFIG=\(login.folder)"] }
        do throws(LaunchFailure) {
            return .success(
                try await calls.run(
                    arguments + [reference.text], within: EngineCalls.Limit.pull, gate: calls.gates.images,
                    environment: environment))
        } catch {
            return .failure(error)
        }
    }

    private func login(
        _ credentials: RegistryCredentials?, at registry: String
    ) throws(LaunchFailure) -> RegistryLogin? {
        guard let credentials else { return nil }
        let host = session.configuration.hostEnvironment
        do {
            // Neither may refer to PORT or SOCKET: there is no replica yet.
            let words = try LaunchPlan.command(
                [credentials.username, credentials.password], address: .port(0), host: host)
            return try RegistryLogin(in: session.folder, registry: registry, username: words[0], password: words[1])
        } catch {
            throw LaunchFailure("registry: \(error)")
        }
    }

    // MARK: images built here

    /// Built once for each content of the folder: the tag is a hash of it.
    private func build(_ directory: String, _ service: String) async throws(LaunchFailure) -> String {
        guard let file = ["Containerfile", "Dockerfile"].map({ "\(directory)/\($0)" }).first(where: isFile) else {
            throw LaunchFailure(
                "there is no Containerfile or Dockerfile in \(directory); write one, or correct `build`")
        }
        let state = session.configuration.stateDirectory
        let hash: String
        do {
            hash = try await Task.detached { try ContextHash.of(directory, leavingOut: state) }.value
        } catch {
            throw LaunchFailure("`build`: \(error)")
        }
        let tag = "\(repository(service)):\(hash)"
        if case .image(let id, _) = try await find(tag, try session.calls()) {
            return Self.immutable(ImageReference(tag), id: id, digests: [])
        }
        return try await build(tag, file: file, directory, service)
    }

    /// Of one daemon's service, so that two daemons on one machine do not remove one another's.
    private func repository(_ service: String) -> String {
        "localhost/aloft/\(session.instance)/\(service.lowercased())"
    }

    /// Removes what was built for a service, but for images of these ids and those that a container uses.
    ///
    /// - Returns: How many names were removed; an image goes with its last name.
    func removeBuilt(for service: String, keeping kept: Set<String>) async throws(LaunchFailure) -> Int {
        let calls = try session.calls()
        let listed = try await calls.finish(
            [
                "image", "ls", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}", "--filter",
                "reference=\(repository(service))",
            ], within: EngineCalls.Limit.question)
        guard listed.succeeded else { throw LaunchFailure(EngineText.lastLine(listed.complaint)) }
        var removed = 0
        for line in listed.output.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            // An image is listed with all its names, also those that the filter does not fit.
            guard words.count == 2, words[1].hasPrefix(repository(service) + ":"), !kept.contains(words[0]) else {
                continue
            }
            let answer = try await calls.finish(["image", "rm", words[1]], within: EngineCalls.Limit.change)
            if answer.succeeded { removed += 1 }
        }
        return removed
    }

    private func isFile(_ path: String) -> Bool { (try? readText(path, limit: 1)) != nil }

    /// What the build prints goes to a file, which stays where it fails.
    private func build(
        _ tag: String, file: String, _ directory: String, _ service: String
    ) async throws(LaunchFailure) -> String {
        let log = "\(session.folder)/build-\(service).log"
        do {
            let (answer, calls) = try await session.withWorkingSettings { calls throws(LaunchFailure) in
                try await runBuild(calls, ["build", "--tag", tag, "--file", file, directory], log: log)
            }
            if !answer.succeeded {
                let reason =
                    EngineText.blamesRuntime(answer.complaint)
                    ? EngineText.runtimeFailure(answer.complaint) : EngineText.lastLine(answer.complaint)
                throw LaunchFailure("the image cannot be built: \(reason) (all of it: \(log))")
            }
            try Directories.remove(log)
            return try await found(ImageReference(tag), calls)
        } catch {
            throw (error as? LaunchFailure) ?? LaunchFailure("\(error)")
        }
    }

    private func runBuild(
        _ calls: EngineCalls, _ arguments: [String], log: String
    ) async throws(LaunchFailure) -> EngineAnswer {
        let descriptor: Descriptor
        do throws(SystemError) {
            descriptor = try Descriptor(opening: log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND)
        } catch {
            throw LaunchFailure("\(error)")
        }
        var answer = try await calls.run(
            arguments, within: EngineCalls.Limit.build, gate: calls.gates.images,
            streams: .init(output: descriptor.number, errors: descriptor.number))
        withExtendedLifetime(descriptor) {}
        answer.errors = tail(of: log)
        return answer
    }

    /// The end of a file that may be long.
    private func tail(of path: String) -> String {
        guard let file = try? Descriptor(opening: path, O_RDONLY) else { return "" }
        if lseek(file.number, -4096, SEEK_END) < 0 { lseek(file.number, 0, SEEK_SET) }
        return (try? file.read(upTo: 4096)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
