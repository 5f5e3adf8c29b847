import AloftDaemon
import ArgumentParser

struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a command beside a replica: same folder or container, same environment.",
        discussion: """
            Example: aloft exec web -- bin/rails runner "puts User.count"
                     aloft exec web --replica 2 --timeout 5m -- env

            Prints what it prints, and exits as it does: with its exit code, 128 and the number of the signal that \
            ended it, or 1 where it was not run. It has no standard input.
            """)

    static let longest = 86_400

    @Argument(help: "A service of the file.")
    var service: String

    @Option(
        name: .long,
        help: ArgumentHelp("web-2, or only its number; default: the first that is ready.", valueName: "NAME|N"))
    var replica: ReplicaChoice?

    @Option(name: .long, help: ArgumentHelp("It is ended after this long; a day at most.", valueName: "1h"))
    var timeout: TimeLimit = .hours(1)

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    @Argument(
        parsing: .postTerminator, help: ArgumentHelp("After `--`: the program and its arguments.", valueName: "cmd"))
    var command: [String] = []

    func validate() throws {
        if command.isEmpty { throw ValidationError("say what to run after `--`: aloft exec \(service) -- env") }
        _ = try replica?.name(in: service)
        if timeout.seconds > Self.longest { throw ValidationError("--timeout is a day at most") }
    }

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        let request = ExecRequest(command: command, replica: replica?.index, timeoutSeconds: timeout.seconds)
        try await CommandOutput(client: client, json: output.json, typed: daemon.typed).follow(
            "services/\(service.pathSegment)/exec", json: request)
    }
}
