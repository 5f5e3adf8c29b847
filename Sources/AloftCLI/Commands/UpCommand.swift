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
                     aloft up --file examples/hello/aloft.yaml
                     aloft up --environment staging --detach

            In the foreground it prints a line for each thing that happens. Ctrl-C lets requests end and stops the \
            replicas; Ctrl-C again ends everything at once. Replicas that a crashed daemon left running are taken over.

            With --detach it exits 1 where a service did not become ready, and says why; the daemon goes on trying.
            """)

    @OptionGroup var named: NamedFile

    @Option(
        name: [.customLong("environment"), .customLong("env")],
        help: ArgumentHelp(
            "Lay this environment of the file over it; its state directory is .aloft-NAME.", valueName: "NAME"))
    var environment: EnvironmentName?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "State directory; default: $ALOFT_STATE, or .aloft or .aloft-NAME beside the file.", valueName: "DIR"))
    var state: String?

    @Flag(name: [.short, .long], help: "Go to the background, and return once every service is ready.")
    var detach = false

    @Option(
        name: .long,
        help: ArgumentHelp("With --detach: how long services may take to be ready; default 2m.", valueName: "2m"))
    var timeout: TimeLimit?

    @Flag(name: .long, help: .hidden)
    var reportsStart = false

    @OptionGroup var output: OutputChoice

    func validate() throws {
        if timeout != nil, !detach { throw ValidationError("--timeout is only for --detach") }
    }

    private var typed: String { DaemonChoice.typed(file: named.given, state: state, environment: environment) }

    func run() async throws {
        let variables = ProcessInfo.processInfo.environment
        let choice = try FileChoice.find(named.given)
        let paths = choice.state(state, name: environment?.text, environment: variables)
        if detach { return try await startDetached(choice, paths, variables) }
        let start = ForegroundStart(json: output.json, reportsStart: reportsStart, typed: typed)
        let options = DaemonOptions(
            file: choice.path, environmentName: environment?.text, paths: paths, hostEnvironment: variables,
            user: UserName.current, writesToStandardError: !output.json, show: start.show, ended: start.ended)
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

    /// Checks the file here, where its report can be shown in full, then waits for the copy and its services.
    private func startDetached(
        _ choice: FileChoice, _ paths: StatePaths, _ variables: [String: String]
    ) async throws {
        _ = try choice.plan(environment: environment?.text, json: output.json)
        let started = try copy(choice, paths, variables)
        try await Readiness.wait(
            ControlClient(paths: paths), limit: timeout ?? .minutes(2), typed: typed)
        if output.json { return try Terminal.standard.say(json: started) }
        Terminal.standard.say(
            StartText(palette: Terminal.standard.palette, typed: typed).render(started, isDetached: true))
    }

    /// Starts a copy of this program in the background; returns once it answers.
    private func copy(
        _ choice: FileChoice, _ paths: StatePaths, _ variables: [String: String]
    ) throws(CommandFailure) -> StartReport {
        var arguments = [CommandLine.arguments[0], "up", choice.path, "--state", paths.directory, "--reports-start"]
        if let environment { arguments += ["--env", environment.text] }
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
        case .started(let start): return start
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
