import AloftModel
import AloftSystem

/// `reload`: replicas read their own configuration again and go on.
extension Compute {
    /// Sends the signal of `reload` to the first process of each replica that runs, and not to what it started: those
    /// are its own to tell.
    ///
    /// - Returns: Names of the replicas that were sent it.
    /// - Throws: `noReload` where the file has no `reload`; `unhandledSignal`, before anything is sent, where a replica
    ///   would end by it.
    package func reload(_ service: String) async throws(ComputeError) -> [String] {
        try check(service)
        guard let signal = services[service]?.primary.spec.reload else { throw .noReload(service) }
        let running = replicas.values
            .filter { $0.id.service == service && !$0.machine.isEnding && $0.running?.hasEnded == false }
            .sorted { ($0.id.index, $0.id.generation) < ($1.id.index, $1.id.generation) }
        guard !running.isEmpty else { throw .noReplica(service: service, index: nil, release: nil) }
        let name = signalName(signal.number)
        let deaf = running.filter { state in
            guard let pid = state.running?.record.process.pid else { return false }
            return SignalHandling.of(pid)?.wouldEnd(by: signal.number) ?? false
        }
        if let first = deaf.first { throw .unhandledSignal(replica: first.id.name, signal: name) }
        var told: [String] = []
        for state in running {
            do {
                try state.running?.signalLeader(signal.number)
                told.append(state.id.name)
            } catch {
                warn(state.id.name, "replica.unsignaled", "\(error)")
            }
        }
        note(.notice, "service.reloaded", service, "\(name) to \(told.joined(separator: ", "))")
        return told
    }
}
