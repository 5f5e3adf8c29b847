import AloftModel
import AloftSystem

/// A command that runs once in a release's directory and environment: a migration, a gate.
package struct ServiceCommand: Sendable {
    package var command: [Template]
    /// The service as the release describes it.
    package var spec: ServiceSpec
    package var release: Int
    /// By what its processes are found again after a crash: the variable `ALOFT_COMMAND` has this value in all of them.
    /// Unique for each command that may run at the same time.
    package var mark: String
    /// Everything that it started is killed after so long.
    package var timeout: Duration
    /// Values of `${env.NAME}`; nil until it is run, which takes those of that moment.
    package var host: [String: String]?

    package init(command: [Template], spec: ServiceSpec, release: Int, mark: String, timeout: Duration) {
        self.command = command
        self.spec = spec
        self.release = release
        self.mark = mark
        self.timeout = timeout
    }
}

/// How it ended.
package struct ServiceCommandResult: Sendable, Hashable {
    package enum Outcome: Sendable, Hashable {
        case exited(Int32)
        case signaled(Int32)
        /// Killed at its time limit, or because nobody waits for it any more.
        case timedOut(after: Duration)
        case notStarted(String)
    }

    package var outcome: Outcome
    /// The first and the last 128 KiB of what it printed on both streams.
    package var output: KeptOutput

    package init(_ outcome: Outcome, output: KeptOutput = KeptOutput()) {
        self.outcome = outcome
        self.output = output
    }

    package var passed: Bool { outcome == .exited(0) }

    /// One line: `exit code 1`, `killed after 10m`, `no program `rspec` in PATH (…)`.
    package var detail: String {
        switch outcome {
        case .exited(let code): "exit code \(code)"
        case .signaled(let number): "killed by \(signalName(number))"
        case .timedOut(let limit): "killed after \(limit.quantity)"
        case .notStarted(let reason): reason
        }
    }
}

/// Commands that run once, and commands beside a replica.
extension Compute {
    /// Runs the command to its end, in a process group of its own and with the environment of a replica, but for its
    /// address: variables that name `${PORT}` or `${SOCKET}` are left out. `ALOFT_RELEASE` says which release it is.
    ///
    /// No cgroup limits it. All that it started is killed when it ends. Where the service runs in containers, so does
    /// the command.
    /// - Parameter line: Told of each line as it comes, one after another; a long one is cut at 4096 bytes. While it
    ///   waits, so does the command.
    package nonisolated func run(
        _ command: ServiceCommand, line: @escaping @Sendable (String) async -> Void = { _ in }
    ) async -> ServiceCommandResult {
        var command = command
        if command.host == nil { command.host = await host }
        let given = command
        let kept = OutputKeeper()
        let output: @Sendable ([UInt8]) async -> Void = { bytes in
            for text in await kept.append(bytes) { await line(text) }
        }
        let outcome = await outcome(of: given, output)
        if let rest = await kept.finish() { await line(rest) }
        let result: ServiceCommandResult.Outcome =
            switch outcome {
            case .ended(.exited(let code), _): .exited(code)
            case .ended(.signaled(let number), _): .signaled(number)
            case .ended(.unknown, _): .notStarted("how it ended is not known")
            case .timedOut: .timedOut(after: command.timeout)
            case .notStarted(let reason): .notStarted(reason)
            }
        return ServiceCommandResult(result, output: await kept.output)
    }

    private nonisolated func outcome(
        of command: ServiceCommand, _ output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome {
        if command.spec.container != nil { return await driver.run(command, output: output) }
        let mark = CommandMark(command.mark)
        do {
            let plan = try LaunchPlan(command, host: command.host ?? configuration.hostEnvironment)
                .asUser(of: command.spec)
            if plan.user != nil {
                try ServiceUser.openWay(to: plan.directory, in: configuration.stateDirectory)
            }
            var launch = try plan.launch(plan.arguments)
            launch.environment.append(mark.variable)
            return await StreamedRun(
                timeout: command.timeout, clock: configuration.clock, output: output, mark: mark, place: .orphans
            ).run(launch)
        } catch {
            return .notStarted("\(error)")
        }
    }

    /// Ends what a daemon that was killed left running of the command with this mark.
    ///
    /// In a container too, which is removed.
    ///
    /// - Returns: Pids that do not end, not even by SIGKILL; empty as a rule. Takes two seconds at most, and what the
    ///   engine takes where containers were ever used.
    /// - Throws: Where the engine cannot remove the container.
    package nonisolated func endRemains(of mark: String) async throws -> [Int32] {
        try await driver.endCommand(mark)
        return try await CommandMark(mark).end(clock: configuration.clock)
    }

    /// The image that a reference means now, by a name that stays the same.
    package nonisolated func resolveImage(
        _ spec: ContainerSpec, service: String
    ) async throws(LaunchFailure) -> String {
        try await driver.resolveImage(spec, service: service)
    }

    /// Removes images that were built for a service, but for those of these ids and those in use.
    ///
    /// - Returns: How many were removed.
    package nonisolated func removeBuiltImages(
        of service: String, keeping kept: Set<String>
    ) async throws(LaunchFailure) -> Int {
        try await driver.removeBuiltImages(of: service, keeping: kept)
    }

    // MARK: beside a replica

    /// Commands beside replicas that may run at once.
    package static let mostCommands = 16

    /// Runs a command beside a replica, with its environment, in its directory and under its limits.
    ///
    /// - Parameters:
    ///   - index: Nil is the first replica that is in rotation, or, where none is, that runs.
    ///   - release: Nil is the one that the service runs.
    ///   - timeout: The command is killed with all that it started after so long, and when the task is cancelled.
    ///   - output: Told of what it prints on both streams, as it comes; while it waits, so does the command. Must end
    ///     soon after its task is cancelled.
    package func exec(
        _ service: String, index: Int? = nil, release: Int? = nil, command: [String], timeout: Duration,
        output: @escaping @Sendable ([UInt8]) async -> Void
    ) async throws(ComputeError) -> ExecOutcome {
        try check(service)
        guard commandsUnderWay < Self.mostCommands else { throw .tooManyCommands(limit: Self.mostCommands) }
        guard let state = replica(service, index, release), let replica = state.running, let set = set(of: state)
        else { throw .noReplica(service: service, index: index, release: release) }
        let plan: LaunchPlan
        do {
            plan = try LaunchPlan(
                set.spec, replica: state.id, address: replica.innerAddress, host: set.host
            ).asUser(of: set.spec)
        } catch {
            return .notStarted("\(error)")
        }
        commandsUnderWay += 1
        defer { commandsUnderWay -= 1 }
        return await replica.exec(command, environment: plan, timeout: timeout, output: output)
    }

    private func replica(_ service: String, _ index: Int?, _ release: Int?) -> ReplicaFacts? {
        let release = release ?? services[service]?.primary.release
        return replicas.values
            .filter { state in
                state.id.service == service && state.release == release && state.running != nil
                    && !state.machine.isEnding && (index == nil || state.id.index == index)
            }
            .min { left, right in
                (left.machine.inRotation ? 0 : 1, left.id.index, -left.id.generation)
                    < (right.machine.inRotation ? 0 : 1, right.id.index, -right.id.generation)
            }
    }
}

/// What a command has printed until now.
private actor OutputKeeper {
    var output = KeptOutput()
    private var lines = LineSplitter()

    func append(_ bytes: [UInt8]) -> [String] {
        output.append(bytes)
        return lines.append(bytes)
    }

    func finish() -> String? { lines.finish() }
}
