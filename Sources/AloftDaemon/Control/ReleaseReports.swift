import AloftModel
import AloftRollout
import Foundation

extension ReleaseReport {
    /// - Parameter isWhole: With what its commands printed.
    init(_ release: Release, strategy: String? = nil, isWhole: Bool = false, notes: [String] = []) {
        self.init(
            service: release.service, number: release.number, status: release.status.rawValue,
            created: release.created, by: release.by, reason: "\(release.reason)", message: release.message,
            environment: release.environment, artifact: release.overrides.artifact.map { String($0.prefix(12)) },
            image: release.overrides.containerImage, folder: release.overrides.folder?.path,
            code: release.overrides.folder.map { String($0.digest.prefix(12)) },
            set: release.overrides.environment.keys.sorted(),
            strategy: strategy, verdicts: Self.verdicts(of: release),
            outputs: isWhole ? Self.outputs(of: release) : nil, notes: notes.isEmpty ? nil : notes)
    }

    private static func outputs(of release: Release) -> [Output] {
        release.gates.filter { !$0.output.isEmpty }.map { Output(name: name(of: $0), lines: $0.output) }
            + (release.output.map { [Output(name: "a replica that was not ready", lines: $0)] } ?? [])
    }

    private static func name(of gate: GateRecord) -> String {
        switch gate.stage {
        case .before: "gate \(gate.name)"
        case .migration: "migration"
        case .after: "check \(gate.name)"
        }
    }

    /// One line each: gates, migration, approvals, judgements, and why it is what it is.
    private static func verdicts(of release: Release) -> [String] {
        var lines = release.gates.map { gate in
            if gate.outcome == .notApplicable { return "\(name(of: gate)): not applicable: \(gate.detail)" }
            let note = gate.outcome == .failed && !gate.required ? ", advisory" : ""
            return "\(name(of: gate)): \(gate.outcome.rawValue) in \(gate.took.rounded.quantity)\(note): \(gate.detail)"
        }
        lines += release.approvals.map { "\($0.name): approved by \($0.user)" }
        lines += release.verdicts.map { "\($0.weight): \($0.verdict)" }
        if let reason = release.statusReason { lines.append(reason) }
        return lines
    }
}

extension Duration {
    /// To the millisecond below a second, to the second above.
    fileprivate var rounded: Duration {
        self < .seconds(1) ? .milliseconds(milliseconds) : .seconds(components.seconds)
    }
}

extension RolloutReport {
    /// Intervals that one report shows.
    static let mostIntervals = 60

    /// - Parameter verdicts: All judgements of the release so far, oldest first.
    init(_ progress: RolloutProgress, verdicts: [VerdictRecord], now: Timestamp) {
        self.init(
            service: progress.service, release: progress.release, stable: progress.stable,
            strategy: progress.strategy.rawValue, by: progress.by, started: progress.began,
            phase: Self.phase(progress), step: progress.step, steps: progress.steps, weight: Self.weight(progress),
            ready: progress.canaryReplicas.ready, desired: progress.canaryReplicas.desired,
            stableReady: progress.stableReplicas.ready, stableDesired: progress.stableReplicas.desired,
            message: Self.message(progress, now), isPaused: progress.isPaused,
            intervals: verdicts.suffix(Self.mostIntervals).map(Interval.init),
            verdict: progress.verdict.map { "\($0.verdict)" }, approvals: progress.openApprovals,
            outcome: Self.outcome(progress), lastLines: progress.lastLines.isEmpty ? nil : progress.lastLines)
    }

    /// A release of another environment that waits for approvals before it is taken.
    init(waiting service: String, _ pending: PromotionDesk.Pending, into target: String?) {
        self.init(
            service: service, release: pending.release, stable: nil, strategy: "promotion",
            by: pending.approvals.last?.user ?? "", started: pending.approvals.last?.time ?? .now, phase: "waiting",
            step: 0, steps: 0, weight: 0, ready: 0, desired: 0, stableReady: 0, stableDesired: 0,
            message: pending.wish(into: target, service: service),
            approvals: pending.missing)
    }

