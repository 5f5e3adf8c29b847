import AloftDaemon
import AloftModel
import ArgumentParser

struct PruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove old releases of a service and their artifacts now, to make room on the disk.",
        discussion: """
            Example: aloft prune
                     aloft prune web --keep 5

            The current release and the one before it always stay. `deploy.history` of the file does the same by itself: by \
            number, age and size.
            """)

    @Argument(help: "A service of the file; may be left out where there is one only.")
    var service: String?

    @Option(name: .long, help: ArgumentHelp("How many releases to keep; 2 at least.", valueName: "N"))
    var keep = 2

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func validate() throws {
        if keep < 2 {
            throw ValidationError("the current release and the one before it always stay: --keep is 2 or more")
        }
    }

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let name = try await ServiceChoice.name(service, usage: "aloft prune SERVICE", client)
        let report: PruneReport = try await client.post(
            "services/\(name.pathSegment)/prune", json: PruneRequest(keep: keep))
        let terminal = Terminal.standard
        if output.json { return try terminal.say(json: report) }
        terminal.say(ReleaseText(palette: terminal.palette).pruned(report))
    }
}
