import AloftDaemon
import AloftLanguage
import ArgumentParser

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the file: every problem, where it is, and how to fix it.",
        discussion: """
            Example: aloft check
                     aloft check deploy/aloft.yaml --env staging

            Exits 2 where there is an error; warnings alone exit 0.
            """)

    @Argument(help: ArgumentHelp("Default: aloft.yaml here or in a folder above.", valueName: "file"))
    var file: String?

    @Option(
        name: [.customLong("env"), .customLong("environment")],
        help: ArgumentHelp("Lay this environment of the file over it.", valueName: "NAME"))
    var environment: String?

    @OptionGroup var output: OutputChoice

    func run() throws {
        let choice = try FileChoice.find(file)
        let (_, reading) = try choice.read(environment: environment, needsValues: false)
        let terminal = Terminal.standard
        if output.json {
            try terminal.say(json: Report(file: choice.path, ok: reading.plan != nil, diagnostics: reading.diagnostics))
        } else {
            let renderer = DiagnosticRenderer(color: terminal.palette.isColoured)
            terminal.say(renderer.text(reading.diagnostics))
            if let plan = reading.plan {
                for problem in UserCheck.problems(of: plan) {
                    terminal.say("warning: \(problem.message)\n  fix: \(problem.hint)\n")
                }
                let services = plan.services.count == 1 ? "1 service" : "\(plan.services.count) services"
                let routes = plan.edge.routes.count == 1 ? "1 route" : "\(plan.edge.routes.count) routes"
                terminal.say("\(choice.shortName) is good: \(plan.app), \(services), \(routes)\n")
            }
        }
        if reading.plan == nil { throw ExitCode(CommandFailure.ExitCode.misuse.rawValue) }
    }

    private struct Report: Encodable {
        var file: String
        var ok: Bool
        var diagnostics: [Diagnostic]
    }
}

extension FileChoice {
    /// The plan of a file that is good; its problems are printed, and the command fails, where it is not.
    ///
    /// - Parameter needsValues: Each `${env.NAME}` must have a value here, as where it is started.
    func plan(
        environment: String?, json: Bool, needsValues: Bool = true
    ) throws -> (source: SourceFile, reading: Reading) {
        let (source, reading) = try read(environment: environment, needsValues: needsValues)
        guard reading.plan != nil else {
            let text = DiagnosticRenderer(color: false).text(reading.errors)
            throw CommandFailure(
                "\(shortName) has errors\n\n\(text)", hint: "correct them, then try again", code: "invalidFile",
                exitCode: .misuse)
        }
        if !reading.warnings.isEmpty, !json {
            Terminal.standard.complain(
                DiagnosticRenderer(color: Terminal.standard.palette.isColoured).text(reading.warnings))
        }
        return (source, reading)
    }
}
