import AloftDaemon
import ArgumentParser

struct RestartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Replace the replicas of a service, never going below its minAvailable.",
        discussion: """
            Example: aloft restart web
                     aloft restart web --wait --timeout 10m
            """)

    @Argument(help: "A service of the file.")
    var service: String

    @OptionGroup var wait: WaitChoice
    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let accepted = try await SettledChange(client: client, service: service, change: "restart", wait: wait).post()
        let terminal = Terminal.standard
        if output.json { try terminal.say(json: accepted) } else { terminal.say(accepted.message + "\n") }
    }
}
