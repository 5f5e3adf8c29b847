import AloftModel
import AloftSystem

/// What `Jobs` needs from the rest of Aloft.
package struct JobPorts: Sendable {
    package var runner: any JobRunner
    package var store: any JobStore
    package var clock: any TimeSource
    /// The UTC offset of a zone (nil: the machine's own) at an instant.
    package var offset: @Sendable (_ zone: String?, _ instant: Timestamp) -> Duration
    /// Told of each line that a job prints, from any thread; must not block.
    package var printed: @Sendable (_ job: String, _ run: Int, _ line: String) -> Void
    /// Told of every change of state, from any thread; must not block.
    package var event: @Sendable (Event) -> Void

    package init(
        runner: any JobRunner, store: any JobStore, clock: any TimeSource = SystemTime(),
        offset: @escaping @Sendable (String?, Timestamp) -> Duration,
        printed: @escaping @Sendable (String, Int, String) -> Void, event: @escaping @Sendable (Event) -> Void
    ) {
        self.runner = runner
        self.store = store
        self.clock = clock
        self.offset = offset
        self.printed = printed
        self.event = event
    }
}

/// Runs a job's command as a process group or container of its own.
package protocol JobRunner: Sendable {
    /// The number of the release that a job of this service runs in.
    ///
    /// - Throws: Where the service has none yet; the description is one line for people.
    func release(of service: String) async throws -> Int
    /// Runs it to its end or time limit. What it started is killed at its end, and when the task is cancelled.
    ///
    /// - Parameter line: Told of each line of output as it comes; while it waits, so does the command.
    func run(
        _ job: JobSpec, run: Int, release: Int, line: @escaping @Sendable (String) async -> Void
    ) async -> JobPlanner.Ending
    /// Ends what a daemon that was killed left running of this run; returns once nothing of it runs.
    func endRemains(of job: String, run: Int) async
}

/// What is remembered of jobs. Each call is durable once it returns.
package protocol JobStore: Sendable {
    func load() async throws -> [String: JobState]
    func save(_ state: JobState, of job: String) async throws
    func remove(_ job: String) async throws
}
