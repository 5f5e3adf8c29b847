import AloftModel
import FoundationEssentials

extension Language {
    /// What the plan leaves open, service by service, then the edge, then notifications and promotion; `files` says which of the files it names exist.
    package static func gaps(of plan: Plan, files: FileFacts = .disk) -> [Gap] {
        plan.services.flatMap { ServiceGaps($0, plan, files).all + DeployGaps($0, files).all }
            + EdgeGaps(plan, files).all + PlanGaps(plan).all
    }
}

/// What is on the disk, as far as a plan depends on it.
package struct FileFacts: Sendable {
    /// Of an absolute path.
    package var exists: @Sendable (String) -> Bool

    package init(exists: @escaping @Sendable (String) -> Bool) { self.exists = exists }

    package static let disk = FileFacts { FileManager.default.fileExists(atPath: $0) }
}

/// What one service leaves open.
private struct ServiceGaps {
    private let service: ServiceSpec
    private let plan: Plan
    private let files: FileFacts

    init(_ service: ServiceSpec, _ plan: Plan, _ files: FileFacts) {
        self.service = service
        self.plan = plan
        self.files = files
    }

    var all: [Gap] {
        [program, folder, readiness, liveness, replicas, available, memory, restart, route, drain, envFile].compactMap {
            $0
        }
    }

    private func gap(_ key: String, _ sentence: String, _ remedy: String) -> Gap {
        Gap(path: "services.\(service.name).\(key)", sentence: "services.\(service.name) \(sentence)", remedy: remedy)
    }

    private var program: Gap? {
        guard service.container == nil, case .text(let word)? = service.command.first?.parts.first,
            service.command[0].parts.count == 1,
            word.contains("/")
        else { return nil }
        let path = FilePaths.absolute(word, from: service.directory)
        guard !files.exists(path) else { return nil }
        return gap(
            "command", "names a program that does not exist: \(path)", "build it before `aloft up`, or correct the path"
        )
    }

    private var folder: Gap? {
        guard !files.exists(service.directory) else { return nil }
        return gap(
            "directory", "runs in a folder that does not exist: \(service.directory)",
            "make the folder, or correct the path")
    }

    private var isWorker: Bool { service.listen == .nothing }

    private var readiness: Gap? {
        guard service.probes.readiness == nil, isRouted else { return nil }
        return gap(
            "probes.readiness",
            "has no readiness probe: a restart or a deploy can send it traffic before it can answer",
            "probes: {readiness: {httpGet: /health}}")
    }

    private var liveness: Gap? {
        guard service.probes.liveness == nil else { return nil }
        return gap(
            "probes.liveness", "has no liveness probe: a replica that hangs without exiting is not restarted",
            isWorker ? "probes: {liveness: {exec: [./check]}}" : "probes: {liveness: {httpGet: /health}}")
    }

    private var replicas: Gap? {
        guard service.scaling.minReplicas == 1 else { return nil }
        return gap(
            "replicas",
            isWorker
                ? "has one replica: if it crashes, no job is worked on until it runs again"
                : "has one replica: if it crashes, nobody answers until it is ready again",
            "replicas: 2")
    }

    private var available: Gap? {
        guard service.scaling.minReplicas > 1, service.scaling.minAvailable == 0 else { return nil }
        return gap(
            "scaling.minAvailable", "may have all replicas out of rotation at once: `minAvailable` is 0",
            "scaling: {minAvailable: 1}")
    }

    private var memory: Gap? {
        guard service.resources.limits.memory == nil else { return nil }
        return gap(
            "resources.limits.memory", "has no memory limit: one leaking replica can take the whole machine's memory",
            "resources: {limits: {memory: 512MiB}}")
    }

    private var restart: Gap? {
        guard service.restart.policy == .never else { return nil }
        return gap("restart.policy", "is not restarted when it ends", "restart: {policy: always}")
    }

    private var envFile: Gap? {
        guard let file = service.fileVariables.files.first(where: \.isReadableByAll) else { return nil }
        return gap(
            "envFiles", "reads variables from a file that every user of this machine can read: \(file.path)",
            "chmod 600 \(file.path)")
    }

    private var routes: [ServiceRoute] {
        plan.edge.routes.compactMap { route in
            if case .service(let target) = route.action, target.service == service.name { target } else { nil }
        }
    }

