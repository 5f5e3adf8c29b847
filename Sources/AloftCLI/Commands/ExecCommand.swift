import AloftDaemon
import ArgumentParser
import Foundation

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
        var end: ExecLine?
        try await client.lines("services/\(service.pathSegment)/exec", json: request) { bytes in
            let line = try JSONDecoder().decode(ExecLine.self, from: Data(bytes))
            if line.isEnd { end = line }
            return try show(line) && end == nil
        }
        try finish(end)
    }

    /// False where nobody reads any more.
    private func show(_ line: ExecLine) throws -> Bool {
        if output.json { return Terminal.standard.say(Terminal.jsonLine(line)) }
        guard let output = line.output else { return true }
        guard let bytes = Data(base64Encoded: output) else {
            throw CommandFailure("the daemon's answer was not understood: output that is no base64")
        }
        return Terminal.standard.say(bytes: Array(bytes))
    }

    private func finish(_ end: ExecLine?) throws {
        guard let end else {
            throw CommandFailure(
                "the command's end was not heard of", hint: "`aloft events\(daemon.typed)` says what happened",
                code: "connectionLost")
        }
        if let failure = end.failure { throw CommandFailure(failure) }
        let code = end.signal.map { 128 + $0 } ?? end.exitCode ?? 0
        if code != 0 { throw ExitCode(Int32(clamping: code)) }
    }
}

extension ExecLine {
    /// The last line of an answer.
    var isEnd: Bool { exitCode != nil || signal != nil || failure != nil }
}
