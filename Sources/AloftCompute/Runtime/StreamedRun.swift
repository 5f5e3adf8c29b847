import AloftSystem
import Glibc

/// Runs a command to its end or its time limit and hands on what it prints as it comes.
struct StreamedRun: Sendable {
    /// Bytes that are handed on at once, at most.
    static let chunkSize = 16 << 10
    /// How long what is still in the pipe is read once the command has ended; whoever holds it open longer is not heard.
    static let lastWords = Duration.seconds(1)

    let timeout: Duration
    let clock: any TimeSource
    /// Called with what is printed, one call after another; while it waits, so does the command. Must end soon after
    /// its task is cancelled.
    let output: @Sendable ([UInt8]) async -> Void
    /// By what everything it starts is found and killed at its end.
    let mark: CommandMark
    let place: CommandMark.Place

    /// - Parameter launch: Its streams are set here, and its environment has the mark. Everything it started is killed at
    ///   the end of the command, at the time limit, and when the task is cancelled.
    func run(_ launch: ProcessLaunch) async -> ExecOutcome {
        do {
            let pipe = try ProcessPipe()
            var launch = launch
            launch.standardOutput = pipe.descriptor
            launch.standardError = pipe.descriptor
            let watch = try await launch.runWatched()
            pipe.closeWritingEnd()
            return try await follow(watch, pipe)
        } catch {
            return .notStarted("\(error)")
        }
    }

    private func follow(_ watch: ProcessWatch, _ pipe: ProcessPipe) async throws -> ExecOutcome {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await read(pipe) }
            let ending = await within(timeout, clock: clock) { await watch.wait() } ?? nil
            try await mark.end(watch, in: place, clock: clock)
            group.addTask {
                do {
                    try await clock.sleep(for: Self.lastWords)
                } catch {
                    // Everything was read, or nobody wants to know any more.
                }
            }
            try await group.next()
            group.cancelAll()
            return ending.map { .ended($0, output: []) } ?? .timedOut(output: [])
        }
    }

    private func read(_ pipe: ProcessPipe) async {
        do throws(SystemError) {
            while true {
                let chunk = try await pipe.next(upTo: Self.chunkSize)
                if chunk.isEmpty { return }
                await output(chunk)
            }
        } catch {
            // Cancelled: what is printed after the end of the command is not wanted.
        }
    }
}
