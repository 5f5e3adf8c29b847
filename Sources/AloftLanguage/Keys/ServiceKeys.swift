import AloftModel

/// `services.*`.
enum ServiceKeys {
    static let section = Section<ServiceSpec>(
        "service",
        [
            command.member, ContainerKeys.image.member, ContainerKeys.build.member, ContainerKeys.pull.member,
            ContainerKeys.port.member, ContainerKeys.registry.member, directory.member, ignore.member, listen.member,
            env.member, EnvFileKeys.envFiles.member, ProcessKeys.user.member, ProcessKeys.dependsOn.member,
            ProcessKeys.volumes.member, resources.member, probes.member, restart.member, stop.member,
            ProcessKeys.reload.member, replicas.member, scaling.member,
            release.member, deploy.member,
        ],
        alternatives: [
            .atLeastOne("command", "image", "build"), .atMostOne("image", "build"), .atMostOne("replicas", "scaling"),
        ],
        prepare: { node, reader in
            reader.listen = node["listen"]?.scalar.flatMap { ServiceSpec.Listen(rawValue: $0.text) } ?? .port
        },
        build: build)

    private static func build(_ fields: Fields, _ reader: inout Reader) -> ServiceSpec? {
        let container = ContainerKeys.container(fields, &reader)
        guard fields[command] != nil || container != nil else { return nil }
        let words = fields[command] ?? []
        CommandCheck(words, fields.node(command), command.kind).report(to: &reader)
        if container != nil { report(idleInContainers: fields, &reader) }
        ScalingCheck.report(metricsOf: fields.node(scaling), fields[resources].requests, &reader)
        let count = fields[replicas] ?? 1
        let fixed = ScalingSpec(
            minReplicas: count, maxReplicas: count, minAvailable: ScalingKeys.standardAvailable(replicas: count))
        var stop = fields[stop]
        if fields[listen] == .nothing {
            WorkerCheck(fields).report(fields[deploy], to: &reader)
            stop.drain = .zero
        }
        var service = ServiceSpec(
            name: reader.path.last ?? "", command: words, container: container,
            directory: fields[directory] ?? reader.directory, ignore: fields[ignore].map(\.item),
            listen: fields[listen], environment: fields[env], resources: fields[resources], probes: fields[probes],
            restart: fields[restart], stop: stop, scaling: fields[scaling] ?? fixed, release: fields[release],
            deploy: fields[deploy], user: fields[ProcessKeys.user], dependsOn: fields[ProcessKeys.dependsOn],
            reload: fields[ProcessKeys.reload])
        service.envFiles = fields[EnvFileKeys.envFiles]
        return service
    }

    /// The files of a container are in its image.
    private static func report(idleInContainers fields: Fields, _ reader: inout Reader) {
        fields.report(
            ignore, idle: "with `image` or `build`: a `.dockerignore` says what is left out of a build", &reader)
        guard let node = fields.node(deploy)?[DeployKeys.artifact.name] else { return }
        reader.problems.error(
            node.span, "`artifact` changes nothing with `image` or `build`: the files are in the image",
            hint: "remove `artifact`")
    }

    static let command = Key<ServiceSpec, [Template]?>.optional(
        "command", .list(of: .template, count: 1...256), otherwise: "what the image says",
        "The program and its arguments, one item each; no shell reads it.",
        detail: "`${PORT}` or `${SOCKET}` is where the replica must listen; both are in its environment too, so an app "
            + "that reads `$PORT` needs neither. `${env.NAME}` is a variable of the environment in which `aloft up` "
            + "was started. Aloft watches the process itself: do not let it go to the background.",
        example: "[./bin/api, --port, \"${PORT}\"]", effect: .newRelease,
        synonyms: ["cmd", "entrypoint", "run", "exec", "start", "args"]
    ) { $0.command.isEmpty ? nil : $0.command }

    static let directory = Key<ServiceSpec, String?>.optional(
        "directory", .path("folder", plural: "folders"), otherwise: "the folder of the file",
        "Where the command runs; relative to the file.", example: "./api", effect: .newRelease,
        synonyms: ["dir", "workdir", "working_dir", "workingDir", "workingDirectory", "cwd"]
    ) { $0.directory }

    static let ignore = Key<ServiceSpec, [Placed<String>]>.applicable(
        "ignore", .placedList(of: .ignorePattern, count: 0...1000), "[]",
        "What of the folder is no code: left out of artifacts, and of what tells releases apart.",
        detail:
            "Patterns as in `.gitignore`, from the folder; `!pattern` takes back in. A file `.aloftignore` in the folder "
            + "works too. `.git` is always left out. For code that runs in place `.gitignore` holds as well, and files that "
            + "programs leave beside their code do not count, such as `*.log`, `*.pid`, `*.db` and `__pycache__`.",
        example: "[tmp/, \"*.sock\"]", effect: .nextRelease, synonyms: ["exclude", "ignores", "ignored"]
    ) { $0.container == nil ? $0.ignore.map { Placed(item: $0) } : nil }

