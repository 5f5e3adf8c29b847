import AloftDaemon
import AloftSystem
import ArgumentParser
import Foundation

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a job now, or any command in a service's release.",
        discussion: """
            Example: aloft run digest
                     aloft run web -- bin/rails console
                     aloft run web -- psql < report.sql

            A job: waits for its end, prints what it prints, and exits as it does. Ctrl-C stops the waiting, not the \
            job; `aloft jobs digest` says how it went.
            A command: runs here, in the folder or image and the environment of the service's current release, with \
            this terminal and standard input. It gets no traffic, and `aloft down` does not end it.
            """)

    @Argument(help: "A job, or a service where a command follows.")
    var name: String

    @OptionGroup var daemon: DaemonChoice
    @OptionGroup var output: OutputChoice

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("After `--`: the program and its arguments, for a service.", valueName: "cmd"))
    var command: [String] = []

    func run() async throws {
        let client = ControlClient(paths: try daemon.paths())
        guard command.isEmpty else { return try await become(client) }
        try await CommandOutput(client: client, json: output.json, typed: daemon.typed).follow(
            "jobs/\(name.pathSegment)/run", json: RunRequest(user: UserName.current))
    }

    /// The command takes this process's place, so nothing stands between it and the terminal.
    private func become(_ client: ControlClient) async throws {
        let isInteractive = OwnProcess.isTerminal(0) && OwnProcess.isTerminal(1)
        let launch: RunCommandLaunch = try await client.post(
            "services/\(name.pathSegment)/run",
            json: RunCommandRequest(command: command, isInteractive: isInteractive, user: UserName.current))
        do throws(SystemError) {
            try replace(launch)
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private func replace(_ launch: RunCommandLaunch) throws(SystemError) {
        var arguments = launch.arguments
        var file: Descriptor?
        if let place = launch.fileArgument, arguments.indices.contains(place) {
            let lines = try ProcessReplacement.memoryFile(launch.fileLines)
            arguments[place] = ProcessReplacement.path(of: lines)
            file = lines
        }
        var environment = launch.environment
        // What kind of terminal this is, no release knows.
        if let kind = ProcessInfo.processInfo.environment["TERM"],
            !environment.contains(where: { $0.hasPrefix("TERM=") })
        {
            environment.append("TERM=\(kind)")
        }
        try ProcessReplacement(
            executable: launch.executable, arguments: arguments, environment: environment,
            directory: launch.directory, rights: launch.rights
        ).become(keeping: file)
    }
}
