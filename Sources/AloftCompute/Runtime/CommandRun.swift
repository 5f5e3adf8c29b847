import AloftModel
import AloftSystem
import Glibc

/// Runs a short command to its end or its time limit, and keeps the beginning of what it prints.
struct CommandRun: Sendable {
    /// Bytes of output that are kept.
    static let outputLimit = 200

    let command: [String]
    let plan: LaunchPlan
    let cgroupProcsFiles: [String]
    let timeout: Duration
    let clock: any TimeSource

    func run() async -> ExecOutcome {
        do {
            let pipe = try OutputPipe(limit: Self.outputLimit)
            let watch = try await start(pipe)
            return await finish(watch, pipe)
        } catch {
            return .notStarted("\(error)")
        }
    }

    private func start(_ pipe: OutputPipe) async throws -> ProcessWatch {
        guard let program = command.first else { throw LaunchFailure("the command is empty") }
        var launch = ProcessLaunch(
            executable: try ProgramPath.find(program, directory: plan.directory, path: plan.path),
            arguments: command, environment: plan.environment, directory: plan.directory,
            standardOutput: pipe.descriptor, standardError: pipe.descriptor)
        launch.cgroupProcsFiles = cgroupProcsFiles
        launch.user = plan.user
        let watch = try await launch.runWatched()
        pipe.closeWritingEnd()
        return watch
    }

    /// The whole group is killed at the end, so that nothing the command started stays.
    private func finish(_ watch: ProcessWatch, _ pipe: OutputPipe) async -> ExecOutcome {
        let ending = await within(timeout, clock: clock) { await watch.wait() } ?? nil
        do {
            try ProcessGroup.signal(watch.identity.pid, SIGKILL)
        } catch {
            return .notStarted("\(error)")
        }
        guard let ending else { return .timedOut(output: pipe.output()) }
        return .ended(ending, output: pipe.output())
    }
}
