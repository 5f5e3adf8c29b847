import AloftSystem
import Logging

/// Commands inside a container that were over their time and were ended.
///
/// An engine that is killed while it makes a command's process may have told a helper to make it, and on a busy machine
/// that is made after nothing was found any more. So each command is looked for twice again.
struct LateCommands: Sendable {
    /// After so long, and again so long after that.
    private static let pauses = [Duration.milliseconds(500), .seconds(2)]
    /// Of more than these that wait, the oldest are let go.
    private static let most = 32

    private let marks: AsyncStream<CommandMark>
    private let ended: AsyncStream<CommandMark>.Continuation

    init() { (marks, ended) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.most)) }

    func add(_ mark: CommandMark) { ended.yield(mark) }

    /// Until the task is cancelled; called once.
    func sweep(clock: any TimeSource, logger: Logger) async {
        for await mark in marks {
            for pause in Self.pauses {
                do {
                    try await clock.sleep(for: pause)
                    _ = try await mark.end(clock: clock)
                } catch is CancellationError {
                    return
                } catch {
                    logger.warning("commands that are over can't be looked for", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
