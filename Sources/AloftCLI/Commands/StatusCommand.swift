import AloftDaemon
import ArgumentParser

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the app, its services and each replica; where one is not ready, why.",
        discussion: """
            Example: aloft status
                     aloft status --wide
                     aloft status --json | jq '.services[].ready'

            Requests a second, errors (answers of 500 or more) and p95 are those of the last minute.
            """)

    @Flag(name: .long, help: "Every column: also how services listen, and who holds replicas to their limits.")
    var wide = false

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func run() async throws {
        let report: StatusReport = try await ControlClient(paths: try daemon.paths()).get("status")
        if output.json {
            try Terminal.standard.say(json: report)
        } else {
            let text = StatusText(palette: Terminal.standard.palette, typed: daemon.typed, isWide: wide)
            Terminal.standard.say(text.render(report))
        }
    }
}
