import AloftModel

extension ServiceSpec {
    /// The same, knowing whether a route leads to it.
    fileprivate func routed(by routes: [RouteSpec]) -> ServiceSpec {
        var service = self
        service.isRouted = routes.contains { route in
            if case .service(let target) = route.action { target.service == name } else { false }
        }
        return service
    }
}

/// The keys of the whole file.
enum FileKeys {
    static let section = Section<Plan>(
        "file",
        [
            version.member, app.member, region.member, services.member, jobs.member, edge.member, environments.member,
            logs.member, notifications.member,
        ],
        prepare: { node, reader in
            reader.services = names(node[services.name])
            reader.workers = Set(reader.services.filter { isWorker(node[services.name]?[$0]) })
            reader.environments = names(node[environments.name])
            reader.channels = names(node[notifications.name]?["channels"])
            reader.jobChannels = Set(
                (node[jobs.name]?.entries ?? []).compactMap { $0.value["onFailure"]?.scalar?.text })
            JobKeys.checkNames(node[jobs.name], node[services.name], &reader)
        },
        build: build)

    private static func names(_ node: Node?) -> [String] {
        (node?.entries ?? []).map(\.key).filter { !$0.hasPrefix("x-") }
    }

    private static func isWorker(_ service: Node?) -> Bool {
        service?[ServiceKeys.listen.name]?.scalar?.text == ServiceSpec.Listen.nothing.rawValue
    }

    private static func build(_ fields: Fields, _ reader: inout Reader) -> Plan? {
        let edgeSpec = fields.has(edge) ? fields[edge] : standardEdge(fields, &reader)
        guard let edgeSpec else { return nil }
        CertificateCheck(edgeSpec, fields.node(edge)).report(to: &reader)
        DependencyCheck(fields[services], fields.node(services)).report(to: &reader)
        if fields[services].isEmpty, edgeSpec.routes.isEmpty, !reader.problems.hasErrors {
            reader.problems.error(
                fields.span, "the file has no services and no routes: there is nothing to run",
                hint: "add `services:` with one `command`, or let `aloft init` propose a file")
        }
        let folder = Names.slug(FilePaths.lastComponent(of: reader.directory))
        var plan = Plan(
            app: fields[app] ?? (folder.isEmpty ? "app" : folder), region: fields[region],
            environment: reader.environment, directory: reader.directory,
            services: fields[services].map { $0.routed(by: edgeSpec.routes) }, edge: edgeSpec,
            logs: fields[logs], notifications: fields[notifications], environments: fields[environments])
        plan.jobs = fields[jobs]
        return plan
    }

    /// What `edge: {}` would mean, in a file without it.
    private static func standardEdge(_ fields: Fields, _ reader: inout Reader) -> EdgeSpec? {
        reader.within(edge.name) { EdgeKeys.section.kind.read(Node(.map([]), fields.span), &$0) }
    }

    static let version = Key<Plan, Int?>.required(
        "version", versionKind, "The version of the language.", example: "1", effect: Effect.none
    ) { _ in 1 }

    static let app = Key<Plan, String?>.optional(
        "app", .name("name"), otherwise: "the name of the file's folder", "The name of the app.", example: "shop",
        effect: .atOnce, synonyms: ["name", "project"]
    ) { $0.app }

    static let region = Key<Plan, String?>.optional(
        "region", .name("name"), otherwise: "not set", "Where the app runs, and where its data may live.",
        example: "eu-central-1", effect: .atOnce
    ) { $0.region }

    static let services = Key<Plan, [ServiceSpec]>.standard(
        "services", servicesKind, "{}", "The processes of the app, by name.", example: "{web: {command: [./web]}}",
        synonyms: ["service", "apps", "processes"]
    ) { $0.services }

    static let jobs = Key<Plan, [JobSpec]>.applicable(
        "jobs", jobsKind, "{}", "Commands that run by the clock, or by `aloft run NAME`.",
        example: "{digest: {service: web, command: [./bin/digest], cron: \"0 7 * * *\"}}", effect: .atOnce,
        synonyms: ["job", "cron", "crons", "cronJobs", "tasks"]
    ) { $0.jobs.isEmpty ? nil : $0.jobs }

    static let edge = Key<Plan, EdgeSpec?>.optional(
        "edge", EdgeKeys.section.kind, otherwise: "one service, answered on 127.0.0.1:8080",
        "What clients talk to: listeners, TLS, limits and routes.", example: "{limits: {body: 1MiB}}",
        effect: .newRequests, synonyms: ["proxy", "gateway", "ingress", "server"]
    ) { $0.edge }

    static let environments = Key<Plan, [EnvironmentRules]>.applicable(
        "environments", EnvironmentKeys.rules, "{}",
        "What differs where: parts of the file by name, chosen with `--environment`.",
        detail: "Maps merge key by key; lists and values replace. Of two keys that exclude each other, such as "
            + "`replicas` and `scaling`, the environment's wins. Each environment is checked, chosen or not.",
        example: "{staging: {logs: {level: debug}}}", effect: .atOnce, synonyms: ["environment", "stages", "profiles"]
    ) { $0.environments.isEmpty ? nil : $0.environments }

    static let logs = Key<Plan, LogSpec>.standard(
        "logs", LogKeys.section.kind, "{}", "What is written, and how much of it is kept.", example: "{level: debug}",
        effect: .atOnce, synonyms: ["log", "logging"]
    ) { $0.logs }

    static let notifications = Key<Plan, NotificationSpec>.standard(
        "notifications", NotificationKeys.section.kind.withoutAddress, "{}", "Who is told of what, and how.",
        example: "{channels: {ops: {webhook: \"https://hooks.shop.example\"}}, critical: {to: [ops]}}",
        effect: .atOnce, synonyms: ["notify", "notification", "alerting"]
    ) { $0.notifications }

    private static let jobsKind: Kind<[JobSpec]> = {
        let rule = NameRule.named("jobs", subject: "a job's name")
        let map = Kind<[(name: String, value: JobSpec)]>.map(rule, of: JobKeys.section.kind.withoutAddress, limit: 200)
        return Kind(map.form, spell: { map.spell($0.map { ($0.name, $0) }) }) { node, reader in
            map.read(node, &reader)?.map(\.value)
        }
    }()

    private static let versionKind: Kind<Int> = {
        let choice = Kind<Int>.choice([("1", 1, "this version")])
        return Kind(choice.form, spell: { .bare(String($0)) }, read: choice.read)
    }()

    private static let servicesKind: Kind<[ServiceSpec]> = {
        let rule = NameRule.named("services", subject: "a service's name")
        let map = Kind<[(name: String, value: ServiceSpec)]>.map(rule, of: ServiceKeys.section.kind, limit: 200)
        return Kind(map.form, spell: { map.spell($0.map { ($0.name, $0) }) }) { node, reader in
            map.read(node, &reader)?.map(\.value)
        }
    }()
}
