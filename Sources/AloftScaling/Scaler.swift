import AloftModel
import Logging

/// Keeps the number of replicas of every service that scales where metrics, schedules, idleness and people want it.
///
/// `init` starts nothing. `apply` says which services there are, `run` looks at them until it is cancelled, each once a
/// period (`ScalingPeriod`). Decisions are `Planner`'s; this actor measures, remembers and tells.
package actor Scaler {
    let ports: ScalingPorts
    var watched: [String: Watched] = [:]

    package init(ports: ScalingPorts) { self.ports = ports }

    /// From now on these services are watched; those that are new are looked at within a second, with the history that
    /// was saved. Bounds that changed act then, without waiting for windows.
    package func apply(_ services: [ServiceSpec]) async {
        let wanted = services.filter { $0.scaling.isScalable }
        let names = Set(wanted.map(\.name))
        watched = watched.filter { names.contains($0.key) }
        for service in wanted {
            if var known = watched[service.name] {
                let now = ports.clock.now
                if known.service.scaling.metrics != service.scaling.metrics {
                    known.state.forgetRecommendations(now: now.monotonic)
                }
                known.service = service
                known.due = now.monotonic
                watched[service.name] = known
            } else {
                let loaded = await load(service)
                watched[service.name] = loaded
            }
        }
    }

    /// Looks at every service when it is due, until the task is cancelled; then saves what it knows.
    package func run() async {
        do {
            while true {
                let now = ports.clock.now.monotonic
                let due = watched.filter { $0.value.due <= now }.keys.sorted()
                await withTaskGroup(of: Void.self) { group in
                    for name in due { group.addTask { await self.look(at: name) } }
                }
                let next = watched.values.map(\.due).min() ?? now + .seconds(1)
                // At most a second, so that a service that is new is not waited for.
                let second = ports.clock.now.monotonic + .seconds(1)
                try await ports.clock.sleep(until: min(next, second))
            }
        } catch {
            for name in watched.keys.sorted() { await save(name, at: ports.clock.now) }
        }
    }

    /// Measures, decides and acts, once. A second call for a service while one is under way does nothing.
    package func look(at name: String) async {
        guard let entry = watched[name], !entry.isBusy else { return }
        watched[name]?.isBusy = true
        watched[name]?.due = ports.clock.now.monotonic + ScalingPeriod.of(entry.service.scaling)
        let sample = await ports.source.sample(entry.service)
        let now = ports.clock.now
        guard var current = watched[name] else { return }
        current.isBusy = false
        let planner = planner(current.service, at: now)
        let decision = planner.plan(sample, &current.state)
        current.note(decision, sample, bounds: planner.bounds, at: now)
        let events = current.events(of: decision, at: now.wall)
        watched[name] = current
        for event in events { ports.event(event) }
        if decision.desired != sample.desired { await act(name, decision) }
        if decision.changes || current.isSaveDue(at: now) { await save(name, at: now) }
    }

    /// The edge holds a request of this service. Without replicas the first is asked for at once, before any sample.
    package func wanted(_ name: String) async {
        guard var entry = watched[name] else { return }
        let now = ports.clock.now
        let planner = planner(entry.service, at: now)
        guard let decision = planner.wake(&entry.state) else {
            watched[name] = entry
            return
        }
        entry.decision = decision
        entry.bounds = planner.bounds
        let events = entry.events(of: decision, at: now.wall)
        watched[name] = entry
        for event in events { ports.event(event) }
        guard decision.changes else { return }
        await act(name, decision)
        await save(name, at: now)
    }

    /// `aloft scale`. With metrics the number holds until they ask for another one for a whole window; without, until an
    /// entry of the schedule begins, or for good.
    package func scale(_ name: String, to replicas: Int) async throws(ScalingError) {
        guard var entry = watched[name] else { throw .unknownService(name) }
        let now = ports.clock.now
        let bounds = planner(entry.service, at: now).bounds
        guard bounds.clamp(replicas) == replicas else {
            throw .outOfBounds(replicas, minimum: bounds.lower, maximum: bounds.upper)
        }
        entry.state.set(replicas, now: now)
        watched[name] = entry
        await look(at: name)
    }

    /// Nil for a service that does not scale, or was not looked at yet.
    package func status(_ name: String) -> ScalingStatus? { watched[name]?.status(at: ports.clock.now) }

    private func planner(_ service: ServiceSpec, at now: Moment) -> Planner {
        Planner(
            service, bounds: BoundsInForce(service.scaling, at: now.wall, offset: ports.offset), now: now,
            offset: ports.offset(nil, now.wall))
    }

    /// What fails is tried again at the next look: the sample then still says another number.
    private func act(_ name: String, _ decision: ScalingDecision) async {
        do {
            try await ports.target.apply(name, desired: decision.desired, reason: decision.reason)
        } catch {
            ports.logger.warning(
                "the number of replicas could not be changed", metadata: ["service": "\(name)", "error": "\(error)"])
        }
    }
}

extension ScalingSpec {
    /// Whether anything, or anybody, may change the number.
    package var isScalable: Bool { moves || minReplicas < maxReplicas }
}
