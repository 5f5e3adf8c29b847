import AloftDaemon
import AloftModel
import ArgumentParser
import Foundation

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show what happened: starts, ends, probes, reloads; also of a daemon that has ended.",
        discussion: """
            Example: aloft events -f
                     aloft events --since 1h --severity warning
            """)

    @Argument(help: "Only this service or replica.")
    var subject: String?

    @Flag(name: [.short, .long], help: "Go on with what happens next, until Ctrl-C.")
    var follow = false

    @Option(name: .long, help: ArgumentHelp("From this time or this long ago.", valueName: "TIME|30m"))
    var since: PointInTime?

    @Option(name: .long, help: ArgumentHelp("At most the newest so many.", valueName: "N"))
    var limit = 100

    @Option(name: .long, help: ArgumentHelp("At least notice, warning or error.", valueName: "LEVEL"))
    var severity: Event.Severity?

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func validate() throws {
        if !(0...10_000).contains(limit) { throw ValidationError("--limit is a number from 0 to 10000") }
    }

    func run() async throws {
        let paths = try daemon.paths()
        let terminal = Terminal.standard
        let text = LineText(palette: terminal.palette)
        let show: @Sendable (Event) -> Bool = { [output] event in
            terminal.say(output.json ? Terminal.jsonLine(event) : text.render(event) + "\n")
        }
        let path = "events".query([
            ("since", since?.time.description), ("limit", "\(limit)"), ("subject", subject),
            ("severity", severity?.rawValue), ("follow", follow ? "true" : nil),
        ])
        do {
            try await ControlClient(paths: paths).lines(path) { line in
                show(try JSONDecoder().decode(Event.self, from: Data(line)))
            }
        } catch let failure as CommandFailure where failure.code == "notRunning" && !follow {
            let past = PastRecords(paths: paths)
            guard past.hasJournal else { throw failure }
            for event in try await past.events(
                since: since?.time, subject: subject, severity: severity ?? .notice, limit: limit)
            where !show(event) { break }
        }
    }
}

extension Event.Severity: ExpressibleByArgument {}
