import AloftModel

/// `services.*.image`, `build` and what goes with them.
enum ContainerKeys {
    static let image = Key<ServiceSpec, String?>.optional(
        "image", .imageReference, "Replicas are containers of this image, run by podman or docker.",
        detail:
            "With its registry in front, unless it was built on this machine. `command` then replaces what the image "
            + "runs by itself. A tag may move: what a release runs is the image that it found.",
        example: "ghcr.io/acme/api:1.4", effect: .newRelease, synonyms: ["container", "dockerImage"]
    ) { if case .image(let name)? = $0.container?.source { name } else { nil } }

    static let build = Key<ServiceSpec, String?>.optional(
        "build", .path("folder", plural: "folders"),
        "Replicas are containers of an image built from this folder's Containerfile or Dockerfile.",
        example: "./api", effect: .newRelease, synonyms: ["dockerfile", "context"]
    ) { if case .build(let directory)? = $0.container?.source { directory } else { nil } }

    static let pull = Key<ServiceSpec, ContainerSpec.Pull>.applicable(
        "pull",
        .choice([
            ("missing", .missing, "where this machine does not have it"),
            ("always", .always, "for each release and start, so that a tag that moved is followed"),
            ("never", .never, "it must be on this machine"),
        ]),
        "missing", "When the image is fetched.", example: "always", effect: .nextRelease,
        synonyms: ["pullPolicy", "imagePullPolicy", "pull_policy"]
    ) { service in service.container.flatMap { if case .image = $0.source { $0.pull } else { nil } } }

    static let port = Key<ServiceSpec, Int?>.optional(
        "containerPort", .integer(1...65_535), otherwise: "the program reads `$PORT`",
        "Where the program in the container listens.", example: "8080", effect: .newRelease,
        synonyms: ["port", "ports", "expose", "targetPort"]
    ) { $0.container?.port }

    static let registry = Key<ServiceSpec, RegistryCredentials?>.optional(
        "registry", registrySection.kind.withoutAddress, otherwise: "nobody in particular",
        "Who asks the image's registry for it.", example: "{username: ci, password: \"${env.TOKEN}\"}",
        effect: .nextRelease, synonyms: ["imagePullSecrets", "credentials", "auth"]
    ) { $0.container?.registry }

    static let registrySection = Section<RegistryCredentials>(
        "registry", [username.member, password.member]
    ) { fields, _ in
        guard let username = fields[username], let password = fields[password] else { return nil }
        return RegistryCredentials(username: username, password: password)
    }

    static let username = Key<RegistryCredentials, Template?>.required(
        "username", .credential, "The user's name at the registry.", example: "ci", synonyms: ["user", "name", "login"]
    ) { $0.username }

    static let password = Key<RegistryCredentials, Template?>.required(
        "password", .credential, "Its password or token; never written to a log or a command line.",
        example: "\"${env.TOKEN}\"", synonyms: ["token", "pass", "secret"]
    ) { $0.password }

    /// The container that a service's keys describe, or nil for processes.
    static func container(_ fields: Fields, _ reader: inout Reader) -> ContainerSpec? {
        let source: ContainerSpec.Source? =
            fields[image].map { .image($0) } ?? fields[build].map { .build(directory: $0) }
        let (isImage, isContainer) = (fields.has(image), fields.has(image) || fields.has(build))
        if !isContainer {
            fields.report(port, idle: "in a service without `image` or `build`", &reader)
        } else if fields[ServiceKeys.listen] == .unix {
            fields.report(port, idle: "with `listen: unix`: the program listens on `$SOCKET`", &reader)
        } else if fields[ServiceKeys.listen] == .nothing {
            fields.report(port, idle: "with `listen: none`: nobody connects to it", &reader)
        }
        let volumes = ProcessKeys.volumes(fields, isContainer: isContainer, &reader)
        if !isImage {
            fields.report(pull, idle: "in a service without `image`", &reader)
            fields.report(registry, idle: "in a service without `image`", &reader)
        } else if fields[pull] == .never {
            fields.report(registry, idle: "with `pull: never`", &reader)
        }
        guard let source else { return nil }
        guard case .image = source else {
            return ContainerSpec(source: source, port: fields[port], volumes: volumes)
        }
        return ContainerSpec(
            source: source, pull: fields[pull], port: fields[port], registry: fields[registry], volumes: volumes)
    }
}
