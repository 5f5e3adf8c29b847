import AloftCompute
import AloftEdge
import AloftJobs
import AloftLogs
import AloftModel
import AloftNotifications
import AloftRollout
import AloftScaling
import AloftSystem
import Foundation
import Logging
import NIOCore

extension Daemon {
    /// Starts a daemon, or throws and leaves nothing behind.
    ///
    /// - Throws: `invalidFile` with the whole report; `alreadyRunning`, `state`, `certificate` or `listen`.
    package static func start(_ options: DaemonOptions) async throws(DaemonError) -> Daemon {
        let stopwatch = Stopwatch()
        try OwnSettings.apply()
        let (running, warnings): (Running, Int)
        do {
            let read = try Running.read(
                options.file, environment: options.environmentName, variables: options.hostEnvironment)
            (running, warnings) = (read.running, read.warnings.count)
        } catch {
            throw DaemonError(.invalidFile, error.message)
        }
        if let problem = UserCheck.problems(of: running.plan).first {
            throw DaemonError(.resources, problem.message, hint: problem.hint)
        }
        stopwatch.lap("file")
        let events = EventQueue()
        let stores = try Stores.open(
            options.paths, logs: running.plan.logs, events: events,
            writesToStandardError: options.writesToStandardError)
        stopwatch.lap("stores")
        do {
            let daemon = try await assemble(options, try marked(running, stores), stores, events, stopwatch)
            if warnings > 0 {
                events.publish(
                    .warning, "file.warnings", "daemon", "\(warnings) warnings about the file: see `aloft check`")
            }
            return daemon
        } catch {
            await stores.close()
            throw error
        }
    }

    private static func marked(_ running: Running, _ stores: Stores) throws(DaemonError) -> Running {
        do {
            return try KeptVariables(folder: stores.paths.variables).marked(running)
        } catch {
            throw DaemonError(.state, "\(error)")
        }
    }

    private static func assemble(
        _ options: DaemonOptions, _ running: Running, _ stores: Stores, _ events: EventQueue, _ stopwatch: Stopwatch
    ) async throws(DaemonError) -> Daemon {
        let logger = stores.log.logger("aloft")
        let certificates: Certificates
        do {
            certificates = try Certificates(running.plan.edge, directory: stores.paths.certificates, now: .now)
        } catch {
            throw DaemonError(.certificate, error.message)
        }
        stopwatch.lap("certificates")
        let (unreachable, report) = AsyncStream<ReplicaID>.makeStream(bufferingPolicy: .bufferingNewest(256))
        let (wanted, want) = AsyncStream<String>.makeStream(bufferingPolicy: .bufferingNewest(64))
        let edge = try makeEdge(running.plan, certificates, stores, events, report, want, logger)
        let addresses: [Address]
        do {
            addresses = try await edge.start()
        } catch {
            await edge.stop(drain: .zero)
            await edge.close()
            throw DaemonError(.listen, error.message, hint: error.hint)
        }
        stopwatch.lap("edge")
        let parts = Parts(
            options: options, running: running, certificates: certificates, stores: stores, events: events, edge: edge,
            addresses: addresses, unreachable: unreachable, wanted: wanted, logger: logger)
        do {
            return try await parts.join(stopwatch)
        } catch {
            await edge.stop(drain: .zero)
            await edge.close()
            throw error
        }
    }

    private static func makeEdge(
        _ plan: Plan, _ certificates: Certificates, _ stores: Stores, _ events: EventQueue,
        _ unreachable: AsyncStream<ReplicaID>.Continuation, _ wanted: AsyncStream<String>.Continuation,
        _ logger: Logger
    ) throws(DaemonError) -> Edge {
        let logs = stores.logs
        let ports = EdgePorts(
            accessLog: { logs.append(.access, $0) }, unreachable: { unreachable.yield($0) },
            event: { events.publish($0) }, wanted: { wanted.yield($0) })
        do {
            return try Edge(
                spec: plan.edge, services: plan.services.map { EdgeService($0) },
                certificates: certificates.forEdge,
                ports: ports,
                configuration: EdgeConfiguration(
                    loops: EdgeConfiguration.loops(
                        asked: ProcessInfo.processInfo.environment["ALOFT_EDGE_LOOPS"], cores: NIOCore.System.coreCount),
                    accessShare: plan.logs.access),
                logger: logger)
        } catch {
            throw DaemonError(.listen, error.message, hint: error.hint)
        }
    }
}

/// All that was built before the parts that talk about one another.
private struct Parts {
    let options: DaemonOptions
    let running: Running
    let certificates: Certificates
    let stores: Stores
    let events: EventQueue
    let edge: Edge
    let addresses: [Address]
    let unreachable: AsyncStream<ReplicaID>
    let wanted: AsyncStream<String>
    let logger: Logger

