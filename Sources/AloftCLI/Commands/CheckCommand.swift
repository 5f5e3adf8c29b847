import AloftDaemon
import AloftLanguage
import ArgumentParser
import Foundation

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the file: every problem, where it is, and how to fix it.",
        discussion: """
            Example: aloft check
                     aloft check --file deploy/aloft.yaml --environment staging

            Looks at this machine, too: programs, folders and certificates that the file names. What a build will make, \
            or another machine has, is a warning. Exits 2 where there is an error; warnings alone exit 0, or 2 with \
            --strict.
            """)

    @OptionGroup var named: NamedFile

    @Option(
        name: [.customLong("environment"), .customLong("env")],
        help: ArgumentHelp("Lay this environment of the file over it.", valueName: "NAME"))
    var environment: EnvironmentName?

    @Flag(name: .long, help: "Warnings are errors, too.")
    var strict = false

    @OptionGroup var output: OutputChoice

    func run() throws {
        let choice = try FileChoice.find(named.given)
        let (source, reading) = try choice.read(environment: environment?.text, needsValues: false)
        var diagnostics = reading.diagnostics
        if let plan = reading.plan {
            let places = FilePlaces(source, environment: environment?.text)
            let machine = MachineCheck(plan, places, variables: ProcessInfo.processInfo.environment)
            diagnostics = (diagnostics + machine.diagnostics).sorted()
        }
        let isGood = !diagnostics.contains { $0.severity == .error || strict }
        let terminal = Terminal.standard
        if output.json {
            try terminal.say(json: Report(file: choice.path, ok: isGood, diagnostics: diagnostics))
        } else {
            let renderer = DiagnosticRenderer(color: terminal.palette.isColoured)
            terminal.say(renderer.text(diagnostics))
            for problem in reading.plan.map(UserCheck.problems(of:)) ?? [] {
                terminal.say("warning: \(problem.message)\n  fix: \(problem.hint)\n")
            }
            if let plan = reading.plan, isGood {
                let services = plan.services.count == 1 ? "1 service" : "\(plan.services.count) services"
                let routes = plan.edge.routes.count == 1 ? "1 route" : "\(plan.edge.routes.count) routes"
                let how = diagnostics.isEmpty ? "is good" : "can be used"
                terminal.say("\(choice.shortName) \(how): \(plan.app), \(services), \(routes)\n")
            }
        }
        if !isGood { throw ExitCode(CommandFailure.ExitCode.misuse.rawValue) }
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