    static let listen = Key<ServiceSpec, ServiceSpec.Listen>.standard(
        "listen",
        .choice([
            ("port", .port, "a free TCP port on loopback, in `$PORT`"),
            ("unix", .unix, "a Unix socket, in `$SOCKET`: less CPU for each request"),
            ("none", .nothing, "not at all: a worker, ready once it has run for two seconds"),
        ]),
        "port", "How the replica takes requests.",
        detail: "No route may lead to a service with `none`, and nothing asks it for connections: a readiness probe by "
            + "`exec` can say more than that it runs.",
        example: "unix", effect: .newRelease
    ) { $0.listen }

    static let env = Key<ServiceSpec, [EnvironmentVariable]>.standard(
        "env", variables, "{}", "Variables of the replica's environment.",
        detail: "The environment is built from the file alone, with PATH, HOME and LANG. Values are text as written: "
            + "`on`, `0644` and `1.10` stay what they are.",
        example: "{LOG_LEVEL: debug}", effect: .newRelease,
        synonyms: ["environment", "envs", "vars", "variables"]
    ) { $0.environment }

    static let resources = Key<ServiceSpec, Resources>.standard(
        "resources", ResourceKeys.section.kind, "{}", "What a replica asks for, and what it may not exceed.",
        example: "{limits: {memory: 512MiB}}", effect: .newRelease
    ) { $0.resources }

    static let probes = Key<ServiceSpec, Probes>.standard(
        "probes", ProbeKeys.section.kind, "{}", "How Aloft knows that a replica works.",
        example: "{readiness: {httpGet: /health}}", effect: .atOnce, synonyms: ["healthcheck", "health", "checks"]
    ) { $0.probes }

    static let restart = Key<ServiceSpec, RestartSpec>.standard(
        "restart", LifecycleKeys.restart.kind, "{}", "Whether and how soon a replica that ended is started again.",
        example: "{policy: onFailure}", effect: .atOnce
    ) { $0.restart }

    static let stop = Key<ServiceSpec, StopSpec>.standard(
        "stop", LifecycleKeys.stop.kind, "{}",
        "How a replica is stopped: out of rotation, requests end, a signal, and SIGKILL in the end.",
        example: "{grace: 5s}", effect: .atOnce
    ) { $0.stop }

    static let replicas = Key<ServiceSpec, Int?>.optional(
        "replicas", .integer(1...1000), otherwise: "1", "How many processes of the service run.", example: "3",
        effect: .scales, synonyms: ["instances", "count", "workers"]
    ) { _ in nil }

    static let scaling = Key<ServiceSpec, ScalingSpec?>.optional(
        "scaling", ScalingKeys.section.kind, otherwise: "as many as `replicas`",
        "Between how many replicas metrics, schedules and `aloft scale` may choose.",
        example: "{minReplicas: 2, maxReplicas: 6}",
        effect: .scales
    ) { $0.scaling }

    static let release = Key<ServiceSpec, ReleaseSpec?>.optional(
        "release", ReleaseKeys.section.kind.withoutAddress, otherwise: "nothing is run",
        "What runs once for each new release, before it is sent traffic.", example: "{command: [./bin/migrate]}",
        effect: .nextRelease, synonyms: ["migrate", "predeploy", "preDeploy"]
    ) { $0.release }

    static let deploy = Key<ServiceSpec, DeploySpec>.standard(
        "deploy", DeployKeys.section.kind, "{}", "How a new release takes over from the one that runs.",
        example: "{strategy: blueGreen}", effect: .atOnce, synonyms: ["rollout", "update"]
    ) { $0.deploy }

    static let variables: Kind<[EnvironmentVariable]> = {
        let rule = NameRule(
            noun: "variables", subject: "a variable's name", pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
            rule: "letters, digits and `_`, not beginning with a digit", complaint: complaint(aboutVariable:))
        let map = Kind<[(name: String, value: Template)]>.map(rule, of: .template, limit: 1000)
        return Kind(map.form, spell: { map.spell($0.map { ($0.name, $0.value) }) }) { node, reader in
            map.read(node, &reader)?.map { EnvironmentVariable(name: $0.name, value: $0.value) }
        }
    }()

    @Sendable private static func complaint(aboutVariable name: String) -> String? {
        guard name != "PORT", name != "SOCKET" else { return "is set by Aloft, for each replica another" }
        let isName = name.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case 0x41...0x5A, 0x61...0x7A, 0x5F: true
            case 0x30...0x39: index > 0
            default: false
            }
        }
        guard isName, !name.isEmpty, name.utf8.count <= 256 else {
            return "is not a variable's name: letters, digits and `_`, not beginning with a digit"
        }
        return nil
    }
}
