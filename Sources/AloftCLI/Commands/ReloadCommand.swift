import AloftDaemon
import ArgumentParser

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Let the daemon read its file again, without losing a connection.",
        discussion: """
            Example: aloft reload

            Replicas whose command, environment or limits changed are replaced one after another. A file with errors \
            changes nothing, and exits 2.
            """)

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func run() async throws {
        let difference: PlanDifference = try await ControlClient(paths: try daemon.paths()).post("reload")
        let terminal = Terminal.standard
        if output.json { return try terminal.say(json: difference) }
        terminal.say(PlanText(palette: terminal.palette).applied(difference))
    }
}
