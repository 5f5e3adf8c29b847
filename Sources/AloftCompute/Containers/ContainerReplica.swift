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
    private let released: @Sendable () -> Void

    init(
        _ record: AdoptionRecord, note: ContainerNote, watch: ProcessWatch?, calls: EngineCalls,
        released: @escaping @Sendable () -> Void
    ) {
        self.record = record
        self.note = note
        self.watch = watch
        self.calls = calls
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
        guard await watch.wait() != nil else { return nil }
        // At once: the engine is about to remove the cgroup, and the count with it.
        return await cause(kills: cgroup?.memoryKills() ?? 0)
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
            if let end = await askForEnd() { return end }
            do {
                try await calls.clock.sleep(for: pause)
            } catch {
                return nil
            }
            pause = pause * 2
        }
        return nil
    }

    private func askForEnd() async -> (code: Int32, outOfMemory: Bool)? {
        let format = "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}"
        guard
            let answer = try? await calls.finish(
                ["container", "inspect", "--format", format, note.name], within: EngineCalls.Limit.question)
        else { return nil }
        let words = answer.output.split { $0.isWhitespace }
        guard words.count == 3, words[0] == "exited" || words[0] == "stopped", let code = Int32(words[1]) else {
            return nil
        }
        return (code, words[2] == "true")
    }

    // MARK: stopping

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
            if note.engine.kind == .docker { try await endFollower() }
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

    /// With its anonymous volumes. One that is not there is fine.
    ///
    /// - Returns: What went wrong.
    static func remove(_ name: String, _ calls: EngineCalls) async -> String? {
        let how = calls.engine.kind == .podman ? ["--ignore", "--time", "0"] : []
        do throws(LaunchFailure) {
            let answer = try await calls.finish(
                ["rm", "--force", "--volumes"] + how + [name], within: EngineCalls.Limit.change)
            let text = answer.complaint.lowercased()
            if answer.succeeded || text.contains("no such container") { return nil }
            return "container \(name) cannot be removed: \(EngineText.lastLine(answer.complaint))"
        } catch {
            return "container \(name) cannot be removed: \(error)"
        }
    }

    // MARK: output

    /// Docker keeps a container's output itself: a process that outlives this daemon copies it to the spool files.
    ///
    /// Nothing to do with podman, nor where the copying process of an earlier daemon still runs.
    func followOutput(logger: Logger) async {
        guard note.engine.kind == .docker else { return }
        do {
            if try !followers().isEmpty { return }
            let isNew =
                try readText(record.stdoutPath, limit: 1).isEmpty && readText(record.stderrPath, limit: 1).isEmpty
            let flags = O_WRONLY | O_CREAT | O_APPEND
            let out = try Descriptor(opening: record.stdoutPath, flags)
            let err = try Descriptor(opening: record.stderrPath, flags)
            // What was copied already is not copied again; a line or two around the break may be lost or doubled.
            let since = isNew ? [] : ["--since", "\(Self.lastWrite(record.stdoutPath, record.stderrPath))"]
            let arguments = [note.engine.path, "logs", "--follow"] + since + [note.name]
            _ = try await ProcessLaunch(
                executable: note.engine.path, arguments: arguments, environment: calls.environment, directory: "/",
                standardOutput: out.number, standardError: err.number
            ).runWatched()
            withExtendedLifetime((out, err)) {}
        } catch {
            logger.error("a container's output cannot be read", metadata: ["error": "\(error)"])
        }
    }

    private static func lastWrite(_ paths: String...) -> Int {
        paths.map { path in
            var status = stat()
            return stat(path, &status) == 0 ? status.st_mtim.tv_sec : 0
        }.max() ?? 0
    }

    private func followers() throws -> [Int32] {
        try ProcessRemains(leader: nil, cgroup: nil, outputFiles: [record.stdoutPath, record.stderrPath]).find()
    }

    /// It ends by itself once it has copied the last; for that it has three seconds.
    private func endFollower() async throws {
        let deadline = calls.clock.now + .seconds(3)
        while calls.clock.now < deadline {
            if try followers().isEmpty { return }
            try await calls.clock.sleep(for: .milliseconds(20))
        }
        for pid in try followers() { Glibc.kill(pid, SIGKILL) }
    }

    // MARK: commands

    func exec(_ command: [String], environment: LaunchPlan, timeout: Duration) async -> ExecOutcome {
        await calls.gates.commands.enter()
        let outcome = await keepingOutput(of: command, timeout: timeout)
        await calls.gates.commands.leave()
        return outcome
    }

    private func keepingOutput(of command: [String], timeout: Duration) async -> ExecOutcome {
        do {
            let pipe = try OutputPipe(limit: CommandRun.outputLimit)
            let mark = CommandMark(Self.newMark())
            var launch = attachment(to: command, mark)
            launch.standardOutput = pipe.descriptor
            launch.standardError = pipe.descriptor
            let watch = try await launch.runWatched()
            pipe.closeWritingEnd()
            if let ending = await within(timeout, clock: calls.clock, { await watch.wait() }) ?? nil {
                return .ended(ending, output: pipe.output())
            }
            // The engine's program alone would leave the command running inside.
            try ProcessGroup.signal(watch.identity.pid, SIGKILL)
            try await end(mark)
            return .timedOut(output: pipe.output())
        } catch {
            return .notStarted("\(error)")
        }
    }

    func exec(
        _ command: [String], environment: LaunchPlan, timeout: Duration,
        output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome {
        let mark = CommandMark(Self.newMark())
        let outcome = await StreamedRun(timeout: timeout, clock: calls.clock, output: output) { try mark.kill() }
            .run(attachment(to: command, mark))
        guard case .timedOut = outcome else { return outcome }
        do {
            try await end(mark)
            return outcome
        } catch {
            return .notStarted("\(error)")
        }
    }

    /// Until nothing of the command is found inside, though the task be cancelled.
    private func end(_ mark: CommandMark) async throws {
        let clock = calls.clock
        _ = try await Task { try await mark.end(clock: clock) }.value
    }

    private static func newMark() -> String { "exec-\(UInt64.random(in: 0 ... .max))" }

    /// The container's own environment is there in any case; the mark is no secret, so it may be on a command line.
    private func attachment(to command: [String], _ mark: CommandMark) -> ProcessLaunch {
        ProcessLaunch(
            executable: note.engine.path,
            arguments: [note.engine.path, "exec", "--env", mark.variable, note.name] + command,
            environment: calls.environment, directory: "/", standardOutput: -1, standardError: -1)
    }
}
