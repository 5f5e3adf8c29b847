import AloftDaemon
import AloftSystem
import ArgumentParser

/// What the commands share that say something to a rollout under way.
struct RolloutSteering: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Why, for the history.", valueName: "TEXT"))
    var message: String?

    @OptionGroup var wait: WaitChoice
    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    /// Says `order`, then shows where the rollout is, or with `--wait` how it goes on.
    ///
    /// - Parameter good: the ends that make the command a success.
    func send(
        _ order: RolloutOrder.Name, to service: String?, approval: String? = nil,
        force: Bool = false, good: Set<RolloutReport.Outcome> = [.succeeded]
    ) async throws {
        let client = ControlClient(paths: try daemon.paths())
        let usage = "aloft \(order.rawValue) SERVICE"
        let name = try await ServiceChoice.name(service, usage: usage, client)
        let report: RolloutReport = try await client.post(
            "services/\(name.pathSegment)/rollout/\(order.rawValue)",
            json: RolloutOrder(user: UserName.current, approval: approval, force: force ? true : nil, message: message))
        let terminal = Terminal.standard
        if wait.wait {
            return try await RolloutWatch(
                client: client, service: name, release: report.release, limit: wait.limit, json: output.json,
                typed: daemon.typed
            ).run(good: good)
        }
        if output.json { return try terminal.say(json: report) }
        let text = RolloutText(palette: terminal.palette, typed: daemon.typed)
        terminal.say("\(terminal.palette(.bold, name)): \(text.brief(report))\n")
        if let next = text.next(report) { terminal.say("  next: \(terminal.palette(.cyan, next))\n") }
    }
}
