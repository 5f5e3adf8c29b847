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

    @Option(name: .long, help: ArgumentHelp("Only the newest so many.", valueName: "N"))
    var tail = 100

    @Option(name: .long, help: .hidden)
    var limit: Int?

    @Option(name: .long, help: ArgumentHelp("At least notice, warning or error.", valueName: "LEVEL"))
    var severity: Event.Severity?

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func validate() throws {
        if !(0...10_000).contains(limit ?? tail) { throw ValidationError("--tail is a number from 0 to 10000") }
    }

    func run() async throws {
        let paths = try daemon.paths()
        let terminal = Terminal.standard
        let text = LineText(palette: terminal.palette)
        let show: @Sendable (Event) -> Bool = { [output] event in
            terminal.say(output.json ? Terminal.jsonLine(event) : text.render(event) + "\n")
        }
        let client = ControlClient(paths: paths)
        do {
            if follow, let subject { try await require(subject, client) }
            var isEmpty = true
            try await client.lines(path(tail: limit ?? tail, severity: severity, follow: follow)) { line in
                isEmpty = false
                return show(try JSONDecoder().decode(Event.self, from: Data(line)))
            }
            if isEmpty, !follow, let subject { try await require(subject, client) }
        } catch let failure as CommandFailure where failure.code == "notRunning" && !follow {
            let past = PastRecords(paths: paths)
            guard past.hasJournal else { throw failure }
            let events = try await past.events(
                since: since?.time, subject: subject, severity: severity ?? .notice, limit: limit ?? tail)
            for event in events where !show(event) { break }
            guard events.isEmpty, let subject else { return }
            let known = try await past.subjects()
            if known.contains(subject) { return }
            try KnownSubjects(services: known.sorted(), replicas: []).require(subject: subject)
        }
    }

    private func path(tail: Int, severity: Event.Severity?, follow: Bool) -> String {
        "events".query([
            ("since", since?.time.description), ("limit", "\(tail)"), ("subject", subject),
            ("severity", severity?.rawValue), ("follow", follow ? "true" : nil),
        ])
    }

    /// - Throws: Where nothing is known of it, and nothing ever happened to it.
    private func require(_ subject: String, _ client: ControlClient) async throws {
        let known = KnownSubjects(try await client.get("status"))
        do {
            try known.require(subject: subject)
        } catch {
            var isEmpty = true
            try await client.lines("events".query([("limit", "1"), ("subject", subject)])) { _ in
                isEmpty = false
                return false
            }
            if isEmpty { throw error }
        }
    }
}

extension Event.Severity: ExpressibleByArgument {}
