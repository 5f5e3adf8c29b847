import AloftDaemon
import AloftLanguage
import AloftModel
import ArgumentParser
import Foundation

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Print the effective file with every default, what it does not guarantee, and what would change.",
        discussion: """
            Example: aloft plan
                     aloft plan --environment staging --json

            The difference to what runs is printed where a daemon runs on the file's state directory.
            """)

    @OptionGroup var named: NamedFile

    @Option(
        name: [.customLong("environment"), .customLong("env")],
        help: ArgumentHelp("Lay this environment of the file over it.", valueName: "NAME"))
    var environment: EnvironmentName?

    @Option(
        name: .long,
        help: ArgumentHelp("State directory of the daemon; default: .aloft beside the file.", valueName: "DIR"))
    var state: String?

    @OptionGroup var output: OutputChoice

    func run() async throws {
        let choice = try FileChoice.find(named.given)
        let (source, reading) = try choice.plan(environment: environment?.text, json: output.json, needsValues: false)
        guard let plan = reading.plan else { return }
        let effective = plan.effectiveFile()
        let gaps = Language.gaps(of: plan)
        let paths = choice.state(
            state, name: environment?.text, environment: ProcessInfo.processInfo.environment)
        let difference = try await difference(of: source, plan, paths)
        let terminal = Terminal.standard
        if output.json {
            return try terminal.say(
                json: Report(file: choice.path, effective: effective, gaps: gaps, difference: difference))
        }
        let text = PlanText(palette: terminal.palette)
        terminal.say(effective + "\n" + text.render(gaps))
        if let difference { terminal.say("\n" + text.render(difference)) }
    }

    /// Nil where no daemon runs, which is no failure of a plan.
    private func difference(
        of source: SourceFile, _ plan: Plan, _ paths: StatePaths
    ) async throws -> PlanDifference? {
        guard FileManager.default.fileExists(atPath: paths.controlSocket) else { return nil }
        let path = "plan/difference".query([("environment", environment?.text)])
        do {
            let request = PlanRequest(
                file: String(decoding: source.bytes, as: UTF8.self),
                variables: ShellVariables.values(of: Language.variables(of: plan)))
            return try await ControlClient(paths: paths).post(path, json: request)
        } catch  where error.code == "notRunning" {
            return nil
        }
    }

    private struct Report: Encodable {
        var file: String
        var effective: String
        var gaps: [Gap]
        var difference: PlanDifference?
    }
}
