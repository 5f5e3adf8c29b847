import AloftDaemon
import ArgumentParser

/// `aloft`: its commands, and how they end.
package struct AloftCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "aloft",
        abstract: "Runs a web app's whole production infrastructure from one file.",
        discussion: """
            Begin with `aloft init` in the app's folder, then `aloft up`.

            Every command takes --json. Exit codes: 0 done, 1 failed, rolled back or frozen, 2 wrong usage or a \
            wrong file.
            """,
        version: Version.current,
        groupedSubcommands: [
            CommandGroup(
                name: "The file",
                subcommands: [
                    InitCommand.self, CheckCommand.self, PlanCommand.self, ExplainCommand.self, SchemaCommand.self,
                    ReferenceCommand.self,
                ]),
            CommandGroup(
                name: "Running",
                subcommands: [
                    UpCommand.self, DownCommand.self, ReloadCommand.self, RestartCommand.self, ScaleCommand.self,
                    ExecCommand.self, RunCommand.self,
                ]),
            CommandGroup(
                name: "Shipping",
                subcommands: [
                    DeployCommand.self, RollbackCommand.self, PromoteCommand.self, ApproveCommand.self,
                    AbortCommand.self, PauseCommand.self, ResumeCommand.self, HistoryCommand.self, PruneCommand.self,
                ]),
            CommandGroup(
                name: "Watching",
                subcommands: [
                    StatusCommand.self, JobsCommand.self, LogsCommand.self, EventsCommand.self, NotifyCommand.self,
                ]),
        ])

    package init() {}

    /// Runs the command that `arguments` (without the program's name) ask for; returns the exit code.
    package static func run(_ arguments: [String]) async -> Int32 {
        let json = arguments.prefix { $0 != "--" }.contains("--json")
        if let mistake = UsageMistake.unreadable() {
            Terminal.standard.report(mistake, asJSON: json)
            return mistake.exitCode.rawValue
        }
        let code = await execute(arguments, asJSON: json)
        guard code == 0, let failure = Terminal.lostOutput else { return code }
        Terminal.standard.report(failure, asJSON: json)
        return failure.exitCode.rawValue
    }

    private static func execute(_ arguments: [String], asJSON json: Bool) async -> Int32 {
        let command: any ParsableCommand
        do {
            command = try parseAsRoot(arguments)
        } catch {
            return answer(error, arguments, asJSON: json)
        }
        do {
            try FileChoice.requireCurrentDirectory()
            try await run(command)
            return 0
        } catch let failure as CommandFailure {
            Terminal.standard.report(failure, asJSON: json)
            return failure.exitCode.rawValue
        } catch let code as ExitCode {
            return code.rawValue
        } catch  where exitCode(for: error).isSuccess {
            return answer(error, arguments, asJSON: json)  // help, which is a command of its own when it runs
        } catch {
            Terminal.standard.report(CommandFailure("\(error)"), asJSON: json)
            return CommandFailure.ExitCode.failed.rawValue
        }
    }

    private static func run(_ command: any ParsableCommand) async throws {
        var command = command
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
    }

    /// Help and version are asked for, not wrong: they go to stdout and are done. All else is wrong usage.
    private static func answer(_ error: any Error, _ arguments: [String], asJSON: Bool) -> Int32 {
        guard exitCode(for: error).isSuccess else {
            Terminal.standard.report(UsageMistake.failure(error, arguments), asJSON: asJSON)
            return CommandFailure.ExitCode.misuse.rawValue
        }
        Terminal.standard.say(fullMessage(for: error) + "\n")
        return 0
    }
}
