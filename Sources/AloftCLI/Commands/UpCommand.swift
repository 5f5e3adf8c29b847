import AloftDaemon
import AloftModel
import AloftSystem
import ArgumentParser
import Foundation

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start the app behind its edge, and keep it running.",
        discussion: """
            Example: aloft up
                     aloft up examples/hello/aloft.yaml
                     aloft up --env staging --detach

            In the foreground it prints a line for each thing that happens. Ctrl-C lets requests end and stops the \
            replicas; Ctrl-C again ends everything at once. Replicas that a crashed daemon left running are taken over.
            """)

    @Argument(help: ArgumentHelp("Default: aloft.yaml here or in a folder above.", valueName: "file"))
    var file: String?

    @Option(
        name: .customLong("env"),
        help: ArgumentHelp("Lay this environment of the file over it.", valueName: "NAME"))
    var environment: String?

    @Option(
        name: .long,
        help: ArgumentHelp("State directory; default: $ALOFT_STATE, or .aloft beside the file.", valueName: "DIR"))
    var state: String?

    @Flag(name: [.short, .long], help: "Go to the background once it answers.")
    var detach = false

    @Flag(name: .long, help: .hidden)
    var reportsStart = false

    @OptionGroup var output: OutputChoice

    func run() async throws {
        let variables = ProcessInfo.processInfo.environment
        let choice = try FileChoice.find(file)
        let paths = choice.state(state, environment: variables)
        if detach { return try startDetached(choice, paths, variables) }
        let start = ForegroundStart(json: output.json, reportsStart: reportsStart)
        let options = DaemonOptions(
            file: choice.path, environmentName: environment, paths: paths, hostEnvironment: variables,
            writesToStandardError: !output.json, show: start.show)
        let daemon: Daemon
        do {
            daemon = try await Daemon.start(options)
        } catch {
            let failure = CommandFailure(error)
            start.failed(failure)
            throw failure
        }
        try start.succeeded(daemon.report)
        let isDone = await daemon.run()
        start.finish()
        if !isDone {
            throw CommandFailure(
                "a part of the daemon failed", hint: "`aloft events` and `\(paths.directory)/logs/daemon` say which")
        }
    }

    /// Checks the file here, where its report can be shown in full, then starts a copy of this program.
    private func startDetached(_ choice: FileChoice, _ paths: StatePaths, _ variables: [String: String]) throws {
        _ = try choice.plan(environment: environment, json: output.json)
        var arguments = [CommandLine.arguments[0], "up", choice.path, "--state", paths.directory, "--reports-start"]
        if let environment { arguments += ["--env", environment] }
        let report: DetachedReport
        do {
            try Directories.make(paths.directory)
            let started = try Detachment.start(
                arguments: arguments, environment: variables, log: try DaemonLogFile.prepared(paths.daemonLog))
            report = try DetachedReport(bytes: started.report, log: paths.daemonLog)
        } catch {
            throw CommandFailure("\(error)", code: "cannotStart")
        }
        switch report {
        case .failed(let failure): throw failure
        case .started(let start):
            if output.json { return try Terminal.standard.say(json: start) }
            Terminal.standard.say(StartText(palette: Terminal.standard.palette).render(start, isDetached: true))
        }
    }
}

extension CommandFailure {
    init(_ error: DaemonError) {
        let isFile = error.code == .invalidFile
        self.init(
            isFile ? "the file has errors\n\n\(error.message)" : error.message,
            hint: isFile ? "correct them, then try again" : error.hint, code: error.code.rawValue,
            exitCode: isFile ? .misuse : .failed)
    }
}
