import AloftModel

/// What a service's deploys, containers and scaling leave open.
struct DeployGaps {
    private let service: ServiceSpec
    private let files: FileFacts
    private var deploy: DeploySpec { service.deploy }

    init(_ service: ServiceSpec, _ files: FileFacts) {
        self.service = service
        self.files = files
    }

    var all: [Gap] {
        volumes
            + [
                folder, artifact, inPlace, password, idle, recreate, unavailable, single, unjudged, gates, irreversible,
                freeze,
            ].compactMap { $0 }
    }

    private func gap(_ key: String, _ sentence: String, _ remedy: String) -> Gap {
        Gap(path: "services.\(service.name).\(key)", sentence: "services.\(service.name) \(sentence)", remedy: remedy)
    }

    private var folder: Gap? {
        guard case .build(let directory)? = service.container?.source, !files.exists(directory) else { return nil }
        return gap(
            "build", "is built from a folder that does not exist: \(directory)", "make the folder, or correct the path")
    }

    private var artifact: Gap? {
        guard let folder = deploy.artifact, !files.exists(folder) else { return nil }
        return gap(
            "deploy.artifact", "is deployed from a folder that does not exist: \(folder)",
            "build it before `aloft up`, or correct the path")
    }

    private var inPlace: Gap? {
        guard service.container == nil, deploy.artifact == nil else { return nil }
        return gap(
            "deploy.artifact",
            "runs its code in place: a rollback brings the configuration back, and the code only if the folder has it still",
            "deploy: {artifact: ./dist}")
    }

    private var volumes: [Gap] {
        (service.container?.volumes ?? []).filter { !files.exists($0.from) }.map { volume in
            gap(
                "volumes", "has a volume that does not exist: \(volume.from)",
                "make it before `aloft up`: a container does not start without it")
        }
    }

    private var password: Gap? {
        guard let registry = service.container?.registry, registry.password.isWritten else { return nil }
        return gap(
            "registry.password", "has its registry's password in the file: whoever reads the file has it",
            "registry: {password: \"${env.REGISTRY_PASSWORD}\"}")
    }

    private var idle: Gap? {
        guard let idle = service.scaling.idle, idle.to == 0 else { return nil }
        return gap(
            "scaling.idle",
            "has no replica after \(idle.after.quantity) without a request: the next one waits for a start, at most "
                + idle.maxWait.quantity,
            "scaling: {idle: {to: 1}}")
    }

    private var recreate: Gap? {
        guard deploy.strategy == .recreate else { return nil }
        return gap(
            "deploy.strategy",
            service.listen == .nothing
                ? "is stopped by each deploy until the new release is ready: no job is worked on meanwhile"
                : "is stopped by each deploy until the new release is ready: nobody answers meanwhile",
            "deploy: {strategy: rolling}")
    }

    /// `minAvailable` stands above what `maxUnavailable` allows.
    private var unavailable: Gap? {
        let replicas = service.scaling.minReplicas
        guard deploy.strategy == .rolling, service.scaling.minAvailable == 0, replicas > 0,
            deploy.rolling.maxUnavailable.of(replicas, roundingUp: false) >= replicas
        else { return nil }
        return gap(
            "deploy.rolling.maxUnavailable",
            "may have no replica in rotation during a deploy: `maxUnavailable` allows all to be missing",
            "deploy: {rolling: {maxSurge: 1, maxUnavailable: 0}}")
    }

    private var single: Gap? {
        guard deploy.strategy == .canary, service.scaling.minReplicas == 1 else { return nil }
        return gap(
            "deploy.steps",
            "has one replica of the stable release beside a canary: if it ends, its share gets no answer",
            "replicas: 2")
    }

