import AloftDaemon
import AloftSystem
import ArgumentParser

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stop the daemon: requests under way end, then every replica.",
        discussion: """
            Example: aloft down
                     aloft down --timeout 30s
            """)

    @Option(name: .long, help: ArgumentHelp("How long to wait for the end.", valueName: "5m"))
    var timeout: TimeLimit = .minutes(5)

    @Option(name: .long, help: .hidden)
    var within: TimeLimit?

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let status: StatusReport = try await client.get("status")
        let process = try ProcessIdentity(of: Int32(status.pid))
        let accepted: Accepted = try await client.post("stop")
        let clock = ContinuousClock()
        let limit = within ?? timeout
        let deadline = clock.now + limit.duration
        while process.isRunning {
            guard clock.now < deadline else {
                throw CommandFailure(
                    "the daemon has not ended within \(limit.text)",
                    hint: "`aloft status` shows what it waits for; a second `aloft down` ends it at once",
                    code: "timeout")
            }
            try await clock.sleep(for: .milliseconds(20))
        }
        let terminal = Terminal.standard
        if output.json { try terminal.say(json: accepted) } else { terminal.say("stopped\n") }
    }
}
