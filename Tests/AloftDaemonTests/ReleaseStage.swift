import AloftCompute
import AloftJournal
import AloftLanguage
import AloftModel
import AloftRollout
import AloftSystem
import AloftTestKit
import Foundation
import Logging
import Synchronization

@testable import AloftDaemon

/// A deployer with a real journal, real releases and the real driver of rollouts, whose replicas are ready at once.
final class ReleaseStage: Sendable {
    let deployer: Deployer
    let wanted: WantedReplicas
    private let sets: ReadySets
    private let running: Mutex<Running>
    private let path: String

    init(_ text: String, variables: [String: String] = [:], in folder: String) async throws {
        let paths = StatePaths(directory: folder + "/state")
        try Directories.make(paths.directory)
        let options = DaemonOptions(
            file: folder + "/aloft.yaml", environmentName: nil, paths: paths, hostEnvironment: variables, user: "ann",
            writesToStandardError: false, show: { _ in })
        let journal = try Journal(path: paths.journal)
        let book = ReleaseBook(
            options, store: JournalRolloutStore(journal: journal),
            artifacts: ReleaseArtifacts(root: paths.releases), kept: KeptVariables(folder: paths.variables))
        let sets = ReadySets()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        wanted = WantedReplicas(journal: journal)
        let rollouts = Rollouts(
            ports: RolloutPorts(
                sets: sets, traffic: sets, store: book.store, commands: sets, checks: sets, clock: HastyClock(),
                spec: { try book.rolledOut($0) }, wanted: { _ in 1 }, event: { _ in }),
            logger: logger)
        let compute = Compute(
            services: [ServiceTarget](),
            configuration: ComputeConfiguration(
                stateDirectory: paths.directory, hostEnvironment: variables, cgroups: .off),
            ports: ComputePorts(
                rotation: sets, store: JournalReplicaStore(journal: journal), output: sets, event: { _ in },
                lastLines: { _ in [] }),
            logger: logger)
        let (_, containers) = AsyncStream<ContainerReleases.Change>.makeStream()
        deployer = Deployer(
            book: book,
            code: ReleaseCode(
                artifacts: book.artifacts,
                folders: CodeFolders(indexes: paths.folders, leftOut: [options.file, paths.directory])),
            journal: journal, rollouts: rollouts, compute: compute, wanted: wanted, events: EventQueue(),
            user: "ann", containers: containers)
        self.sets = sets
        path = options.file
        running = Mutex(try Self.read(text, options.file, variables))
    }

    private static func read(_ text: String, _ file: String, _ variables: [String: String]) throws -> Running {
        let source = SourceFile(
            name: file, directory: Directories.parent(of: file), bytes: Array(text.utf8))
        return try Running.check(source, environment: nil, variables: variables).running
    }

    /// Drives rollouts for as long as `body` runs.
    func play(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.deployer.rollouts.run() }
            try await body()
            group.cancelAll()
        }
    }

    var file: Running { running.withLock { $0 } }

    /// What a reload of this text says that it would change.
    func statement(of text: String, _ given: [String: String]? = nil) async throws -> Statement {
        let variables = deployer.book.variables
        let all = variables.values.merging(given ?? [:]) { _, new in new }
        let next = try Self.read(text, path, all)
        let offer = variables.offer(given, reading: Language.variables(of: next.plan))
        let (changes, notes) = try await deployer.statement(from: file.plan, to: next.plan, offer)
        return Statement(changes: changes, notes: notes, next: next, offer: offer)
    }

    struct Statement: Sendable {
        var changes: [PlanChange]
        var notes: [String]
        var next: Running
        var offer: HostVariables.Offer

        /// Of `services.web.env`, what it says the processes get.
        func applied(to environment: [String: String]) -> [String: String] {
            changes.reduce(into: environment) { result, change in
                guard change.path.hasPrefix("services.web.env.") else { return }
                let name = String(change.path.dropFirst("services.web.env.".count))
                // As the file spells it, in quotes.
                result[name] = change.new?.trimmingCharacters(in: ["\""])
            }
        }
    }

    /// As `Operator.takeOver` does it.
    func reload(_ text: String, _ given: [String: String]? = nil) async throws {
        let statement = try await statement(of: text, given)
        deployer.book.variables.take(statement.offer)
        running.withLock { $0 = statement.next }
        await deployer.takeOver(statement.next, reason: .reload)
        await settled()
    }

    func deploy(set: [String: String] = [:], unset: [String] = []) async throws {
        guard let spec = file.plan.services.first else { return }
        _ = try await deployer.deploy(
            spec, file, DeployRequest(environment: set, unset: unset, user: "ann"), artifact: nil)
        await settled()
    }

    func rollback(to number: Int) async throws {
        _ = try await deployer.rollback("web", RollbackRequest(to: number, user: "ann"))
        await settled()
    }

    private func settled() async {
        while let progress = await deployer.rollouts.status("web"), !progress.isEnd { await Task.yield() }
    }

    /// What the replicas that run were started with.
    func launched() async throws -> [String: String] {
        let current = try await deployer.book.current("web")
        let spec = sets.spec(of: current?.number ?? 0)
        return (spec?.environment ?? []).reduce(into: [:]) { $0[$1.name] = "\($1.value)" }
    }
}

