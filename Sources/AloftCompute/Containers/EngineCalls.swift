import AloftSystem
import Glibc

/// What a call of the engine gave.
struct EngineAnswer: Sendable {
    var ending: ProcessEnding
    var output: String
    var errors: String

    var succeeded: Bool { ending == .exited(0) }
    /// For reports: what it printed as errors, else what it printed at all.
    var complaint: String { errors.allSatisfy(\.isWhitespace) ? output : errors }
}

/// Calls the engine's program: each call has a time limit, and few run at once.
struct EngineCalls: Sendable {
    /// How long calls may take.
    enum Limit {
        static let question = Duration.seconds(10)
        /// Starting and removing; a machine under load takes seconds for what else takes 0.3.
        static let change = Duration.seconds(60)
        static let pull = Duration.seconds(600)
        static let build = Duration.seconds(1800)
    }

    /// Bytes kept of each stream.
    private static let outputLimit = 64 << 10

    let engine: ContainerEngine
    /// Of the engine's program; holds no secret of the file.
    let environment: [String]
    let gates: EngineGates
    let clock: any TimeSource
    /// False for rootless podman on cgroup v1: it holds nobody to limits, and complains on the container's own stderr
    /// where any are set.
    let holdsToLimits: Bool

    /// Where the output of a call goes when it is not to be kept in memory.
    struct Streams {
        var output: Int32
        var errors: Int32
    }

    /// Runs to its end, though the task be cancelled: half-way it would leave more than it costs to wait.
    func finish(
        _ arguments: [String], within limit: Duration, environment added: [String] = [], streams: Streams? = nil
    ) async throws(LaunchFailure) -> EngineAnswer {
        let calls = self
        let result = await Task { () -> Result<EngineAnswer, LaunchFailure> in
            do throws(LaunchFailure) {
                return .success(
                    try await calls.run(
                        arguments, within: limit, gate: calls.gates.changes, environment: added, streams: streams))
            } catch {
                return .failure(error)
            }
        }.value
        return try result.get()
    }

    /// Ends with the task, or with its time.
    func run(
        _ arguments: [String], within limit: Duration, gate: Gate, environment added: [String] = [],
        streams: Streams? = nil
    ) async throws(LaunchFailure) -> EngineAnswer {
        await gate.enter()
        do {
            let answer = try await call(arguments, within: limit, environment: added, streams: streams)
            await gate.leave()
            return answer
        } catch {
            await gate.leave()
            throw (error as? LaunchFailure) ?? LaunchFailure("\(engine.kind.rawValue): \(error)")
        }
    }

    private func call(
        _ arguments: [String], within limit: Duration, environment added: [String], streams: Streams?
    ) async throws -> EngineAnswer {
        let output = try OutputPipe(limit: Self.outputLimit)
        let errors = try OutputPipe(limit: Self.outputLimit)
        let launch = ProcessLaunch(
            executable: engine.path, arguments: [engine.path] + quiet + arguments, environment: environment + added,
            directory: "/", standardOutput: streams?.output ?? output.descriptor,
            standardError: streams?.errors ?? errors.descriptor)
        let watch = try await launch.runWatched()
        output.closeWritingEnd()
        errors.closeWritingEnd()
        if let ending = await within(limit, clock: clock, { await watch.wait() }) ?? nil {
            return EngineAnswer(ending: ending, output: text(output), errors: text(errors))
        }
        try ProcessGroup.signal(watch.identity.pid, SIGKILL)
        let verb = arguments.first ?? ""
        if Task.isCancelled { throw LaunchFailure("`\(engine.kind.rawValue) \(verb)` was given up") }
        throw LaunchFailure(
            "`\(engine.kind.rawValue) \(verb)` did not end within \(limit.quantity): \(EngineText.lastLine(text(errors)))"
        )
    }

    /// Warnings of podman would end up among what the replica prints.
    var quiet: [String] { engine.kind == .podman ? ["--log-level", "error"] : [] }

    private func text(_ pipe: OutputPipe) -> String { String(decoding: pipe.output(), as: UTF8.self) }
}

/// Lets a number of calls run at once; the others wait in order.
actor Gate {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ places: Int) { free = places }

    func enter() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

/// Three gates, so that a pull of minutes keeps no container from being stopped.
struct EngineGates: Sendable {
    /// Makes, removes, asks.
    let changes = Gate(3)
    /// Pulls and builds: one at a time, as each takes all of the disk and the network it can get.
    let images = Gate(1)
    /// Probes by command.
    let commands = Gate(4)
}
