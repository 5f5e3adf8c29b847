import AloftModel
import AloftSystem
import Logging

/// Commands that run once in a container of a release's image: migrations, gates.
extension ContainerDriver {
    /// The container ends with the command, at its time limit, or with the task; it is removed in any case.
    ///
    /// It has the release's environment and network, no published port and, as a command that is a process, no limits
    /// but the one on processes.
    package func run(
        _ command: ServiceCommand, output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome {
        do {
            guard let spec = command.spec.container else {
                throw LaunchFailure("\(command.spec.name) is no container")
            }
            try ContainerOrder.checkVolumes(of: spec)
            let image = try await images.image(spec, service: command.spec.name, clock: configuration.clock)
            let calls = try await session.callsThatWork(with: image)
            return try await run(command, image: image, calls, output)
        } catch {
            return .notStarted("\(error)")
        }
    }

    private func run(
        _ command: ServiceCommand, image: String, _ calls: EngineCalls,
        _ output: @escaping @Sendable ([UInt8]) async -> Void
    ) async throws -> ExecOutcome {
        let mark = CommandMark(command.mark)
        let plan = try LaunchPlan(command, host: command.host ?? configuration.hostEnvironment)
        guard let program = plan.arguments.first, !program.isEmpty else {
            return .notStarted("the command is empty: its first element names the program")
        }
        let name = commandName(command.mark)
        let file = variablesFile(name)
        let variables = try ContainerVariables(plan, own: command.spec, adding: [mark.variable])
        // One of the same mark that a daemon left which was killed.
        if let problem = await ContainerReplica.remove(name, calls) { return .notStarted(problem) }
        try variables.write(to: file)
        var arguments = ["run", "--rm", "--name", name, "--pull", "never", "--no-healthcheck"]
        arguments += ["--label", "aloft.command-of=\(session.instance)"]
        if calls.holdsToLimits { arguments += ["--pids-limit", "\(ContainerOrder.mostProcesses)"] }
        if calls.engine.kind == .podman { arguments += ["--http-proxy=false", "--sdnotify", "ignore"] }
        arguments += ContainerOrder.access(command.spec)
        let openFiles = try ContainerOrder.openFiles(plan, given: OpenFiles.given)
        arguments += openFiles
        if calls.engine.kind == .podman, !openFiles.isEmpty { arguments += ContainerOrder.processes }
        arguments += variables.options(file: file)
        arguments += ["--entrypoint", program, image] + plan.arguments.dropFirst()
        let launch = ProcessLaunch(
            executable: calls.engine.path, arguments: [calls.engine.path] + calls.quiet + arguments,
            environment: calls.environment + variables.passed, directory: "/", standardOutput: -1, standardError: -1)
        let outcome = await StreamedRun(
            timeout: command.timeout, clock: configuration.clock, output: output, mark: mark, place: .everywhere
        ).run(launch)
        try Directories.remove(file)
        for problem in await end(mark, name, calls) {
            logger.warning("a command's container is left", metadata: ["problem": "\(problem)"])
        }
        return outcome
    }

    /// Ends the container of a command whose daemon was killed. Nothing to do where containers were never used.
    package func endCommand(_ mark: String) async throws(LaunchFailure) {
        guard session.wasEverUsed else { return }
        let name = commandName(mark)
        if let problem = await end(CommandMark(mark), name, try session.calls()).first { throw LaunchFailure(problem) }
        do throws(SystemError) {
            try Directories.remove(variablesFile(name))
        } catch {
            throw LaunchFailure("\(error)")
        }
    }

    private func commandName(_ mark: String) -> String {
        "aloft-\(session.instance)-command-\(SpecDigest.name(of: mark))"
    }

    private func variablesFile(_ name: String) -> String { "\(session.folder)/\(name).env" }

    /// First the engine's program, so that it makes nothing more, then the container, then what was just beginning
    /// when both were looked for. Finishes though the task be cancelled.
    ///
    /// - Returns: What went wrong.
    private func end(_ mark: CommandMark, _ name: String, _ calls: EngineCalls) async -> [String] {
        await Task {
            var problems: [String] = []
            do {
                _ = try await mark.end(clock: calls.clock)
                if let problem = await ContainerReplica.remove(name, calls) { problems.append(problem) }
                let left = try await mark.end(clock: calls.clock)
                problems += left.map { "process \($0) does not end, not even by SIGKILL" }
            } catch {
                problems.append("\(error)")
            }
            return problems
        }.value
    }
}
