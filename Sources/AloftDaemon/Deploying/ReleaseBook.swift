import AloftCompute
import AloftLanguage
import AloftModel
import AloftRollout
import Synchronization

/// What releases run: read again from the text of their file, so that an old release means what it meant.
final class ReleaseBook: Sendable {
    /// Files of releases whose plans are kept in memory.
    private static let keptPlans = 8

    let store: JournalRolloutStore
    let artifacts: ReleaseArtifacts
    let kept: KeptVariables
    /// Absolute path of the daemon's file: relative paths start in its folder.
    private let file: String
    /// For `${env.X}`.
    let variables: HostVariables
    private let plans = Mutex<[(key: Key, plan: Plan)]>([])

    private struct Key: Hashable {
        var digest: String
        var environment: String?
    }

    init(_ options: DaemonOptions, store: JournalRolloutStore, artifacts: ReleaseArtifacts, kept: KeptVariables) {
        self.store = store
        self.kept = kept
        self.artifacts = artifacts
        file = options.file
        variables = HostVariables(options.hostEnvironment)
    }

    func current(_ service: String) async throws -> Release? {
        try await store.releases(of: service).last { $0.status == .current }
    }

    /// The primary set of each service that has a current release, with what a file may change without a release.
    func targets(of plan: Plan, events: EventQueue) async throws -> [ServiceTarget] {
        var targets: [ServiceTarget] = []
        for spec in plan.services {
            guard let release = try await current(spec.name) else { continue }
            targets.append(ServiceTarget(spec: running(release, in: spec, events), release: release.number))
        }
        return targets
    }

    /// Bounds and deploys are the file's; probes and stopping too where the release runs what the file says.
    private func running(_ release: Release, in file: ServiceSpec, _ events: EventQueue) -> ServiceSpec {
        let fromFile = laid(release.overrides, over: file)
        var spec: ServiceSpec
        do {
            spec = try self.spec(of: release)
        } catch {
            events.publish(
                .error, "release.unreadable", file.name,
                "release \(release.number) can't be read any more (\(error)); the file's own words are used")
            return fromFile
        }
        (spec.scaling, spec.deploy, spec.release) = (file.scaling, file.deploy, file.release)
        (spec.isRouted, spec.dependsOn, spec.reload) = (file.isRouted, file.dependsOn, file.reload)
        if digest(spec) == digest(fromFile) {
            (spec.probes, spec.stop, spec.restart) = (file.probes, file.stop, file.restart)
        }
        return spec
    }

    /// The service as this release describes it, deploys included.
    ///
    /// - Throws: `ArtifactError` where the text is missing or damaged, `ControlFailure` where it can't be read any more.
    func spec(of release: Release) throws -> ServiceSpec {
        try spec(release.overrides, over: try base(of: release))
    }

    /// With the values that `envFiles` held.
    func spec(_ overrides: ReleaseOverrides, over base: ServiceSpec) throws -> ServiceSpec {
        var spec = laid(overrides, over: base)
        spec.fileVariables = try overrides.variables.map { try kept.variables($0) } ?? FileVariables()
        return spec
    }

    /// What `envFiles` of a service hold now, kept for a release.
    func readVariables(of spec: ServiceSpec) throws -> FileVariables {
        var files = EnvironmentFiles(read: { EnvironmentFileContent.disk($0) }, host: variables.values)
        let (found, faults) = files.variables(of: spec.envFiles)
        let errors = files.diagnostics.filter { $0.severity == .error }
        guard faults.isEmpty, errors.isEmpty else {
            let lines = faults.map(\.message) + errors.map { "\($0.file):\($0.line):\($0.column): \($0.message)" }
            throw ControlFailure(
                .refused, "`envFiles` of \(spec.name): " + lines.joined(separator: "; "),
                hint: faults.first?.hint ?? errors.first?.hint)
        }
        return try kept.keep(found)
    }

    /// The service as a rollout of this release takes it: what went through gates and steps before comes back at once.
    func rolledOut(_ release: Release) throws -> ServiceSpec {
        var spec = try spec(of: release)
        guard case .rollback = release.reason else { return spec }
        spec.release = nil
        spec.deploy.gates.before = []
        (spec.deploy.analysis, spec.deploy.watch, spec.deploy.keep) = (nil, .zero, .zero)
        if spec.deploy.strategy == .canary { spec.deploy.strategy = .blueGreen }
        return spec
    }

    /// As the file says it, without what `deploy` was told beside it.
    func base(of release: Release) throws -> ServiceSpec {
        let plan = try plan(release.fileDigest, environment: release.environment)
        guard let spec = plan.services.first(where: { $0.name == release.service }) else {
            throw ControlFailure(.failed, "the file of release \(release.number) has no service \(release.service)")
        }
        return spec
    }

    private func plan(_ digest: String, environment: String?) throws -> Plan {
        let key = Key(digest: digest, environment: environment)
        if let kept = plans.withLock({ plans in plans.first { $0.key == key }?.plan }) { return kept }
        let plan = try read(try artifacts.text(digest), environment: environment)
        plans.withLock { plans in
            plans.append((key, plan))
            if plans.count > Self.keptPlans { plans.removeFirst() }
        }
        return plan
    }

    /// The plan of a text as if it were the daemon's file.
    func read(_ text: [UInt8], environment: String?) throws(ControlFailure) -> Plan {
        let slash = file.lastIndex(of: "/") ?? file.startIndex
        let source = SourceFile(name: file, directory: String(file[..<slash]), bytes: text)
        return try Running.check(source, environment: environment, variables: variables.values).running.plan
    }

    func laid(_ overrides: ReleaseOverrides, over spec: ServiceSpec) -> ServiceSpec {
        var spec = spec
        if let folder = overrides.folder { spec.directory = folder.path }
        if let digest = overrides.artifact { spec.directory = artifacts.path(of: digest) }
        if let image = overrides.containerImage { spec.container?.source = .image(image) }
        for (name, value) in overrides.environment.sorted(by: { $0.key < $1.key }) {
            spec.environment.removeAll { $0.name == name }
            spec.environment.append(EnvironmentVariable(name: name, value: Template(value)))
        }
        return spec
    }

    /// Of what a process is given at its start.
    ///
    /// - Parameter values: Of `${env.NAME}`, where they are not the present ones.
    func digest(_ spec: ServiceSpec, _ values: [String: String]? = nil) -> String {
        SpecDigest.of(spec, host: values ?? variables.values)
    }

    /// A release's processes, with all that a file may change without a release.
    func file(_ file: ServiceSpec, over processes: ServiceSpec) -> ServiceSpec {
        var spec = processes
        (spec.scaling, spec.deploy, spec.release) = (file.scaling, file.deploy, file.release)
        (spec.probes, spec.stop, spec.restart) = (file.probes, file.stop, file.restart)
        return spec
    }
}
