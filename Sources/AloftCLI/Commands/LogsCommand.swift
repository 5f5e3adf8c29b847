import AloftDaemon
import AloftModel
import ArgumentParser
import Foundation

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what replicas printed, across rotations; also of a daemon that has ended.",
        discussion: """
            Example: aloft logs -f web
                     aloft logs --since 10m --stream stderr
                     aloft logs --replica web-2 --tail 20 --json
            """)

    @Argument(help: "Only this service.")
    var service: String?

    @Flag(name: [.short, .long], help: "Go on with what is printed next, until Ctrl-C.")
    var follow = false

    @Option(name: .long, help: ArgumentHelp("Only this replica, such as web-2.", valueName: "NAME"))
    var replica: String?

    @Option(name: .long, help: ArgumentHelp("Only stdout or only stderr.", valueName: "NAME"))
    var stream: OutputStream?

    @Option(name: .long, help: ArgumentHelp("From this time or this long ago.", valueName: "TIME|30m"))
    var since: PointInTime?

    @Option(name: .long, help: ArgumentHelp("Only the newest so many; default 200, all with --since.", valueName: "N"))
    var tail: Int?

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    enum OutputStream: String, ExpressibleByArgument, CaseIterable {
        case stdout
        case stderr
    }

    func validate() throws {
        if let tail, !(0...100_000).contains(tail) {
            throw ValidationError("--tail is a number from 0 to 100000")
        }
    }

    func run() async throws {
        let paths = try daemon.paths()
        let tail = tail ?? (since == nil ? 200 : nil)
        let path = "logs".query([
            ("service", service), ("replica", replica), ("stream", stream?.rawValue),
            ("since", since?.time.description), ("tail", tail.map(String.init)), ("follow", follow ? "true" : nil),
        ])
        do {
            try await ControlClient(paths: paths).lines(path) { try show($0) }
        } catch let failure as CommandFailure where failure.code == "notRunning" && !follow {
            let past = PastRecords(paths: paths)
            guard past.hasLogs else { throw failure }
            try await past.logs(
                service: service, replica: replica, stream: stream?.rawValue, since: since?.time, tail: tail
            ) { try show($0) }
        }
    }

    /// A line that is no record is shown as it is: better than hiding it.
    private func show(_ line: [UInt8]) throws -> Bool {
        let terminal = Terminal.standard
        let text = String(decoding: line, as: UTF8.self)
        if output.json { return terminal.say(text + "\n") }
        do {
            let record = try JSONDecoder().decode(LogLine.self, from: Data(line))
            return terminal.say(LineText(palette: terminal.palette).render(record) + "\n")
        } catch is DecodingError {
            return terminal.say(Palette.printable(text) + "\n")
        }
    }
}
