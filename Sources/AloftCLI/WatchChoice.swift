import AloftDaemon
import ArgumentParser

/// `--no-wait` and `--timeout`, of commands that start a rollout.
struct WatchChoice: ParsableArguments {
    @Flag(name: .long, help: "Do not watch; the rollout goes on in the daemon.")
    var noWait = false

    @Option(name: .long, help: ArgumentHelp("How long to watch at most.", valueName: "30m"))
    var timeout: TimeLimit = .minutes(30)

    /// Shows the rollout of a release that was just made, to its end.
    func finish(
        _ release: ReleaseReport, _ client: ControlClient, typed: String, json: Bool
    ) async throws {
        let terminal = Terminal.standard
        if noWait {
            if json { return try terminal.say(json: release) }
            terminal.say(
                "\(release.service): release \(release.number) is on its way; `aloft status\(typed)` shows it\n")
            return
        }
        if !json { terminal.say(ReleaseText(palette: terminal.palette).created(release)) }
        try await RolloutWatch(
            client: client, service: release.service, release: release.number, limit: timeout, json: json,
            typed: typed
        ).run()
    }
}

/// `--wait` and `--timeout`, of commands that change something that is under way.
struct WaitChoice: ParsableArguments {
    static let standard = TimeLimit.minutes(30)

    @Flag(name: .long, help: "Return only once it is over; exit 1 where it did not end well.")
    var wait = false

    @Option(name: .long, help: ArgumentHelp("With --wait: how long at most; default 30m.", valueName: "30m"))
    var timeout: TimeLimit?

    var limit: TimeLimit { timeout ?? Self.standard }

    func validate() throws {
        if timeout != nil, !wait { throw ValidationError("--timeout is only for --wait") }
    }
}
