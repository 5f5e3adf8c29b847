import AloftModel
import AloftSystem

/// A command of a release that a person's own process becomes, so that it has their terminal: everything but the start.
package struct CommandLaunch: Sendable {
    package var executable: String
    package var arguments: [String]
    /// `NAME=value`; the values of the release among them.
    package var environment: [String]
    package var directory: String
    /// Whose rights it has; nil: those of whoever runs it.
    package var rights: UserRights?
    /// Place of the argument that is to be the path of a file with `fileLines`.
    package var fileArgument: Int?
    package var fileLines: [String] = []
}

extension Compute {
    /// Makes a command ready in a release's directory and environment, in its image where it has one. Starts nothing.
    ///
    /// - Parameter isInteractive: Its standard input and output are a terminal.
    package nonisolated func launch(
        _ command: ServiceCommand, isInteractive: Bool
    ) async throws(LaunchFailure) -> CommandLaunch {
        var command = command
        if command.host == nil { command.host = await host }
        if command.spec.container != nil { return try await driver.launch(command, isInteractive: isInteractive) }
        do {
            let plan = try LaunchPlan(command, host: command.host ?? configuration.hostEnvironment)
                .asUser(of: command.spec)
            guard let program = plan.arguments.first, !program.isEmpty else {
                throw LaunchFailure("the command is empty: its first element names the program")
            }
            guard Directories.isDirectory(plan.directory) else {
                throw LaunchFailure("there is no directory \(plan.directory)")
            }
            return CommandLaunch(
                executable: try ProgramPath.find(program, directory: plan.directory, path: plan.path),
                arguments: plan.arguments, environment: plan.environment, directory: plan.directory,
                rights: plan.user?.rights)
        } catch {
            throw (error as? LaunchFailure) ?? LaunchFailure("\(error)")
        }
    }
}

extension ContainerDriver {
    /// The engine's own command line: it hands on the terminal, signals and the exit code.
    package func launch(
        _ command: ServiceCommand, isInteractive: Bool
    ) async throws(LaunchFailure) -> CommandLaunch {
        guard let spec = command.spec.container else { throw LaunchFailure("\(command.spec.name) is no container") }
        do {
            let image = try await images.image(spec, service: command.spec.name, clock: configuration.clock)
            let calls = try await session.callsThatWork(with: image)
            let plan = try LaunchPlan(command, host: command.host ?? configuration.hostEnvironment)
            guard let program = plan.arguments.first, !program.isEmpty else {
                throw LaunchFailure("the command is empty: its first element names the program")
            }
            let variables = try ContainerVariables(plan, own: command.spec)
            var arguments = [calls.engine.path] + calls.quiet + ["run", "--rm", "--interactive"]
            if isInteractive { arguments.append("--tty") }
            arguments += ["--pull", "never", "--no-healthcheck"]
            if calls.holdsToLimits { arguments += ["--pids-limit", "\(ContainerOrder.mostProcesses)"] }
            if calls.engine.kind == .podman { arguments += ["--http-proxy=false", "--sdnotify", "ignore"] }
            arguments += ContainerOrder.access(command.spec)
            let openFiles = try ContainerOrder.openFiles(plan, given: OpenFiles.given)
            arguments += openFiles
            if calls.engine.kind == .podman, !openFiles.isEmpty { arguments += ContainerOrder.processes }
            arguments += variables.options(file: "")
            let place = variables.written.isEmpty ? nil : arguments.count - 1
            arguments += ["--entrypoint", program, image] + plan.arguments.dropFirst()
            return CommandLaunch(
                executable: calls.engine.path, arguments: arguments, environment: calls.environment + variables.passed,
                directory: "/", fileArgument: place, fileLines: variables.written)
        } catch {
            throw (error as? LaunchFailure) ?? LaunchFailure("\(error)")
        }
    }
}
