import AloftDaemon

/// How the rollout of a release ended, and what the command that watched it makes of that.
struct RolloutEnd: Sendable, Hashable {
    var service: String
    var release: Int
    var stable: Int?
    var outcome: RolloutReport.Outcome
    /// Why, in one line.
    var reason: String?
    /// What a replica of it that was not ready printed last.
    var lines: [String] = []

    /// Nil where the report is not the end of release `wanted`: it is under way, or one before it makes way.
    init?(_ report: RolloutReport, wanted: Int) {
        service = report.service
        release = wanted
        stable = report.stable
        if report.release > wanted {
            outcome = .superseded
        } else if report.release == wanted, let outcome = report.outcome {
            self.outcome = outcome
            reason = report.message.isEmpty ? report.verdict : report.message
            lines = report.lastLines ?? []
        } else {
            return nil
        }
    }

    /// From the history, where no rollout is under way any more; nil while the release still has to become something.
    init?(_ release: ReleaseReport) {
        switch release.status {
        case "current": outcome = .succeeded
        case "superseded": outcome = .superseded
        case "failed": outcome = .failed
        case "rolledBack": outcome = .rolledBack
        default: return nil
        }
        service = release.service
        self.release = release.number
        reason = release.verdicts.last
    }

    var success: String { "\(service): release \(release) is current\n" }

    /// - Parameter typed: the options that name the daemon, for the commands that are proposed.
    func failure(typed: String) -> CommandFailure {
        let subject = "release \(release) of \(service)"
        let printed = lines.isEmpty ? "" : "; it printed:" + lines.map { "\n  | " + Palette.printable($0) }.joined()
        let why = (reason.map { ": \($0)" } ?? "") + printed
        let look = "`aloft history \(service) --release \(release)\(typed)` shows its verdicts"
        switch outcome {
        case .rolledBack:
            return CommandFailure(
                "\(subject) was rolled back\(why)",
                hint: "\(look), `aloft logs \(service)\(typed)` what it printed", code: outcome.rawValue)
        case .frozen:
            let back = stable.map { "goes back to release \($0)" } ?? "gives it up"
            return CommandFailure(
                "\(subject) is frozen\(why)",
                hint: "`aloft promote \(service)\(typed)` keeps it, `aloft abort \(service)\(typed)` \(back)",
                code: outcome.rawValue)
        case .aborted:
            // The reason says by whom: `aborted by anna`.
            let how = reason.map { $0.hasPrefix("aborted") ? $0 : "aborted: \($0)" } ?? "aborted"
            return CommandFailure("\(subject) was \(how)", hint: look, code: outcome.rawValue)
        case .superseded:
            return CommandFailure(
                "\(subject) made way for a newer one", hint: "`aloft history \(service)\(typed)` shows which",
                code: outcome.rawValue)
        case .failed, .succeeded:
            return CommandFailure(
                "\(subject) failed\(why)", hint: look + (stable.map { "; release \($0) serves on" } ?? ""),
                code: RolloutReport.Outcome.failed.rawValue)
        }
    }
}
