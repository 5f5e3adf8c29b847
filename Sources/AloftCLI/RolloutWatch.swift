import AloftDaemon
import AloftModel
import Foundation

/// Follows the rollout of one release to its end. Watching it changes nothing: it goes on in the daemon without it.
struct RolloutWatch: Sendable {
    /// A daemon that is started anew goes on with its rollouts: so often it may be away, a second each.
    static let absenceLimit = 60
    /// Failed tries before the wait is reported: a restart of the daemon takes about as long.
    private static let patience = 3
    /// Failures of one that is killed, starts, or is killed while it answers.
    static let passing = ["connectionLost", "notRunning", "noAnswer"]

    let client: ControlClient
    let service: String
    let release: Int
    let limit: TimeLimit
    let json: Bool
    /// The options that name the daemon, for the commands that are proposed.
    let typed: String

    private enum Stop: Sendable {
        case ended(RolloutEnd)
        case timeout
        case interrupted
    }

    /// Returns once it ended with one of `good`; any other end, too long a time and Ctrl-C are failures.
    func run(good: Set<RolloutReport.Outcome> = [.succeeded]) async throws {
        let terminal = Terminal.standard
        let mode = RolloutPrinter.mode(json: json, terminalWidth: terminal.width, isDumb: terminal.isDumb)
        let text = RolloutText(palette: terminal.palette, typed: typed)
        let screen = RolloutScreen(
            RolloutPrinter(mode: mode, text: text, wanted: release, began: .now), terminal: terminal)
        let stop: Stop
        do {
            stop = try await race(screen)
        } catch {
            screen.finish()
            throw error
        }
        screen.finish()
        switch stop {
        case .ended(let end):
            guard good.contains(end.outcome) else { throw end.failure(typed: typed) }
            if !json {
                terminal.say(end.outcome == .succeeded ? end.success : "\(end.failure(typed: typed).message)\n")
            }
        case .timeout:
            throw CommandFailure(
                "release \(release) of \(service) is not done after \(limit.text); its rollout goes on",
                hint: "`aloft status\(typed)` shows it, `aloft abort \(service)\(typed)` ends it", code: "timeout")
        case .interrupted:
            terminal.complain(
                "\nstopped watching; the rollout of release \(release) goes on: `aloft status\(typed)` shows it, "
                    + "`aloft abort \(service)\(typed)` ends it\n")
            throw CommandFailure.ExitCode.failed.error
        }
    }

    private func race(_ screen: RolloutScreen) async throws -> Stop {
        try await withThrowingTaskGroup(of: Stop?.self) { group in
            defer { group.cancelAll() }
            group.addTask { .ended(try await follow(screen)) }
            group.addTask {
                for await _ in Interrupts.first() { return .interrupted }
                return nil
            }
            group.addTask {
                try await Task.sleep(for: limit.duration)
                return .timeout
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: RolloutPrinter.pace)
                    screen.draw()
                }
            }
            while let stop = try await group.next() {
                if let stop { return stop }
            }
            return .interrupted
        }
    }

    /// Asks again where the answer ends before the rollout does: a second later where the daemon is started anew, in a
    /// moment where the release before this one has ended.
    private func follow(_ screen: RolloutScreen) async throws -> RolloutEnd {
        let path = "services/\(service.pathSegment)/rollout".query([("follow", "true")])
        var absences = 0
        while true {
            var end: RolloutEnd?
            var pause = Duration.seconds(1)
            do {
                try await client.lines(path) { line in
                    let report = try JSONDecoder().decode(RolloutReport.self, from: Data(line))
                    absences = 0
                    screen.show(report)
                    end = RolloutEnd(report, wanted: release)
                    return end == nil
                }
                if end == nil { end = try await recorded() }
                pause = .milliseconds(100)
            } catch let failure as CommandFailure where failure.code == ControlFailure.Code.nothingThere.rawValue {
                end = try await recorded()
            } catch let failure as CommandFailure where Self.passing.contains(failure.code) {
                absences += 1
                if absences == Self.patience {
                    Terminal.standard.complain(
                        "the daemon does not answer: \(failure.message); waiting for it, about \(Self.absenceLimit) s at most\n"
                    )
                }
                guard absences <= Self.absenceLimit else { throw failure }
            }
            if let end { return end }
            try await Task.sleep(for: pause)
        }
    }

    private func recorded() async throws(CommandFailure) -> RolloutEnd? {
        let releases: [ReleaseReport] = try await client.get("releases".query([("service", service)]))
        return releases.first { $0.number == release }.flatMap { RolloutEnd($0) }
    }
}
