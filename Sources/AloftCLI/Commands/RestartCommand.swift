import AloftDaemon
import ArgumentParser

struct RestartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Replace the replicas of a service, never going below its minAvailable.",
        discussion: """
            Example: aloft restart web
                     aloft events -f      # shows how it goes
            """)

    @Argument(help: "A service of the file.")
    var service: String

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let accepted: Accepted = try await client.post("services/\(service.pathSegment)/restart")
        let terminal = Terminal.standard
        if output.json { try terminal.say(json: accepted) } else { terminal.say(accepted.message + "\n") }
    }
}
