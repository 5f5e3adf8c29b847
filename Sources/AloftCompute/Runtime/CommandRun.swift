import AloftModel
import AloftSystem
import Glibc

/// Runs a short command to its end or its time limit, and keeps the beginning of what it prints.
struct CommandRun: Sendable {
    /// Bytes of output that are kept.
    static let outputLimit = 200

    let timeout: Duration
    let clock: any TimeSource
    /// By what everything it starts is found and killed at its end.
    let mark: CommandMark
    let place: CommandMark.Place

    /// - Parameter launch: Its streams are set here, and its environment has the mark. Everything it started is killed at
    ///   the end of the command, at the time limit, and when the task is cancelled.
    func run(_ launch: ProcessLaunch) async -> ExecOutcome {
        do {
            let pipe = try OutputPipe(limit: Self.outputLimit)
            var launch = launch
            launch.standardOutput = pipe.descriptor
            launch.standardError = pipe.descriptor
            let watch = try await launch.runWatched()
            pipe.closeWritingEnd()
            let ending = await within(timeout, clock: clock) { await watch.wait() } ?? nil
            try await mark.end(watch, in: place, clock: clock)
            return ending.map { .ended($0, output: pipe.output()) } ?? .timedOut(output: pipe.output())
        } catch {
            return .notStarted("\(error)")
        }
    }
}