    private static func phase(_ progress: RolloutProgress) -> String {
        switch progress.phase {
        case .gates: "gates"
        case .migration: progress.migration == .none ? "starting" : "migrating"
        case .starting: "starting"
        case .shifting: progress.waitingFor?.hasPrefix("approval") == true ? "waiting" : "shifting"
        case .promoting: "promoting"
        case .checking: "checking"
        case .watching: "watching"
        case .keeping: "keeping"
        case .cleaning: "cleaningUp"
        case .restoring, .returning, .removing: "rollingBack"
        case .frozen: "frozen"
        case .done, .failed, .rolledBack: "done"
        }
    }

    /// Where all replicas are treated alike, by their number.
    private static func weight(_ progress: RolloutProgress) -> Double {
        if let weight = progress.weight { return Double(weight.basisPoints) / 100 }
        let all = progress.canaryReplicas.ready + progress.stableReplicas.ready
        if progress.phase == .done { return 100 }
        guard all > 0 else { return 0 }
        return (Double(progress.canaryReplicas.ready) / Double(all) * 1000).rounded() / 10
    }

    private static func message(_ progress: RolloutProgress, _ now: Timestamp) -> String {
        if progress.isEnd || progress.phase == .frozen || progress.cause != nil, let reason = progress.reason {
            return reason
        }
        if progress.phase == .keeping, !progress.isPaused, let stable = progress.stable, let next = progress.next {
            return
                "release \(stable) is kept until \(clock(next)); `aloft abort \(progress.service)` goes back to it at once"
        }
        var parts = [progress.stepName, progress.waitingFor.map { "waits for \($0)" }].compactMap { $0 }
        if let next = progress.next, next > now {
            let left = Duration.seconds((next - now).components.seconds + 1).quantity
            // A deadline is not a forecast.
            parts.append([.starting, .restoring].contains(progress.phase) ? "given up in \(left)" : "\(left) left")
        }
        if let trouble = progress.trouble { parts.insert(trouble, at: 0) }
        if let output = progress.output { parts.append(output) }
        return parts.joined(separator: ", ")
    }

    /// `14:03` on the machine's clock.
    private static func clock(_ time: Timestamp) -> String {
        let date = Date(timeIntervalSince1970: Double(time.nanoseconds) / 1e9)
        let local = time + .seconds(TimeZone.current.secondsFromGMT(for: date))
        return String(local.description.dropFirst(11).prefix(5))
    }

    private static func outcome(_ progress: RolloutProgress) -> Outcome? {
        switch progress.phase {
        case .done, .keeping: .succeeded
        case .frozen: .frozen
        case .failed, .rolledBack:
            switch progress.cause {
            case .aborted: .aborted
            case .superseded: .superseded
            case .failure, nil: progress.phase == .failed ? .failed : .rolledBack
            }
        default: nil
        }
    }
}

extension RolloutReport.Interval {
    init(_ record: VerdictRecord) {
        self.init(
            canaryRequests: record.canary.requests, canaryErrors: Self.errors(record.canary),
            canaryP95: record.canary.p95?.inSeconds, stableRequests: record.stable.requests,
            stableErrors: Self.errors(record.stable), stableP95: record.stable.p95?.inSeconds)
    }

    private static func errors(_ sample: IntervalSample) -> Double? {
        sample.requests == 0 ? nil : sample.errorRate
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(nanoseconds) / 1e9 }
}

extension ControlFailure {
    init(_ error: RolloutError) {
        let description = error.description
        switch error {
        case .held(let service, _, _, _, _):
            self.init(.busy, description, hint: "`aloft status` shows it; `aloft abort \(service)` takes it back")
        case .sameRelease(let service, _):
            self.init(
                .refused, "\(description) as what was asked for: nothing would change",
                hint:
                    "change the file or the code, or give --artifact or --set; `aloft restart \(service)` starts it anew"
            )
        case .noRollout, .noSuchRelease:
            self.init(.nothingThere, description)
        case .noSuchApproval(_, _, let open):
            self.init(open.isEmpty ? .nothingThere : .refused, description)
        case .notNow:
            self.init(.refused, description)
        case .irreversible(let service, _):
            self.init(.refused, description, hint: "`aloft abort \(service) --force` goes back all the same")
        case .store, .spec:
            self.init(.failed, description)
        }
    }

    init(_ error: ArtifactError) { self.init(.refused, error.description) }
}
