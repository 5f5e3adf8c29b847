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

    var services: [String: ServiceFacts] = [:]
    /// Names in the order of the file.
    var order: [String] = []
    var replicas: [ReplicaID: ReplicaFacts] = [:]
    /// Nil while `run()` does not run.
    var jobs: AsyncStream<Job>.Continuation?
    var isRunning = false
    /// Nothing is started any more.
    var isStopping = false
    var waiters: [UInt64: Waiter] = [:]
    var lastWaiter: UInt64 = 0

    package init(
        services: [ServiceSpec], configuration: ComputeConfiguration, ports: ComputePorts, logger: Logger,
        driver: (any Driver)? = nil
    ) {
        self.configuration = configuration
        self.ports = ports
        self.logger = logger
        self.driver = driver ?? ProcessDriver(configuration, logger: logger)
        for spec in services {
            self.services[spec.name] = ServiceFacts(spec, host: configuration.hostEnvironment)
            order.append(spec.name)
        }
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
            for name in order { advance(name) }
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
        dismissWaiters()
    }

    // MARK: requests

    /// Makes these the services. Unchanged ones are left alone; a replica whose command, directory, environment or
    /// resources changed is replaced, new ready before old stops; a removed service is stopped.
    ///
    /// Returns once decided; `settled` waits for it to be done.
    package func apply(_ specs: [ServiceSpec]) async {
        let names = Set(specs.map(\.name))
        for name in order where !names.contains(name) { remove(name) }
        for spec in specs { put(spec) }
        order = specs.map(\.name) + order.filter { !names.contains($0) && services[$0] != nil }
        for name in order { advance(name) }
    }

    /// Replaces every replica of the service, one at a time, never below `minAvailable`.
    package func restart(_ service: String) async throws(ComputeError) {
        try change(service) { $0.startAnew() }
        note(.notice, "service.restarting", service, "every replica is replaced, one at a time")
        advance(service)
    }

    /// Sets the number of replicas, within the file's bounds.
    package func scale(_ service: String, to count: Int) async throws(ComputeError) {
        guard let scaling = services[service]?.spec.scaling else { throw unknown(service) }
        guard (scaling.minReplicas...scaling.maxReplicas).contains(count) else {
            throw .outOfBounds(
                service: service, asked: count, minReplicas: scaling.minReplicas, maxReplicas: scaling.maxReplicas)
        }
        let before = services[service]?.desired ?? 0
        try change(service) { $0.desired = count }
        if before != count { note(.notice, "service.scaled", service, "\(before) → \(count) replicas") }
        advance(service)
    }

    /// Stops every replica of every service and returns once nothing of them is left.
    ///
    /// Takes no longer than the largest `drain` + `grace` of the services, and a few seconds. Where `run()` does not
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
    /// configuration.
    ///
    /// - Returns: False where that took longer than `within`, or supervision ended meanwhile.
    package func settled(_ service: String? = nil, within: Duration) async -> Bool {
        await wait(within: within) { compute in
            compute.order.allSatisfy { service != nil && service != $0 || compute.decide($0).isSettled }
        }
    }

    private func change(_ service: String, _ body: (inout ServiceFacts) -> Void) throws(ComputeError) {
        if isStopping { throw .stopping }
        guard var state = services[service], !state.isRemoved else { throw unknown(service) }
        body(&state)
        services[service] = state
    }

    private func unknown(_ service: String) -> ComputeError {
        .unknownService(service, known: order.filter { services[$0]?.isRemoved == false })
    }
}
