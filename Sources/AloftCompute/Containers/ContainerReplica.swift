import AloftModel
import AloftSystem
import Glibc
import Logging
import Synchronization

/// A replica that is a container.
///
/// It is watched and signalled as what it is for the kernel, a process; the engine is asked only how it ended, and told
/// to remove it.
final class ContainerReplica: RunningReplica {
    let record: AdoptionRecord
    let cgroup: Cgroup?
    private let note: ContainerNote
    /// The container's first process; nil where it had ended before this daemon looked.
    private let watch: ProcessWatch?
    private let calls: EngineCalls
    /// Nil with podman, whose containers write to the spool files themselves.
    private let attachment: DockerAttachment?
    private let late = LateCommands()
    private let logger: Logger
    private let released: @Sendable () -> Void

    init(
        _ record: AdoptionRecord, note: ContainerNote, watch: ProcessWatch?, calls: EngineCalls,
        attachment: DockerAttachment?, logger: Logger, released: @escaping @Sendable () -> Void
    ) {
        self.record = record
        self.note = note
        self.watch = watch
        self.calls = calls
        self.attachment = attachment
        self.logger = logger
        self.released = released
        cgroup = record.cgroups.first.map { first in
            let isUnified = access("\(first)/cgroup.controllers", F_OK) == 0
            return Cgroup(version: isUnified ? .v2 : .v1, folders: record.cgroups)
        }
    }

    var hasEnded: Bool { watch == nil || watch?.ending != nil }

    var innerAddress: ReplicaAddress { note.innerPort.map { .port($0) } ?? record.address }

    // MARK: its end

    func ended() async -> LastExit.Cause? {
        guard let watch else { return Task.isCancelled ? nil : await cause(kills: 0) }
        guard await end(of: watch) != nil else { return nil }
        // At once: the engine is about to remove the cgroup, and the count with it.
        return await cause(kills: cgroup?.memoryKills() ?? 0)
    }

    /// What there is to do for as long as it runs, besides waiting.
    private func end(of watch: ProcessWatch) async -> ProcessEnding? {
        async let _ = late.sweep(clock: calls.clock, logger: logger)
        // Who is attached outlives this task.
        async let _ = attachment?.keep()
        return await watch.wait()
    }

    private func cause(kills: Int) async -> LastExit.Cause {
        guard let end = await end() else { return kills > 0 ? .outOfMemory(limit: record.memoryLimit) : .unknown }
        // The engine says 128 + N for signal N, as a shell does.
        if end.code == 128 + SIGKILL, kills > 0 || end.outOfMemory { return .outOfMemory(limit: record.memoryLimit) }
        return (129...192).contains(end.code) ? .signal(end.code - 128) : .code(end.code)
    }

    /// The engine learns of the end a moment after the kernel tells Aloft.
    private func end() async -> (code: Int32, outOfMemory: Bool)? {
        var pause = Duration.milliseconds(10)
        while pause < .seconds(3) {
            switch await askForEnd() {
            case .known(let code, let outOfMemory): return (code, outOfMemory)
            case .gone: return nil
            case .notYet: break
            }
            do {
                try await calls.clock.sleep(for: pause)
            } catch {
                return nil
            }
            pause = pause * 2
        }
        return nil
    }

    private enum AskedEnd {
        case known(code: Int32, outOfMemory: Bool)
        case notYet
        /// Somebody removed the container.
        case gone
    }

    private func askForEnd() async -> AskedEnd {
        let format = "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}"
        guard
            let answer = try? await calls.finish(
                ["container", "inspect", "--format", format, note.name], within: EngineCalls.Limit.question)
        else { return .notYet }
        if !answer.succeeded && EngineText.saysContainerIsGone(answer.complaint) { return .gone }
        let words = answer.output.split { $0.isWhitespace }
        guard words.count == 3, words[0] == "exited" || words[0] == "stopped", let code = Int32(words[1]) else {
            return .notYet
        }
        return .known(code: code, outOfMemory: words[2] == "true")
    }

    // MARK: stopping

    func processes() -> [Int32] {
        guard !hasEnded else { return [] }
        let first = record.process.pid
        // What can't be read now is asked for again by the next probe that fails.
        return [first] + ((try? cgroup?.pids()) ?? []).filter { $0 != first }
    }

    /// To the container's first process, as an engine does.
    func signal(_ number: Int32) throws {
        guard let watch, watch.ending == nil else { return }
        do throws(SystemError) {
            try watch.signal(number)
        } catch {
            // Containers of a daemon that runs as root (docker) are not this user's to signal.
            guard error.code == EPERM else { throw error }
            Task { try await tell(number) }
        }
    }

