import AloftDaemon
import ArgumentParser

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show the releases of a service: when, who, why, and how each went.",
        discussion: """
            Example: aloft history web
                     aloft history web --release 7
            """)

    @Argument(help: "A service of the file; may be left out where there is one only.")
    var service: String?

    @Option(name: .long, help: ArgumentHelp("Show this one in full.", valueName: "N"))
    var release: Int?

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func validate() throws {
        if let release, release < 1 { throw ValidationError("releases are counted from 1") }
    }

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let name = try await ServiceChoice.name(service, usage: "aloft history SERVICE", client)
        let number = release.map { [("release", "\($0)")] } ?? []
        let releases: [ReleaseReport] = try await client.get("releases".query([("service", name)] + number))
        let terminal = Terminal.standard
        let text = ReleaseText(palette: terminal.palette)
        guard let release else {
            if output.json { return try terminal.say(json: releases) }
            terminal.say(text.table(releases))
            return
        }
        guard let found = releases.first else {
            throw CommandFailure(
                "\(name) has no release \(release)", hint: "`aloft history \(name)\(daemon.typed)` lists what is kept",
                code: "nothingThere")
        }
        if output.json { return try terminal.say(json: found) }
        terminal.say(text.full(found))
    }
}