/// Replicas that are ready as soon as they are asked for, commands that pass, and nobody who asks for anything.
private final class ReadySets: ReplicaSets, Traffic, CommandRunner, Checks, Rotation, OutputSink {
    private struct Found: Sendable {
        var specs: [Int: ServiceSpec] = [:]
        var desired: [Int: Int] = [:]
        var primary: Int?
    }

    private let found = Mutex(Found())

    func spec(of release: Int) -> ServiceSpec? { found.withLock { $0.specs[release] } }

    func sets(of service: String) async -> [SetState] {
        found.withLock { found in
            found.desired.sorted { $0.key < $1.key }.map { release, count in
                SetState(
                    release: release, isPrimary: release == found.primary, desired: count, ready: count,
                    replicas: count)
            }
        }
    }

    func start(_ spec: ServiceSpec, release: Int, desired: Int) async throws {
        found.withLock { found in
            found.specs[release] = spec
            found.desired[release] = desired
            if found.primary == nil { found.primary = release }
        }
    }

    func scale(_ service: String, release: Int, to desired: Int) async throws {
        found.withLock { $0.desired[release] = desired }
    }

    func promote(_ service: String, release: Int) async throws { found.withLock { $0.primary = release } }

    func remove(_ service: String, release: Int) async throws { found.withLock { $0.desired[release] = nil } }

    func split(_ split: TrafficSplit?, of service: String) async {}
    func numbers(of service: String) async -> [Int: ReleaseNumbers] { [:] }
    func probe(_ service: String, release: Int, path: String, requests: Int) async {}
    func run(_ command: ReleaseCommand, line: @escaping @Sendable (String) -> Void) async -> CommandResult {
        CommandResult(passed: true, detail: "exit code 0")
    }
    func endRemains(of command: ReleaseCommand) async {}
    func check(_ check: GatesSpec.Check, service: String, release: Int) async -> CheckResult {
        CheckResult(.passed, "good")
    }
    func admit(_ endpoint: Endpoint) async {}
    func eject(_ replica: ReplicaID) async {}
    func drained(_ replica: ReplicaID, within: Duration) async -> Int { 0 }
    func attached(_ replica: ReplicaID, stdoutPath: String, stderrPath: String) async {}
    func detached(_ replica: ReplicaID) async {}
}

/// Each wait is over at once.
private final class HastyClock: TimeSource {
    private let time = Mutex<Int64>(1_000_000_000)

    var wallNanoseconds: Int64 { time.withLock { $0 } }
    var now: MonotonicTime { MonotonicTime(nanoseconds: time.withLock { $0 }) }

    func sleep(until deadline: MonotonicTime) async throws {
        try Task.checkCancellation()
        time.withLock { $0 = max($0 + 1, deadline.nanoseconds) }
        await Task.yield()
        try Task.checkCancellation()
    }
}
