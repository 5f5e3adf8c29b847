import AloftSystem
import Glibc
import Logging
import Synchronization

/// The engine as this daemon uses it: which one, with whose settings, and where its files are.
final class EngineSession: Sendable {
    private struct State {
        var engine: ContainerEngine?
        var usesOwnSettings = false
        /// A container was started with the settings as they are.
        var isProven = false
    }

    /// `containers/` in the state directory: there once a container or image was ever asked for.
    let folder: String
    /// Tells containers of this state directory from those of others.
    let instance: String
    let configuration: ComputeConfiguration
    let logger: Logger
    private let gates = EngineGates()
    private let isRoot = geteuid() == 0
    private let hasUnifiedMemory: Bool
    private let state = Mutex(State())

    init(_ configuration: ComputeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        folder = "\(configuration.stateDirectory)/containers"
        instance = SpecDigest.name(of: configuration.stateDirectory)
        let mounts = try? CgroupMounts()
        hasUnifiedMemory = mounts?.unified != nil && mounts?.controllers["memory"] == nil
        let wrote = Directories.isDirectory(folder) && (try? readText(settingsFile, limit: 1)) != nil
        state.withLock { $0.usesOwnSettings = wrote }
    }

    /// False where this state directory never had to do with containers, and the engine need not be asked.
    var wasEverUsed: Bool { Directories.isDirectory(folder) }

    private var settingsFile: String { "\(folder)/containers.conf" }

    /// Looked up until it is found once, so that installing it mends the service.
    func calls() throws(LaunchFailure) -> EngineCalls {
        let engine: ContainerEngine
        if let known = state.withLock({ $0.engine }) {
            engine = known
        } else {
            engine = try ContainerEngine.find(host: configuration.hostEnvironment)
            state.withLock { $0.engine = engine }
        }
        do throws(SystemError) {
            try Directories.make(folder, mode: 0o700)
        } catch {
            throw LaunchFailure("\(error)")
        }
        return calls(of: engine)
    }

    /// Calls of an engine that an earlier daemon used, which need not be the one that would be taken today.
    func calls(of engine: ContainerEngine) -> EngineCalls {
        EngineCalls(
            engine: engine, environment: environment(engine), gates: gates, clock: configuration.clock,
            holdsToLimits: engine.kind == .docker || isRoot || hasUnifiedMemory)
    }

    // MARK: settings

    /// Does something with the engine's settings as they are, and again with Aloft's where those are to blame.
    ///
    /// Settings of the user's own choice (`CONTAINERS_CONF`) are never replaced.
    func withWorkingSettings(
        _ body: (EngineCalls) async throws(LaunchFailure) -> EngineAnswer
    ) async throws(LaunchFailure) -> (answer: EngineAnswer, calls: EngineCalls) {
        let hadOwn = state.withLock { $0.usesOwnSettings }
        let calls = try calls()
        let first = try await body(calls)
        if first.succeeded { state.withLock { $0.isProven = true } }
        if first.succeeded || hadOwn || !mayReplaceSettings(calls.engine, after: first) { return (first, calls) }
        // Several may find this out at once; they write the same.
        try write()
        state.withLock { $0.usesOwnSettings = true }
        let again = try self.calls()
        let second = try await body(again)
        // Another reason to fail is no reason to doubt the settings.
        if !EngineText.blamesSettings(second.complaint) || second.succeeded {
            state.withLock { $0.isProven = true }
            logger.notice(
                "podman works with Aloft's settings only",
                metadata: ["file": "\(settingsFile)", "reason": "\(EngineText.lastLine(first.complaint))"])
            return (second, again)
        }
        let isUseless = state.withLock { state in
            if !state.isProven { state.usesOwnSettings = false }
            return !state.isProven
        }
        if isUseless { try removeSettings() }
        logger.warning(
            "podman works neither with its settings nor with Aloft's",
            metadata: ["error": "\(EngineText.lastLine(second.complaint))"])
        return (first, calls)
    }

    /// For a call that must not be made twice: finds out before it which settings work.
    ///
    /// What it runs is in no image, so nothing runs; only a complaint about settings counts.
    func callsThatWork(with image: String) async throws(LaunchFailure) -> EngineCalls {
        if state.withLock({ $0.isProven }) { return try calls() }
        let trial = ["run", "--rm", "--pull", "never", "--network", "none", "--entrypoint", "/.aloft-trial", image]
        return try await withWorkingSettings { calls throws(LaunchFailure) in
            var answer = try await calls.finish(trial, within: EngineCalls.Limit.change)
            if !EngineText.blamesSettings(answer.complaint) { answer.ending = .exited(0) }
            return answer
        }.calls
    }

    private func mayReplaceSettings(_ engine: ContainerEngine, after answer: EngineAnswer) -> Bool {
        engine.kind == .podman && configuration.hostEnvironment["CONTAINERS_CONF"] == nil
            && EngineText.blamesSettings(answer.complaint)
    }

    private func write() throws(LaunchFailure) {
        do throws(SystemError) {
            let settings = EngineSettings(
                path: configuration.hostEnvironment["PATH"] ?? "/usr/bin:/bin", unifiedOnly: hasUnifiedMemory)
            try AtomicFile.write(settings.text.utf8, to: settingsFile, mode: 0o644)
        } catch {
            throw LaunchFailure("\(error)")
        }
    }

    private func removeSettings() throws(LaunchFailure) {
        do throws(SystemError) {
            try Directories.remove(settingsFile)
        } catch {
            throw LaunchFailure("\(error)")
        }
    }

    // MARK: environment

    /// What an engine's program reads of its environment; nothing else of `aloft up` reaches it.
    private static let passedOn = [
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
        "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH",
        "DOCKER_TLS_VERIFY", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF",
        "REGISTRY_AUTH_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR",
    ]

    /// True for a variable that would change what the engine's program does, were it in its environment.
    static func concernsEngine(_ name: String) -> Bool {
        passedOn.contains(name)
            || ["CONTAINER", "DOCKER_", "PODMAN_", "STORAGE_", "BUILDAH_", "XDG_", "LD_", "GO", "LISTEN_", "NOTIFY_"]
                .contains { name.hasPrefix($0) }
    }

    private func environment(_ engine: ContainerEngine) -> [String] {
        let host = configuration.hostEnvironment
        var result = Self.passedOn.dropFirst().compactMap { name in host[name].map { "\(name)=\($0)" } }
        // Runtimes and iptables are where a user's PATH often does not look.
        result.append("PATH=\(host["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"):/usr/local/sbin:/usr/sbin:/sbin")
        if engine.kind == .podman, state.withLock({ $0.usesOwnSettings }) {
            result.append("CONTAINERS_CONF=\(settingsFile)")
        }
        return result
    }
}