    private func tell(_ number: Int32) async throws(LaunchFailure) {
        _ = try await calls.finish(["kill", "--signal", "\(number)", note.name], within: EngineCalls.Limit.question)
    }

    /// The end of its first process is the end of all: the kernel sees to that for a pid namespace.
    func killRemains() async -> [String] {
        var problems: [String] = []
        do {
            try signal(SIGKILL)
            if let watch, await within(.seconds(5), clock: calls.clock, { await watch.wait() }) ?? nil == nil {
                if Task.isCancelled { return [] }
                problems.append("container \(note.name) does not end, not even by SIGKILL")
            }
            if let cgroup {
                let left = try await ProcessRemains(leader: nil, cgroup: cgroup, outputFiles: [])
                    .killAll(clock: calls.clock)
                problems += left.map { "process \($0) does not end, not even by SIGKILL" }
            }
            try await attachment?.end()
        } catch is CancellationError {
            return []
        } catch {
            problems.append("\(error)")
        }
        return problems
    }

    func removeFiles() async -> [String] {
        var problems: [String] = []
        if let problem = await Self.remove(note.name, calls) { problems.append(problem) }
        do throws(SystemError) {
            try ContainerDriver.removeFolders(record.directory)
        } catch {
            problems.append("\(error)")
        }
        released()
        return problems
    }

    /// With its anonymous volumes. One that is not there is fine; one that docker is removing already is waited for.
    ///
    /// - Returns: What went wrong.
    static func remove(_ name: String, _ calls: EngineCalls) async -> String? {
        let how = calls.engine.kind == .podman ? ["--ignore", "--time", "0"] : []
        let words = ["rm", "--force", "--volumes"] + how + [name]
        let deadline = calls.clock.now + EngineCalls.Limit.question
        do {
            while true {
                let answer = try await calls.finish(words, within: EngineCalls.Limit.change)
                if answer.succeeded || EngineText.saysContainerIsGone(answer.complaint) { return nil }
                guard EngineText.saysRemovalGoesOn(answer.complaint), calls.clock.now < deadline else {
                    return "container \(name) cannot be removed: \(EngineText.lastLine(answer.complaint))"
                }
                try await calls.clock.sleep(for: .milliseconds(100))
            }
        } catch {
            return "container \(name) cannot be removed: \(error)"
        }
    }

    // MARK: commands

    func exec(_ command: [String], environment: LaunchPlan, timeout: Duration) async -> ExecOutcome {
        await calls.gates.commands.enter()
        let outcome = await keepingOutput(of: command, timeout: timeout)
        await calls.gates.commands.leave()
        return outcome
    }

    private func keepingOutput(of command: [String], timeout: Duration) async -> ExecOutcome {
        let mark = CommandMark.unique()
        let outcome = await CommandRun(timeout: timeout, clock: calls.clock, mark: mark, place: commandPlace)
            .run(attachment(to: command, mark))
        return await ended(outcome, mark)
    }

    func exec(
        _ command: [String], environment: LaunchPlan, timeout: Duration,
        output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome {
        let mark = CommandMark.unique()
        let outcome = await StreamedRun(
            timeout: timeout, clock: calls.clock, output: output, mark: mark, place: commandPlace
        ).run(attachment(to: command, mark))
        return await ended(outcome, mark)
    }

    /// What the engine had only begun to make when its program was killed is looked for outside of the container, too.
    private func ended(_ outcome: ExecOutcome, _ mark: CommandMark) async -> ExecOutcome {
        guard case .timedOut = outcome else { return outcome }
        let clock = calls.clock
        do {
            _ = try await Task { try await mark.end(clock: clock) }.value
            late.add(mark)
            return outcome
        } catch {
            return .notStarted("\(error)")
        }
    }

    /// Commands are in the container's own cgroup, where it has one.
    private var commandPlace: CommandMark.Place { cgroup.map { .cgroup($0) } ?? .everywhere }

    /// The container's own environment is there in any case; the mark is no secret, so it may be on a command line.
    private func attachment(to command: [String], _ mark: CommandMark) -> ProcessLaunch {
        ProcessLaunch(
            executable: note.engine.path,
            arguments: [note.engine.path, "exec", "--env", mark.variable, note.name] + command,
            environment: calls.environment, directory: "/", standardOutput: -1, standardError: -1)
    }
}
