import AloftModel
import AloftSystem
import Glibc

/// All that is decided about a container before it is made: the engine's command line, and what it finds in its
/// environment. Pure.
struct ContainerOrder: Sendable, Hashable {
    /// Processes and threads in one container: a fork bomb ends here and not with the machine.
    static let mostProcesses = 4096

    var name: String
    /// `aloft.…=…`, to find it again after the daemon was killed.
    var labels: [String]
    var image: String
    /// Program and arguments instead of the image's own `ENTRYPOINT` and `CMD`; empty leaves those.
    var command: [String]
    var variables: ContainerVariables
    var resources: Resources
    /// Options that limit open files.
    var openFiles: [String]
    /// On 127.0.0.1, and where it leads to in the container.
    var publish: (host: Int, container: Int)?
    /// Folder of the socket, the same path inside.
    var mount: String?
    /// Options for `user` and `volumes`.
    var access: [String]
    var stopSignal: StopSpec.Signal
    /// Where the engine writes what it made.
    var folder: String

    static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.line(for: .podman) == right.line(for: .podman)
            && left.variables == right.variables
    }

    func hash(into hasher: inout Hasher) { hasher.combine(name) }

    var identityFile: String { "\(folder)/container-id" }
    var processFile: String { "\(folder)/container-pid" }
    var variablesFile: String { "\(folder)/container-env" }

    /// What follows the engine's name on the command line: podman runs the container, docker only makes it
    /// (`DockerAttachment` starts it).
    ///
    /// - Parameter limited: False leaves out all limits, for an engine that holds nobody to them.
    func line(for kind: ContainerEngine.Kind, limited: Bool = true) -> [String] {
        var line = kind == .podman ? ["run", "--detach"] : ["create"]
        line += ["--name", name, "--pull", "never", "--restart", "no", "--no-healthcheck", "--cidfile", identityFile]
        for label in labels { line += ["--label", label] }
        switch kind {
        case .podman:
            line += ["--pidfile", processFile, "--log-driver", "passthrough", "--http-proxy=false"]
            line += ["--sdnotify", "ignore"]
        case .docker:
            line += ["--log-driver", "none"]
        }
        if limited { line += limits }
        line += openFiles
        if kind == .podman, !openFiles.isEmpty { line += Self.processes }
        if let publish { line += ["--publish", "127.0.0.1:\(publish.host):\(publish.container)/tcp"] }
        if let mount { line += ["--mount", "type=bind,source=\(mount),destination=\(mount)"] }
        line += access
        // Aloft sends it itself; this is for people who say `podman stop`.
        if stopSignal != .term { line += ["--stop-signal", "SIG\(stopSignal.rawValue)"] }
        line += variables.options(file: variablesFile)
        if let program = command.first { line += ["--entrypoint", program] }
        return line + [image] + command.dropFirst()
    }

    private var limits: [String] {
        var line = ["--pids-limit", "\(Self.mostProcesses)"]
        if let cpu = resources.limits.cpu { line += ["--cpus", Self.cores(cpu.millicores)] }
        if let cpu = resources.requests.cpu {
            line += ["--cpu-shares", "\(min(262_144, max(2, cpu.millicores * 1024 / 1000)))"]
        }
        if let memory = resources.limits.memory {
            // The same with swap: what is over the limit is killed, as it is for processes.
            line += ["--memory", "\(memory.bytes)b", "--memory-swap", "\(memory.bytes)b"]
        }
        if let memory = resources.requests.memory { line += ["--memory-reservation", "\(memory.bytes)b"] }
        return line
    }

    /// `1.25` of 1250.
    static func cores(_ millicores: Int) -> String {
        let rest = String(millicores % 1000)
        return "\(millicores / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}

extension ContainerOrder {
    /// - Parameters:
    ///   - address: Where the edge finds it.
    ///   - instance: Of the state directory.
    init(
        _ order: LaunchOrder, image: String, address: ReplicaAddress, socketFolder: String?, folder: String,
        instance: String, stateDirectory: String, host: [String: String], given: OpenFiles.Limits? = OpenFiles.given
    ) throws {
        let inner = Self.inner(address, order.service.container)
        let plan = try LaunchPlan(order.service, replica: order.id, address: inner, host: host)
        if let folder = socketFolder, folder.contains(",") {
            throw LaunchFailure("a comma in the state directory's path cannot be mounted: \(folder)")
        }
        name = Self.name(order.id, instance: instance)
        labels = Self.labels(order, instance: instance, stateDirectory: stateDirectory)
        self.image = image
        command = plan.arguments
        variables = try ContainerVariables(plan, own: order.service)
        resources = order.service.resources
        openFiles = try Self.openFiles(plan, given: given)
        if case .port(let outside) = address, case .port(let inside) = inner { publish = (outside, inside) }
        mount = socketFolder
        access = Self.access(order.service)
        stopSignal = order.service.stop.signal
        self.folder = folder
    }

    /// Whom the program runs as, and what of this machine it sees: the same for replicas and for commands.
    static func access(_ service: ServiceSpec) -> [String] {
        var line: [String] = []
        if let user = service.user { line += ["--user", user.name + (user.group.map { ":\($0)" } ?? "")] }
        for volume in service.container?.volumes ?? [] {
            let mode = volume.isReadOnly ? ",readonly=true" : ""
            line += ["--mount", "type=bind,source=\(volume.from),destination=\(volume.path)\(mode)"]
        }
        return line
    }

    /// An engine would make what is not there, or fail with words of its own.
    static func checkVolumes(of spec: ContainerSpec) throws(LaunchFailure) {
        for volume in spec.volumes where Glibc.access(volume.from, F_OK) != 0 {
            let reason = errno == ENOENT ? "there is no \(volume.from)" : "\(volume.from) can't be reached"
            throw LaunchFailure(
                "`volumes`: \(reason) for \(volume.path); make it (`mkdir -p`) with the owner that the image needs")
        }
    }

    /// What a process would get: engines have a default of their own, a million and more where systemd started them.
    static func openFiles(_ plan: LaunchPlan, given: OpenFiles.Limits?) throws(LaunchFailure) -> [String] {
        guard let given else {
            return plan.openFiles.map { ["--ulimit", "nofile=\($0):\($0)"] } ?? []
        }
        let limits = try plan.limits(given: given)
        return ["--ulimit", "nofile=\(limits.soft):\(limits.hard)"]
    }

    /// Podman takes none of its configured limits once one is on the command line, and its own default for processes
    /// may be more than the machine gives.
    static var processes: [String] {
        let most = EngineSettings.mostProcesses()
        return ["--ulimit", "nproc=\(most):\(most)"]
    }

    /// Where it answers as seen from inside.
    static func inner(_ address: ReplicaAddress, _ spec: ContainerSpec?) -> ReplicaAddress {
        guard case .port(let outside) = address else { return address }
        return .port(spec?.port ?? outside)
    }

    static func name(_ id: ReplicaID, instance: String) -> String {
        "aloft-\(instance)-\(id.service)-\(id.index).\(id.generation)"
    }

    static func instanceLabel(_ instance: String) -> String { "aloft.instance=\(instance)" }

    private static func labels(_ order: LaunchOrder, instance: String, stateDirectory: String) -> [String] {
        [
            instanceLabel(instance), "aloft.state=\(stateDirectory)", "aloft.service=\(order.id.service)",
            "aloft.replica=\(order.id.name)", "aloft.generation=\(order.id.generation)",
            "aloft.digest=\(order.specDigest)",
        ]
    }
}
