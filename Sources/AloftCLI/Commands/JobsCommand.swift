import AloftDaemon
import AloftModel
import ArgumentParser

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Show jobs: when each runs next, and how it went last.",
        discussion: """
            Example: aloft jobs
                     aloft jobs digest

            With a name: its last runs, newest first. `aloft logs digest` shows what they printed.
            """)

    @Argument(help: "A job of the file; default: all, with the last run of each.")
    var name: String?

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    func run() async throws {
        let jobs: [JobReport] = try await ControlClient(paths: try daemon.paths()).get("jobs")
        let terminal = Terminal.standard
        let text = JobText(palette: terminal.palette)
        guard let name else {
            return output.json ? try terminal.say(json: jobs) : Self.say(text.table(jobs, now: .now))
        }
        guard let job = jobs.first(where: { $0.name == name }) else {
            throw CommandFailure(
                "there is no job `\(name)`",
                hint: jobs.isEmpty
                    ? "the file has no jobs: `aloft explain jobs` says how to add one"
                    : "there is " + jobs.map(\.name).joined(separator: ", "),
                code: "unknownJob", exitCode: .misuse)
        }
        if output.json { try terminal.say(json: job) } else { Self.say(text.history(job, now: .now)) }
    }

    private static func say(_ text: String) { Terminal.standard.say(text) }
}
