import AloftDaemon
import AloftModel

/// Whether the services that a daemon has just begun to run are ready, from one status.
enum Readiness: Sendable, Hashable {
    case ready
    /// Not yet, and what is waited for.
    case waiting(String)
    /// It will not become ready as things are.
    case failed(String)

    static let pace = Duration.milliseconds(100)

    init(_ status: StatusReport) {
        guard status.state == .running else {
            self = status.state == .starting ? .waiting("the daemon starts") : .failed("the daemon is stopping")
            return
        }
        var waiting: String?
        for service in status.services where service.ready + service.done < service.desired {
            if let why = Self.failure(of: service, since: status.startedAt) {
                self = .failed(why)
                return
            }
            waiting = waiting ?? Self.state(of: service)
        }
        self = waiting.map { .waiting($0) } ?? .ready
    }

    /// Waits until they are ready.
    ///
    /// - Throws: `CommandFailure` where one cannot become ready, or did not within `limit`; the daemon goes on.
    static func wait(
        _ client: ControlClient, limit: TimeLimit, typed: String
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + limit.duration
        while true {
            let status: StatusReport = try await client.get("status")
            switch Readiness(status) {
            case .ready: return
            case .failed(let why): throw failure(why, typed)
            case .waiting(let why):
                guard clock.now < deadline else { throw failure("not ready after \(limit.text): \(why)", typed) }
            }
            try await clock.sleep(for: pace)
        }
    }

    private static func failure(_ why: String, _ typed: String) -> CommandFailure {
        CommandFailure(
            why,
            hint: "the daemon runs and goes on trying: see `aloft status\(typed)`, `aloft logs\(typed)`; "
                + "`aloft down\(typed)` ends it",
            code: "notReady")
    }

    /// Why it is of no use to wait for it; nil where it is.
    ///
    /// A rollout that ended under an earlier daemon, and left a release that runs, says nothing of this start.
    private static func failure(of service: ServiceReport, since start: Timestamp) -> String? {
        if let rollout = service.rollout, let outcome = rollout.outcome, outcome != .succeeded,
            rollout.stable == nil || rollout.started >= start
        {
            return
                "\(service.name): release \(rollout.release) is \(outcome == .rolledBack ? "rolled back" : outcome.rawValue): "
                + Palette.printable(rollout.message)
        }
        let broken = service.replicas.first { replica in
            !replica.inRotation
                && (replica.state == "failed" || replica.isCrashLooping == true)
        }
        return broken.map { detail(of: $0) }
    }

    private static func state(of service: ServiceReport) -> String {
        var count = "\(service.name) has \(service.ready) of \(service.desired) replicas ready"
        if let waited = service.waitsFor { count += "; " + StatusText.pending(waited) }
        guard let replica = service.replicas.first(where: { !$0.inRotation && $0.state != "done" }) else {
            return count
        }
        return count + "; " + detail(of: replica)
    }

    /// `web-1 is backingOff: ended before it was ready; exit code 3; it printed: …`.
    private static func detail(of replica: ReplicaReport) -> String {
        var parts = ["\(replica.name) is \(replica.state)" + (replica.reason.map { ": \($0)" } ?? "")]
        if let exit = replica.lastExit, replica.reason?.contains(exit) != true {
            parts.append("its process ended with \(exit)")
        }
        if let probe = replica.probes.first(where: { $0.passed == false }),
            replica.reason?.contains(probe.answer) != true
        {
            parts.append("\(probe.kind) probe: \(probe.answer)")
        }
        if !replica.lastLines.isEmpty { parts.append("it printed:") }
        let lines = replica.lastLines.map { "\n  | " + Palette.printable($0) }
        return Palette.printable(parts.joined(separator: "; ")) + lines.joined()
    }
}
