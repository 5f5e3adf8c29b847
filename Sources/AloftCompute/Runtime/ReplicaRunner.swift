import AloftModel
import AloftSystem
import Logging

/// Carries out what was decided about one process, in order; the only place that waits for it.
///
/// Cancelled, it lets go of the process and leaves it as it is.
struct ReplicaRunner: Sendable {
    enum Step: Sendable {
        case act(ReplicaMachine.Action, probeRound: Int)
        /// The edge could not connect: is that so?
        case checkReachable
        /// Something a next daemon has to know has changed.
        case rewrite(AdoptionRecord)
    }

    enum Beginning: Sendable {
        case launch(LaunchOrder)
        case adopt(AdoptionRecord)
    }

    /// What the runner reports besides the machine's own events.
    struct Findings: Sendable {
        var replica: (any RunningReplica)?
        var cause: LastExit.Cause?
        var lastLines: [String] = []
        /// Requests that were cut off by the end of the drain time.
        var undrained = 0
    }

    let id: ReplicaID
    let release: Int
    let beginning: Beginning
    let steps: AsyncStream<Step>
    let driver: any Driver
    let ports: ComputePorts
    let clock: any TimeSource
    let prober: Prober
    let logger: Logger
    /// The supervisor; outlives every runner.
    let compute: Compute

    func run() async {
        guard let replica = await begin() else { return await failed() }
        await withDiscardingTaskGroup { group in
            group.addTask { await awaitEnd(replica) }
            for await step in steps {
                if await perform(step, on: replica, in: &group) { break }
            }
            group.cancelAll()
        }
    }

    // MARK: beginning

    private func begin() async -> (any RunningReplica)? {
        switch beginning {
        case .adopt(let record):
            let replica = await driver.adopt(record)
            await attach(record)
            if replica.hasEnded {
                // A container's engine still knows how it ended.
                let cause = await replica.ended() ?? .unknown
                await compute.report(.exited, from: id, Findings(replica: replica, cause: cause))
            } else {
                await compute.report(.adopted, from: id, Findings(replica: replica))
            }
            return replica
        case .launch(let order):
            do throws(LaunchFailure) {
                let replica = try await driver.launch(order)
                var record = replica.record
                record.release = release
                await save(record)
                await attach(replica.record)
                await compute.report(.launched, from: id, Findings(replica: replica))
                return replica
            } catch {
                await compute.report(.launchFailed, from: id, Findings(cause: .notStarted(error.description)))
                return nil
            }
        }
    }

    private func attach(_ record: AdoptionRecord) async {
        await ports.output.attached(record.id, stdoutPath: record.stdoutPath, stderrPath: record.stderrPath)
    }

    /// A replica that could not be written down runs all the same; only a next daemon would not know it and end it.
    private func save(_ record: AdoptionRecord) async {
        do {
            // Not given up when supervision ends at this moment: the process runs.
            try await Task { try await ports.store.save(record) }.value
        } catch {
            await compute.warn(id.name, "replica.unrecorded", "cannot be written to the journal: \(error)")
        }
    }

    /// The driver left nothing behind, so there is nothing to sweep.
    private func failed() async {
        await compute.report(.swept, from: id, Findings())
    }

    private func awaitEnd(_ replica: any RunningReplica) async {
        guard let cause = await replica.ended() else { return }
        await compute.report(.exited, from: id, Findings(cause: cause))
    }

    // MARK: steps

    /// - Returns: True for the last one.
    private func perform(
        _ step: Step, on replica: any RunningReplica, in group: inout DiscardingTaskGroup
    ) async -> Bool {
        switch step {
        case .act(let action, let round): return await perform(action, round, on: replica, in: &group)
        case .checkReachable: group.addTask { await checkReachable(replica) }
        case .rewrite(let record): await save(record)
        }
        return false
    }

    private func perform(
        _ action: ReplicaMachine.Action, _ round: Int, on replica: any RunningReplica,
        in group: inout DiscardingTaskGroup
    ) async -> Bool {
        switch action {
        case .admit:
            let address = replica.record.address
            if address != .nowhere {
                await ports.rotation.admit(Endpoint(replica: id, address: address, release: release))
            }
            await compute.report(.admitted, from: id, Findings())
        case .eject: await ports.rotation.eject(id)
        case .probe(let kind): group.addTask { await keepAsking(kind, round, replica) }
        case .settle(let time): group.addTask { await after(time, .settled) }
        case .drain(let limit): group.addTask { await drain(limit) }
        case .signal(let number): await signal(number, replica)
        case .waitGrace(let time): group.addTask { await after(time, .graceOver) }
        case .sweep: await sweep(replica)
        case .forget: return true
        }
        return false
    }

    private func keepAsking(_ kind: ProbeKind, _ round: Int, _ replica: any RunningReplica) async {
        var next = await compute.firstProbe(kind, round, of: id)
        while let probe = next {
            guard await slept(probe.delay) else { return }
            let answer = await prober.ask(probe.spec, of: replica, service: probe.service)
            if Task.isCancelled { return }
            next = await compute.probed(kind, round, answer, of: id)
        }
    }

    private func checkReachable(_ replica: any RunningReplica) async {
        guard replica.record.address.local != nil else { return }
        let answer = await prober.accepts(replica, within: .seconds(1))
        if Task.isCancelled { return }
        await compute.checkedReachable(answer, of: id)
    }

    private func drain(_ limit: Duration) async {
        let left = await ports.rotation.drained(id, within: limit)
        if Task.isCancelled { return }
        await compute.report(.drained, from: id, Findings(undrained: left))
    }

    private func after(_ time: Duration, _ event: ReplicaMachine.Event) async {
        if await slept(time) { await compute.report(event, from: id, Findings()) }
    }

    private func signal(_ number: Int32, _ replica: any RunningReplica) async {
        do {
            try replica.signal(number)
        } catch {
            await compute.warn(id.name, "replica.unsignaled", "\(error)")
        }
    }

    /// First everything that could still write is killed, then what was written is read, then the files go.
    private func sweep(_ replica: any RunningReplica) async {
        var problems = await replica.killRemains()
        if Task.isCancelled { return }
        await ports.output.detached(id)
        let lines = await ports.lastLines(id)
        problems += await replica.removeFiles()
        do {
            try await ports.store.remove(id)
        } catch {
            problems.append("cannot be removed from the journal: \(error)")
        }
        for problem in problems { await compute.warn(id.name, "replica.remains", problem) }
        await compute.report(.swept, from: id, Findings(lastLines: lines))
    }

    private func slept(_ time: Duration) async -> Bool {
        do {
            try await clock.sleep(for: time)
            return true
        } catch {
            return false
        }
    }
}
