import AloftCompute
import AloftEdge
import AloftLogs
import AloftModel
import AloftNotifications
import AloftRollout
import AloftSystem
import Logging
import ServiceLifecycle

/// The composition root: builds every part, joins them, starts them in order and stops them in the reverse.
///
/// `start` takes the lock, opens the stores, binds every address, and gives all of it back where one step fails, so
/// that nothing is ever half started. `run` serves until somebody asks it to stop.
package struct Daemon: Sendable {
    /// Where it answers.
    package let report: StartReport

    let stores: Stores
    let edge: Edge
    let compute: Compute
    let observer: Observer
    let hub: EventHub
    let events: EventQueue
    let present: Present
    let operations: Operator
    let control: HTTPService
    let admin: AdminServer
    let requests: StopRequests
    let unreachable: AsyncStream<ReplicaID>
    let scaler: ScalerService
    let rollouts: Rollouts
    let pruning: Pruning
    let containers: ContainerReleases
    let jobs: JobService
    let notices: NoticeService
    let logger: Logger

    /// Serves until a signal, `POST /v1/stop`, or a part that fails; true where it ended as asked.
    ///
    /// Stops in this order: the edge (requests under way may end), the replicas, admin and control, the records.
    package func run() async -> Bool {
        let parts: [any Service] = [
            HubService(hub: hub, events: events), notices,
            Upkeep(logs: stores.logs, compute: compute, pruning: pruning, observer: observer), control, admin,
            ComputeService(compute: compute, unreachable: unreachable), EdgeStop(edge: edge, present: present),
            scaler, RolloutService(rollouts: rollouts), containers, jobs,
            StartWatch(compute: compute, present: present, events: events, startedAt: observer.startedAt),
        ]
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: parts.map { .init(service: $0) }, logger: logger))
        await announce()
        let isDone = await withTaskGroup(of: Bool.self) { tasks in
            tasks.addTask { await serve(group) }
            tasks.addTask {
                await requests.listenForSignals()
                return true
            }
            tasks.addTask {
                await handleRequests(group)
                return true
            }
            // The group of services is the only one of the three that ends by itself.
            let first = await tasks.next() ?? false
            tasks.cancelAll()
            return first
        }
        await edge.close()
        await stores.close()
        unlinkControlSocket()
        return isDone
    }

    /// "Ready" is said of the services, and only once they are.
    private func announce() async {
        let counts = StartWatch.unready(of: present.facts.running.plan, await compute.status())
        let how = counts.isEmpty ? "ready in \(report.milliseconds) ms" : "started in \(report.milliseconds) ms"
        let waiting = counts.isEmpty ? "" : "; " + counts.joined(separator: ", ") + " ready"
        events.publish(
            .notice, "daemon.started", "daemon",
            "\(report.app) at \(report.urls.joined(separator: " ")), \(how)\(waiting)")
    }

    private func serve(_ group: ServiceGroup) async -> Bool {
        do {
            try await group.run()
            return true
        } catch {
            logger.error("a part of the daemon failed", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func handleRequests(_ group: ServiceGroup) async {
        await requests.handle {
            do {
                _ = try await operations.reload()
            } catch {
                // The operator has published `reload.refused`; the whole report goes to the log.
                logger.warning("the file was not taken over", metadata: ["error": "\(error)"])
            }
        } stop: { reason in
            present.change { $0.state = .stopping }
            events.publish(.notice, "daemon.stopping", "daemon", "\(reason): requests under way may end")
            await group.triggerGracefulShutdown()
        } stopAtOnce: {
            await killEverything()
        }
    }

    /// The second request to stop: ends all replicas' process groups with SIGKILL, then this process.
    private func killEverything() async {
        for replica in await compute.status().flatMap(\.replicas) {
            if let pid = replica.pid { OwnProcess.killGroup(pid) }
        }
        events.publish(.warning, "daemon.killed", "daemon", "asked twice: ended at once")
        await stores.logs.flush()
        unlinkControlSocket()
        OwnProcess.exitAtOnce(1)
    }

    private func unlinkControlSocket() {
        do {
            try PrivateSocket.remove(path: stores.paths.controlSocket)
        } catch {
            logger.warning("the control socket stays", metadata: ["error": "\(error)"])
        }
    }
}

/// Passes events on for as long as anything else runs.
private struct HubService: Service {
    let hub: EventHub
    let events: EventQueue

    func run() async throws {
        await withGracefulShutdownHandler {
            await hub.run()
        } onGracefulShutdown: {
            events.publish(.notice, "daemon.stopped", "daemon", "stopped")
            events.finish()
        }
    }
}

private struct EdgeStop: Service {
    let edge: Edge
    let present: Present

    func run() async throws {
        try await gracefulShutdown()
        let longest = present.facts.running.plan.services.map(\.stop.drain).max() ?? .zero
        await edge.stop(drain: longest)
    }
}

/// Goes on with rollouts; a daemon that stops leaves them to the next one.
private struct RolloutService: Service {
    let rollouts: Rollouts

    func run() async throws {
        await cancelWhenGracefulShutdown { await rollouts.run() }
    }
}

private struct ComputeService: Service {
    let compute: Compute
    let unreachable: AsyncStream<ReplicaID>

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await compute.run() }
            tasks.addTask {
                for await replica in unreachable { await compute.reportUnreachable(replica) }
            }
            tasks.addTask {
                try await gracefulShutdown()
                await compute.stopAll()
            }
            // Whichever is over first ends the others: all replicas are gone, or supervision failed.
            try await tasks.next()
            tasks.cancelAll()
        }
    }
}
