import AloftModel

/// What somebody wants to read about a release that does not get ready.
extension ReplicaSetStatus {
    /// Why replicas are not ready, one line for the first of them; nil where all are as they should be.
    package var failure: String? { troubled.first?.summary }

    /// For each replica that is not ready: its state, how the process before it ended, what its probes say, and the
    /// last lines it printed. At most `replicas` of them, 15 lines or so each.
    package func report(replicas: Int = 3) -> [String] {
        var lines = troubled.prefix(replicas).flatMap(\.report)
        let left = troubled.count - replicas
        if left > 0 { lines.append("and \(left) more that \(left == 1 ? "is" : "are") not ready") }
        return lines
    }

    private var troubled: [ReplicaStatus] {
        (replicas + waiting).filter(\.isTroubled).sorted {
            ($0.urgency, $0.id.index, $0.id.generation) < ($1.urgency, $1.id.index, $1.id.generation)
        }
    }
}

extension ReplicaStatus {
    /// True where what it printed last may tell why.
    var isTroubled: Bool {
        switch state {
        case .startup, .probing, .unready, .backingOff, .exited, .failed: true
        case .starting, .ready, .draining, .stopping, .done: false
        }
    }

    /// Those that have ended say more than those that may still get ready.
    fileprivate var urgency: Int {
        switch state {
        case .failed: 0
        case .backingOff, .exited: 1
        case .unready: 2
        case .startup, .probing, .starting, .ready, .draining, .stopping, .done: 3
        }
    }

    /// `web-3 ended: exit code 1`, `web-1 is not ready: HTTP 503: "warming up"`.
    fileprivate var summary: String {
        let why = lastExit?.summary ?? reason
        switch state {
        case .failed: return "\(id.name) cannot be started: \(why ?? "no reason is known")"
        case .done: return "\(id.name) is done: \(why ?? "exit code 0")"
        case .backingOff, .exited: return "\(id.name) ended: \(why ?? "no reason is known")"
        case .startup, .probing, .unready, .starting, .ready, .draining, .stopping:
            let now = reason.map { ": \($0)" } ?? ""
            let before = restarts > 0 ? lastExit.map { "; before that it ended: \($0.summary)" } ?? "" : ""
            return "\(id.name) is not ready\(now)\(before)"
        }
    }

    fileprivate var report: [String] {
        var lines = [summary]
        for probe in probes where probe.passed == false {
            let times = probe.streak == 1 ? "once" : "\(probe.streak) times in a row"
            lines.append("  \(probe.kind.rawValue) probe: \(probe.text) (\(times))")
        }
        if restarts > 0 { lines.append("  restarts: \(restarts)") }
        let printed = lastLines.isEmpty ? lastExit?.lastLines ?? [] : lastLines
        return lines + printed.suffix(10).map { "  | \($0)" }
    }
}