    func join(_ stopwatch: Stopwatch) async throws(DaemonError) -> Daemon {
        let present = Present(
            .init(
                running: running, certificates: certificates.facts,
                urls: zip(addresses, running.plan.edge.listeners).map { StatusBuilder.url($0, tls: $1.tls) },
                admin: nil, state: .running))
        let book = ReleaseBook(
            options, store: JournalRolloutStore(journal: stores.journal),
            artifacts: ReleaseArtifacts(root: stores.paths.releases),
            kept: KeptVariables(folder: stores.paths.variables))
        let wanted = WantedReplicas(journal: stores.journal)
        await wanted.restore(services: running.plan.services, events: events)
        let compute = makeCompute()
        let rollouts = makeRollouts(compute, book, wanted, present)
        let (changes, containers) = AsyncStream<ContainerReleases.Change>.makeStream(
            bufferingPolicy: .bufferingNewest(1024))
        let deployer = Deployer(
            book: book,
            code: ReleaseCode(
                artifacts: book.artifacts,
                folders: CodeFolders(
                    indexes: stores.paths.folders, leftOut: [options.file, stores.paths.directory])),
            journal: stores.journal, rollouts: rollouts, compute: compute, wanted: wanted, events: events,
            user: options.user, containers: containers)
        try await resume(compute, deployer)
        let commands = JobCommands(compute: compute, book: book, stateDirectory: stores.paths.directory)
        let jobs = Jobs(ports: JobPorts(commands, stores, events), logger: stores.log.logger("jobs"))
        await jobs.apply(running.plan.jobs)
        let scaler = makeScaler(compute, wanted, rollouts)
        await scaler.apply(running.plan.services)
        stopwatch.lap("compute")
        let (notifier, told) = try await startNotifier()
        let hub = EventHub(queue: events, journal: stores.journal, log: stores.log, show: options.show)
        let desk = PromotionDesk(book: book, journal: stores.journal)
        let observer = Observer(
            file: options.file, startedAt: stopwatch.startedAt, present: present, edge: edge, compute: compute,
            scaler: scaler, rollouts: rollouts, desk: desk, notifier: notifier, jobs: jobs, stores: stores,
            hub: hub, traffic: TrafficWindow())
        let admin = try await AdminServer(
            running.plan.edge.admin,
            routes: AdminRoutes(families: { await observer.families() }, health: { await observer.health() }),
            logger: logger)
        present.change { $0.admin = admin.address.map { "http://\($0)" } }
        let operations = Operator(
            options: options, present: present, edge: edge, compute: compute, scaler: scaler, stores: stores,
            events: events, admin: admin, deployer: deployer, desk: desk, notifier: notifier, jobs: jobs)
        let requests = StopRequests()
        let control = try await bindControl(
            ControlRoutes(
                observer: observer, operations: operations,
                exec: ExecRoute(present: present, compute: compute),
                notifications: NotificationRoutes(notifier: notifier),
                jobs: JobRoutes(
                    present: present, jobs: jobs, compute: compute, commands: commands, events: events),
                shipping: ShippingRoutes(
                    operations: operations, rollouts: rollouts, book: book, desk: desk, present: present),
                records: Records(
                    journal: stores.journal, hub: hub, reader: LogReader(directory: stores.paths.logs)),
                stop: { requests.ask(.stop(reason: "aloft down")) }), admin)
        stopwatch.lap("control")
        for warning in certificates.warnings { events.publish(.warning, "certificate.warning", "edge", warning) }
        let facts = present.facts
        logger.debug("started", metadata: stopwatch.metadata)
        return Daemon(
            report: StartReport(
                app: running.plan.app, pid: Int(OwnProcess.pid), urls: facts.urls, admin: facts.admin,
                milliseconds: Int(stopwatch.total.milliseconds)),
            stores: stores, edge: edge, compute: compute, observer: observer, hub: hub, events: events,
            present: present,
            operations: operations, control: control, admin: admin, requests: requests, unreachable: unreachable,
            scaler: ScalerService(scaler: scaler, wanted: self.wanted), rollouts: rollouts,
            pruning: Pruning(
                present: present, rollouts: rollouts, book: book, folders: deployer.code.folders, compute: compute,
                turnstile: operations.turnstile,
                events: events),
            containers: ContainerReleases(operations: operations, changes: changes), jobs: JobService(jobs: jobs),
            notices: NoticeService(
                notifier: notifier, journal: stores.journal, hub: hub, start: told,
                environment: facts.running.plan.environment,
                channel: { job in present.facts.running.plan.jobs.first { $0.name == job }?.onFailure },
                logger: stores.log.logger("notifications")),
            logger: logger)
    }

    /// What ran goes on: the current releases first, then rollouts that were under way, then what the file changed.
    private func resume(_ compute: Compute, _ deployer: Deployer) async throws(DaemonError) {
        do {
            for target in try await deployer.book.targets(of: running.plan, events: events) {
                try await compute.start(target, desired: deployer.wanted.number(of: target.spec.name))
            }
            try await deployer.rollouts.restore()
        } catch {
            throw DaemonError(.state, "releases can't be read: \(error)")
        }
        await deployer.takeOver(running, reason: .up)
    }

