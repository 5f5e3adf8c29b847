import AloftDaemon
import ArgumentParser
import Foundation

struct ScaleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Run this many replicas of a service, within the file's bounds.",
        discussion: """
            Example: aloft scale web 5
                     aloft scale web 5 --wait

            The number outlives a restart of the daemon; a fixed `replicas:` in the file leaves nothing to scale.
            """)

    @Argument(help: "A service of the file.")
    var service: String

    @Argument(help: ArgumentHelp("How many.", valueName: "n"))
    var replicas: Int

    @OptionGroup var wait: WaitChoice
    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func validate() throws {
        if replicas < 0 { throw ValidationError("a service cannot have \(replicas) replicas") }
    }

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let body = try JSONEncoder().encode(ScaleRequest(replicas: replicas))
        let change = SettledChange(client: client, service: service, change: "scale", wait: wait)
        let accepted = try await change.post(Array(body))
        let terminal = Terminal.standard
        if output.json { try terminal.say(json: accepted) } else { terminal.say(accepted.message + "\n") }
    }
}
