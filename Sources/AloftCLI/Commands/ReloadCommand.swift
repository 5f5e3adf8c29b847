import AloftDaemon
import ArgumentParser

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Let the daemon read its file again, without losing a connection.",
        discussion: """
            Example: aloft reload
                     TOKEN=new aloft reload
                     aloft reload web

            Replicas whose command, environment or limits changed are replaced one after another. A file with errors \
            changes nothing, and exits 2. Variables that the file reads as `${env.NAME}` are taken from this shell; one \
            that is not set here keeps its value.

            With a service, its replicas read their own configuration again: each is sent the signal of \
            `services.NAME.reload`, and goes on running. The daemon then does not read its file.
            """)

    @Argument(help: "Only tell this service's replicas; the file is not read.")
    var service: String?

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let terminal = Terminal.standard
        if let service {
            let accepted: Accepted = try await client.post("services/\(service.pathSegment)/reload")
            if output.json { return try terminal.say(json: accepted) }
            terminal.say(accepted.message + "\n")
            return
        }
        let request = ReloadRequest(variables: try await ShellVariables.read(client))
        let difference: PlanDifference = try await client.post("reload", json: request)
        if output.json { return try terminal.say(json: difference) }
        terminal.say(PlanText(palette: terminal.palette).applied(difference))
    }
}