    private var isRouted: Bool { !routes.isEmpty }

    private var route: Gap? {
        guard !isRouted, !isWorker else { return nil }
        return Gap(
            path: "edge.routes", sentence: "services.\(service.name) runs, and no route leads to it",
            remedy:
                "add `{match: {path: /*}, service: \(service.name)}` to `edge.routes`, or write `listen: none` for a worker"
        )
    }

    private var drain: Gap? {
        guard let longest = routes.map(\.timeout).max(), longest > service.stop.drain else { return nil }
        let (drain, request) = (service.stop.drain.quantity, longest.quantity)
        return gap(
            "stop.drain", "drains for \(drain), and requests may take \(request): a restart can cut one off",
            "stop: {drain: \(request)}")
    }
}

/// What the edge leaves open.
private struct EdgeGaps {
    private let plan: Plan
    private let files: FileFacts
    private var edge: EdgeSpec { plan.edge }

    init(_ plan: Plan, _ files: FileFacts) {
        self.plan = plan
        self.files = files
    }

    var all: [Gap] { plainListeners + certificates + proxies + kept + [fallback, admin, accessLog].compactMap { $0 } }

    private var plainListeners: [Gap] {
        edge.listeners.enumerated().filter { !$1.tls && !$1.redirectsToHTTPS && !$1.address.isLoopback }
            .map { index, listener in
                Gap(
                    path: "edge.listeners[\(index)].tls",
                    sentence:
                        "\(listener.address) is plain HTTP on a public address: anyone on the way reads and changes it",
                    remedy: "a listener with `tls: true` and a certificate; here `redirect: https`")
            }
    }

    private var certificates: [Gap] {
        edge.tls.certificates.enumerated().flatMap { index, certificate -> [Gap] in
            let path = "edge.tls.certificates[\(index)]"
            let hosts = certificate.hosts.map(\.description).joined(separator: ", ")
            switch certificate.source {
            case .selfSigned:
                return [
                    Gap(
                        path: "\(path).selfSigned",
                        sentence: "the certificate for \(hosts) is self-signed: no browser trusts it",
                        remedy: "files: {certificate: ./fullchain.pem, key: ./key.pem}")
                ]
            case .files(let chain, let key):
                return [("certificate", chain), ("key", key)].filter { !files.exists($0.1) }.map { name, file in
                    Gap(
                        path: "\(path).files.\(name)", sentence: "the \(name) for \(hosts) does not exist: \(file)",
                        remedy: "put the file there before `aloft up`, or correct the path")
                }
            }
        }
    }

    private var proxies: [Gap] {
        edge.trustedProxies.enumerated().filter { $1.prefixLength == 0 }.map { index, network in
            Gap(
                path: "edge.trustedProxies[\(index)]",
                sentence: "\(network) is everybody: any client can claim any address",
                remedy: "only the networks of the proxies in front of Aloft")
        }
    }

    private var kept: [Gap] {
        edge.forwarding.keep.enumerated().map { index, name in
            Gap(
                path: "edge.headers.untrusted.keep[\(index)]",
                sentence: "any client can send \(name), and an app that takes it for a proxy's word is misled",
                remedy: "take it out of `keep`, unless no app reads it so")
        }
    }

    private var fallback: Gap? {
        let takesAll = edge.routes.contains {
            $0.match == RouteMatch(host: nil, path: .prefix("/"), methods: [], headers: [])
        }
        guard !takesAll else { return nil }
        return Gap(
            path: "edge.routes", sentence: "no route takes what the others leave: such requests get 404",
            remedy: "a last route with `match: {path: /*}`, if they should go somewhere")
    }

    private var admin: Gap? {
        guard edge.admin == nil else { return nil }
        return Gap(
            path: "edge.admin", sentence: "there is no admin listener: nothing can read metrics or health",
            remedy: "admin: {address: \"127.0.0.1:9900\"}")
    }

    private var accessLog: Gap? {
        guard plan.logs.access < Percent(100) else { return nil }
        let what = plan.logs.access.basisPoints == 0 ? "no request is" : "only \(plan.logs.access) of requests are"
        return Gap(path: "logs.access", sentence: "\(what) written to the access log", remedy: "logs: {access: on}")
    }
}
