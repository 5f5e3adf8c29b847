import AloftDaemon
import AloftSystem
import ArgumentParser

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stop the daemon: requests under way end, then every replica.",
        discussion: """
            Example: aloft down
            """)

    @Option(name: .long, help: ArgumentHelp("How long to wait for the end, in seconds.", valueName: "SECONDS"))
    var within = 300

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func validate() throws {
        if !(1...86_400).contains(within) { throw ValidationError("--within is a number from 1 to 86400") }
    }

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let status: StatusReport = try await client.get("status")
        let process = try ProcessIdentity(of: Int32(status.pid))
        let accepted: Accepted = try await client.post("stop")
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(within)
        while process.isRunning {
            guard clock.now < deadline else {
                throw CommandFailure(
                    "the daemon has not ended within \(within) s",
                    hint: "`aloft status` shows what it waits for; a second `aloft down` ends it at once",
                    code: "timeout")
            }
            try await clock.sleep(for: .milliseconds(20))
        }
        let terminal = Terminal.standard
        if output.json { try terminal.say(json: accepted) } else { terminal.say("stopped\n") }
    }
}