    /// What an earlier daemon could not send goes out once this one runs.
    private func startNotifier() async throws(DaemonError) -> (Notifier, told: Int64) {
        let notifier = Notifier(
            configuration: NotifierConfiguration(
                machine: OwnProcess.hostName, project: running.plan.app, environment: running.plan.environment,
                extraRoots: options.hostEnvironment["SSL_CERT_FILE"]),
            store: JournalOutbox(journal: stores.journal), logger: stores.log.logger("notifications"))
        do {
            try await notifier.start()
            try await notifier.follow(running.plan, variables: options.hostEnvironment)
            return (notifier, try await NoticeService.start(in: stores.journal))
        } catch {
            throw DaemonError(.state, "notifications that wait can't be read: \(error)")
        }
    }

    /// Compute tells of each change itself, with the scaler's reason.
    private func makeScaler(_ compute: Compute, _ wanted: WantedReplicas, _ rollouts: Rollouts) -> Scaler {
        Scaler(
            ports: ScalingPorts(
                source: ScalingMeasures(
                    compute: compute, edge: edge, fetch: LocalFetch(), wanted: wanted, rollouts: rollouts),
                target: ScaledReplicas(compute: compute, wanted: wanted, rollouts: rollouts),
                store: JournalScalingStore(journal: stores.journal),
                event: { [events] event in
                    if event.kind != "service.scaled" { events.publish(event) }
                },
                logger: stores.log.logger("scaling")))
    }

    private func makeRollouts(
        _ compute: Compute, _ book: ReleaseBook, _ wanted: WantedReplicas, _ present: Present
    ) -> Rollouts {
        Rollouts(
            ports: RolloutPorts(
                sets: ComputeSets(compute: compute), traffic: EdgeTraffic(edge: edge, compute: compute),
                store: book.store, commands: ServiceCommands(compute: compute, stateDirectory: stores.paths.directory),
                checks: ReleaseChecks(present: present, compute: compute, edge: edge, fetch: LocalFetch()),
                spec: { release in
                    var spec = try book.rolledOut(release)
                    let file = present.facts.running.plan.services.first { $0.name == release.service }
                    if let file {
                        spec.scaling = file.scaling
                        (spec.isRouted, spec.dependsOn, spec.reload) = (file.isRouted, file.dependsOn, file.reload)
                    }
                    return spec
                },
                wanted: { wanted.number(of: $0) }, event: { [events] in events.publish($0) }),
            logger: stores.log.logger("rollout"))
    }

    /// Services follow with their releases.
    private func makeCompute() -> Compute {
        let spool = stores.spool
        return Compute(
            services: [ServiceTarget](),
            configuration: ComputeConfiguration(
                stateDirectory: stores.paths.directory, hostEnvironment: options.hostEnvironment),
            ports: ComputePorts(
                rotation: EdgeRotation(edge: edge), store: JournalReplicaStore(journal: stores.journal),
                output: SpoolSink(spool: spool, events: events, ended: options.ended),
                event: { [events] in events.publish($0) },
                lastLines: { spool.lastLines($0) }),
            logger: stores.log.logger("compute"))
    }

    private func bindControl(_ routes: ControlRoutes, _ admin: AdminServer) async throws(DaemonError) -> HTTPService {
        let path = stores.paths.controlSocket
        do {
            let descriptor = try PrivateSocket.bind(path: path)
            return try await HTTPService.bind(
                .descriptor(descriptor), responder: routes.router().buildResponder(), connectionLimit: 256,
                logger: logger)
        } catch let error as SystemError {
            await admin.discard()
            throw DaemonError(.state, "\(error)")
        } catch {
            await admin.discard()
            throw DaemonError(.state, "the control socket \(path) cannot be opened: \(listenFailure(error))")
        }
    }
}

/// What a daemon sets for its own process; a system that refuses goes on with less.
private enum OwnSettings {
    /// The daemon's own files, and a few replicas and connections.
    static let leastOpenFiles = 128

    static func apply() throws(DaemonError) {
        ProcessSettings.ignoreBrokenPipes()
        do {
            try Orphans.adopt()
        } catch {
            OwnProcess.write(Array("aloft: \(error); continuing without\n".utf8), to: 2)
        }
        let limit: UInt64
        do {
            limit = try OpenFiles.raise()
        } catch {
            OwnProcess.write(Array("aloft: \(error); continuing with the limit there is\n".utf8), to: 2)
            return
        }
        guard limit >= leastOpenFiles else {
            throw DaemonError(
                .resources, "this process may have \(limit) open files; Aloft needs at least \(leastOpenFiles)",
                hint: "raise the limit of open files: `ulimit -Hn` shows it, LimitNOFILE= of a system service sets it")
        }
    }
}

/// How long each step of the start took.
private final class Stopwatch {
    let startedAt = Timestamp.now
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var last: ContinuousClock.Instant
    private var laps: [(String, Duration)] = []

    init() {
        start = clock.now
        last = start
    }

    var total: Duration { clock.now - start }

    func lap(_ name: String) {
        let now = clock.now
        laps.append((name, now - last))
        last = now
    }

    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["ms": "\(total.milliseconds)"]
        for (name, duration) in laps { metadata[name] = "\(duration.nanoseconds / 1000) µs" }
        return metadata
    }
}