    private var unjudged: Gap? {
        guard deploy.analysis == nil, service.listen != .nothing else { return nil }
        guard deploy.strategy == .canary else {
            return gap(
                "deploy.analysis",
                "is judged by its probes alone: a new version that answers visitors with errors stays",
                "deploy: {watch: 1m, analysis: {maxErrorRate: 5%}}")
        }
        return gap(
            "deploy.analysis", "has a canary that nobody measures: a release that answers with errors is promoted",
            "deploy: {analysis: {maxErrorRate: 1%}}")
    }

    private var gates: Gap? {
        guard !deploy.gates.before.isEmpty, !deploy.gates.before.contains(where: \.required) else { return nil }
        return gap(
            "deploy.gates.before", "has gates of which none stops a release: all have `required: false`",
            "`required: true` for the gates that must hold")
    }

    private var irreversible: Gap? {
        guard service.release?.reversible == false, deploy.onFailure == .rollback else { return nil }
        return gap(
            "release.reversible",
            "is not rolled back when a release fails: what its `release` command did cannot be undone",
            "release: {reversible: true}, once the release before runs on what the command leaves behind")
    }

    private var freeze: Gap? {
        guard deploy.onFailure == .freeze else { return nil }
        return gap(
            "deploy.onFailure", "keeps a release that failed where it is until somebody decides",
            "deploy: {onFailure: rollback}")
    }
}

/// What notifications and promotion leave open.
struct PlanGaps {
    private let plan: Plan
    private var told: NotificationSpec { plan.notifications }

    init(_ plan: Plan) { self.plan = plan }

    var all: [Gap] { [critical, fallback].compactMap { $0 } + keys + promotions }

    private var critical: Gap? {
        guard told.critical.to.isEmpty, told != NotificationSpec() else { return nil }
        return Gap(
            path: "notifications.critical", sentence: "nobody is told of what needs somebody now",
            remedy: "notifications: {critical: {to: [\(told.channels.first?.name ?? "ops")]}}")
    }

    private var fallback: Gap? {
        guard told.critical.to.count == 1, told.fallback == nil || told.fallback == told.critical.to[0] else {
            return nil
        }
        let only = told.critical.to[0]
        return Gap(
            path: "notifications.fallback", sentence: "what the channel \(only) cannot take reaches nobody",
            remedy: "a second channel, named by `fallback`")
    }

    private var keys: [Gap] {
        told.channels.compactMap { channel in
            let (name, value): (String, Template?) =
                switch channel.kind {
                case .pagerduty(let key, _): ("pagerduty", key)
                case .webhook(_, let secret): ("webhook.secret", secret)
                case .slack(let url): ("slack", url)
                case .email(let mail): ("email.smtp", mail.smtp.hasPassword ? mail.smtp : nil)
                }
            guard let value, value.isWritten else { return nil }
            let what = name == "slack" ? "address" : name == "email.smtp" ? "password" : "key"
            return Gap(
                path: "notifications.channels.\(channel.name).\(name)",
                sentence: "the \(what) of the channel \(channel.name) is in the file: whoever reads the file has it",
                remedy: "a variable: `\"${env.NAME}\"`")
        }
    }

    private var promotions: [Gap] {
        plan.environments.compactMap { environment in
            guard let name = environment.promotesTo,
                let target = plan.environments.first(where: { $0.name == name }), target.approvals.isEmpty
            else { return nil }
            return Gap(
                path: "environments.\(name).requires",
                sentence: "\(name) takes releases of \(environment.name) without anybody's approval",
                remedy: "environments: {\(name): {requires: {approvals: [ops]}}}")
        }
    }
}

extension Template {
    /// Whether the file itself holds the whole text.
    fileprivate var isWritten: Bool {
        parts.allSatisfy { if case .text = $0 { true } else { false } }
    }

    /// Whether a URL names a user with a password.
    fileprivate var hasPassword: Bool {
        guard let at = description.lastIndex(of: "@"), let scheme = description.range(of: "://") else { return false }
        return scheme.upperBound < at && description[scheme.upperBound..<at].contains(":")
    }
}
