import AloftModel
import AloftSystem
import Logging

/// Keeps the replicas of every service running: starts, probes, restarts, replaces, stops and adopts them.
///
/// Decides in `Logic/`, acts in `Runtime/`; this actor holds the facts. Between two facts nothing is awaited: an event
/// changes the facts, the machine and the planner say what follows, and runners carry it out.
///
/// Cancelling `run()` leaves the replicas as they are, so that the next daemon can adopt them; `stopAll()` ends them.
package actor Compute {
    /// What runs as a child task of `run()`.
    typealias Job = @Sendable () async -> Void

    let configuration: ComputeConfiguration
    let ports: ComputePorts
    let logger: Logger
    let driver: any Driver

    /// Values of `${env.NAME}` for sets and commands that are begun from now on.
    var host: [String: String]
    var services: [String: ServiceFacts] = [:]
    /// Names in the order of the file.
    var order: [String] = []
    var replicas: [ReplicaID: ReplicaFacts] = [:]
    /// Nil while `run()` does not run.
    var jobs: AsyncStream<Job>.Continuation?
    var isRunning = false
    /// What an earlier daemon left is known.
    var hasAdopted = false
    /// Nothing is started any more.
    var isStopping = false
    var waiters: [UInt64: Waiter] = [:]
    var lastWaiter: UInt64 = 0

    /// Replicas that were measured too seldom to say how many cores they use.
    var unmeasured: Set<ReplicaID> = []
    var isMeasuringSoon = false
    /// Commands that people run beside replicas.
    var commandsUnderWay = 0

    /// - Parameter services: The primary sets, at their least numbers; `start` and `scale` before `run()` say more.
    package init(
        services: [ServiceTarget], configuration: ComputeConfiguration, ports: ComputePorts, logger: Logger,
        driver: (any Driver)? = nil
    ) {
        self.configuration = configuration
        host = configuration.hostEnvironment
        self.ports = ports
        self.logger = logger
        self.driver = driver ?? Drivers(configuration, logger: logger)
        for target in services {
            let desired = target.spec.scaling.minReplicas
            let set = SetFacts(target, desired: desired, host: configuration.hostEnvironment)
            self.services[target.spec.name] = ServiceFacts(set)
            order.append(target.spec.name)
        }
    }

    /// Without releases: a change of a service replaces its replicas one at a time.
    package init(
        services: [ServiceSpec], configuration: ComputeConfiguration, ports: ComputePorts, logger: Logger,
        driver: (any Driver)? = nil
    ) {
        self.init(
            services: services.map { ServiceTarget(spec: $0, release: 0) }, configuration: configuration, ports: ports,
            logger: logger, driver: driver)
    }

    // MARK: running

    /// Adopts what the store says still runs, then supervises until the task is cancelled.
    ///
    /// Replicas that still run are in rotation again after their probes passed, asked at once. To be called once at a
    /// time; again after it returned, it adopts what the run before left.
    /// - Throws: `ComputeStartError` where the state directory cannot be used or the store cannot be read.
    package func run() async throws {
        // `stopAll` was first and takes care of what there is.
        if isStopping { return }
        try await supervise()
    }

    private func supervise() async throws {
        if isRunning { throw ComputeStartError.alreadyRunning }
        isRunning = true
        let (stream, continuation) = AsyncStream.makeStream(of: Job.self)
        do {
            let found = try await find()
            jobs = continuation
            adopt(found.records, found.leftovers)
            hasAdopted = true
            for name in order { advance(name) }
            // Where there are no services, whoever waits for the end of all is told here.
            resumeWaiters()
            await withDiscardingTaskGroup { group in
                for await job in stream { group.addTask(operation: job) }
                group.cancelAll()
            }
        } catch {
            letGo()
            throw error
        }
        letGo()
    }

    private func letGo() {
        jobs?.finish()
        jobs = nil
        isRunning = false
        replicas = [:]
        unmeasured = []
        isMeasuringSoon = false
        dismissWaiters()
    }

    // MARK: requests

    /// Makes these the services, each with its primary set. Unchanged ones are left alone; a removed service is stopped
    /// with all its sets.
    ///
    /// What can change without touching a process does. A replica whose command, directory, environment or resources
    /// changed is replaced, new ready before old stops; so is every replica where the release is another one for which
    /// no set was started. A release that has a set becomes the primary, as by `promote`.
    ///
    /// Returns once decided; `settled` waits for it to be done.
    package func apply(_ targets: [ServiceTarget]) async {
        let names = Set(targets.map(\.spec.name))
        for name in order where !names.contains(name) { remove(name) }
        for target in targets { put(target) }
        order = targets.map(\.spec.name) + order.filter { !names.contains($0) && services[$0] != nil }
        for name in order { advance(name) }
    }

    /// Sets and commands that are begun from now on find these values of `${env.NAME}`; what runs keeps its own.
    package func use(host: [String: String]) { self.host = host }

    /// The same, each service at the release that it runs.
    package func apply(_ specs: [ServiceSpec]) async {
        await apply(specs.map { ServiceTarget(spec: $0, release: services[$0.name]?.primary.release ?? 0) })
    }

    /// Replaces every replica of the service, in all its sets, one at a time, never below `minAvailable`. A daemon that
    /// is killed meanwhile leaves the rest to the next one.
    package func restart(_ service: String) async throws(ComputeError) {
        try change(service) { $0.startAnew() }
        for id in replicas.keys where id.service == service { rewriteRecord(of: id) }
        note(.notice, "service.restarting", service, "every replica is replaced, one at a time")
        advance(service)
    }

    /// Sets the number of replicas of the primary set, within the file's bounds.
    ///
    /// - Parameter reason: Why, for the event: `p95 612 ms over 500 ms for 2m`.
    package func scale(_ service: String, to count: Int, reason: String? = nil) async throws(ComputeError) {
        guard let set = services[service]?.primary else { throw unknown(service) }
        let reach = set.spec.scaling.reach
        guard reach.contains(count) else {
            throw .outOfBounds(
                service: service, asked: count, minReplicas: reach.lowerBound, maxReplicas: reach.upperBound)
        }
        try check(service)
        let before = set.wanted.count
        resize(service, set.release, count)
        if before != count {
            note(
                .notice, "service.scaled", service,
                "\(before) → \(count) replicas" + (reason.map { ": \($0)" } ?? ""))
        }
        advance(service)
    }

    /// Stops every replica of every service and returns once nothing of them is left.
    ///
    /// Takes no longer than the largest `drain` + `grace` of the services, and a few seconds; along a chain of
    /// `dependsOn`, their sum. Where `run()` does not
    /// run, what an earlier daemon left is adopted and stopped.
    package func stopAll() async {
        isStopping = true
        guard isRunning else { return await stopLeftBehind() }
        for name in order { advance(name) }
        // Without jobs it is still finding out what there is.
        _ = await wait(within: nil) { $0.jobs != nil && $0.replicas.isEmpty }
        await driver.close()
    }

    private func stopLeftBehind() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await self.supervise()
                } catch {
                    self.logger.error("replicas cannot be stopped", metadata: ["error": "\(error)"])
                }
                await self.dismissWaiters()
            }
            _ = await wait(within: nil) { $0.jobs != nil && $0.replicas.isEmpty }
            group.cancelAll()
        }
        await driver.close()
    }

    /// The edge could not connect to the replica: looks at once whether it still accepts connections.
    ///
    /// Its end is noticed without this; this is for one that lives and does not listen.
    package func reportUnreachable(_ replica: ReplicaID) async {
        guard var state = replicas[replica], state.machine.inRotation, !state.isBeingChecked else { return }
        state.isBeingChecked = true
        replicas[replica] = state
        state.steps.yield(.checkReachable)
    }

    /// Waits until every service (or the one named) has its desired replicas ready, or finished for good, in the present
    /// configuration; no replicas where none are desired.
    ///
    /// - Returns: False where that took longer than `within`, or supervision ended meanwhile.
    package func settled(_ service: String? = nil, within: Duration) async -> Bool {
        await wait(within: within) { compute in
            compute.order.allSatisfy { service != nil && service != $0 || compute.decide($0).isSettled }
        }
    }

    private func change(_ service: String, _ body: (inout ServiceFacts) -> Void) throws(ComputeError) {
        try check(service)
        guard var state = services[service] else { throw unknown(service) }
        body(&state)
        services[service] = state
    }

    /// Throws where the service cannot be changed.
    func check(_ service: String) throws(ComputeError) {
        if isStopping { throw .stopping }
        guard services[service]?.isRemoved == false else { throw unknown(service) }
    }

    func unknown(_ service: String) -> ComputeError {
        .unknownService(service, known: order.filter { services[$0]?.isRemoved == false })
    }
}
