import AloftDaemon
import AloftSystem
import ArgumentParser

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Bring an earlier release of a service back, as a new one.",
        discussion: """
            Example: aloft rollback
                     aloft rollback web --to 4 --message "search is slow"

            Without --to it is the release before the current one; `aloft history` lists them. Refused, before anything \
            is touched, where the artifact or image of that release is gone, or where the code that it ran in place is no \
            longer in its folder.
            """)

    @Argument(help: "A service of the file; may be left out where there is one only.")
    var service: String?

    @Option(name: .long, help: ArgumentHelp("Number of the release.", valueName: "N"))
    var to: Int?

    @Flag(name: .long, help: "Run the old configuration with the code that is in the folder now.")
    var configurationOnly = false

    @Option(name: .long, help: ArgumentHelp("Why, for the history.", valueName: "TEXT"))
    var message: String?

    @OptionGroup var watch: WatchChoice
    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func validate() throws {
        if let to, to < 1 { throw ValidationError("releases are counted from 1") }
    }

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let name = try await ServiceChoice.name(service, usage: "aloft rollback SERVICE", client)
        let release: ReleaseReport = try await client.post(
            "services/\(name.pathSegment)/rollback",
            json: RollbackRequest(
                to: to, configurationOnly: configurationOnly ? true : nil, message: message, user: UserName.current),
            within: DeployCommand.answerTimeout)
        try await watch.finish(release, client, typed: daemon.typed, json: output.json)
    }
}
