import AloftModel
import AloftSystem
import Glibc

/// A replica that is a process group of this machine.
final class ProcessReplica: RunningReplica {
    let record: AdoptionRecord
    /// Nil where the process had ended before this daemon looked.
    private let watch: ProcessWatch?
    private let cgroup: Cgroup?
    private let clock: any TimeSource
    private let released: @Sendable () -> Void

    /// - Parameter released: Called when its files are removed and its port may be given to another.
    init(
        _ record: AdoptionRecord, watch: ProcessWatch?, cgroup: Cgroup?, clock: any TimeSource,
        released: @escaping @Sendable () -> Void
    ) {
        self.record = record
        self.watch = watch
        self.cgroup = cgroup
        self.clock = clock
        self.released = released
    }

    var hasEnded: Bool { watch == nil || watch?.ending != nil }

    func ended() async -> LastExit.Cause? {
        guard let watch else { return Task.isCancelled ? nil : .unknown }
        guard let ending = await watch.wait() else { return nil }
        return cause(ending)
    }

    /// The kernel's count is of the whole cgroup, made for this process alone: a kill of the leader by SIGKILL that
    /// Aloft did not send, with a count above zero, is a kill for memory.
    private func cause(_ ending: ProcessEnding) -> LastExit.Cause {
        let killedForMemory = (cgroup?.memoryKills() ?? 0) > 0
        switch ending {
        case .exited(let code): return .code(code)
        case .signaled(SIGKILL) where killedForMemory: return .outOfMemory(limit: record.memoryLimit)
        case .signaled(let number): return .signal(number)
        case .unknown: return killedForMemory ? .outOfMemory(limit: record.memoryLimit) : .unknown
        }
    }

    func processes() -> [Int32] {
        guard !hasEnded else { return [] }
        // What can't be read now is asked for again by the next probe that fails.
        return (try? remains.find()) ?? []
    }

    private var remains: ProcessRemains {
        ProcessRemains(
            leader: watch == nil ? nil : record.process, cgroup: cgroup,
            outputFiles: [record.stdoutPath, record.stderrPath])
    }

    func signal(_ number: Int32) throws {
        guard let watch, watch.ending == nil else { return }
        try ProcessGroup.signal(record.process.pid, number)
    }

    func signalLeader(_ number: Int32) throws { try watch?.signal(number) }

    func killRemains() async -> [String] {
        do {
            let left = try await remains.killAll(clock: clock)
            return left.map { "process \($0) does not end, not even by SIGKILL" }
        } catch is CancellationError {
            return []
        } catch {
            return ["\(error)"]
        }
    }

    func removeFiles() async -> [String] {
        var problems: [String] = []
        do throws(SystemError) {
            try RunDirectory(path: record.directory).remove()
        } catch {
            problems.append("\(error)")
        }
        if let problem = await removeCgroup() { problems.append(problem) }
        released()
        return problems
    }

    /// The kernel lets go of a cgroup some time after the last process in it was reaped.
    private func removeCgroup() async -> String? {
        guard let cgroup else { return nil }
        var pause = Duration.milliseconds(1)
        while true {
            do throws(SystemError) {
                try cgroup.remove()
                return nil
            } catch {
                guard error.code == EBUSY, pause < .milliseconds(500) else { return "\(error)" }
            }
            do {
                try await clock.sleep(for: pause)
            } catch {
                return nil
            }
            pause = pause * 2
        }
    }

    func exec(_ command: [String], environment: LaunchPlan, timeout: Duration) async -> ExecOutcome {
        let mark = CommandMark.unique()
        do {
            return await CommandRun(timeout: timeout, clock: clock, mark: mark, place: commandPlace)
                .run(try launch(command, environment, mark))
        } catch {
            return .notStarted("\(error)")
        }
    }

    func exec(
        _ command: [String], environment: LaunchPlan, timeout: Duration,
        output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome {
        let mark = CommandMark.unique()
        do {
            return await StreamedRun(timeout: timeout, clock: clock, output: output, mark: mark, place: commandPlace)
                .run(try launch(command, environment, mark))
        } catch {
            return .notStarted("\(error)")
        }
    }

    private var commandPlace: CommandMark.Place { cgroup.map { .cgroup($0) } ?? .orphans }

    private func launch(_ command: [String], _ plan: LaunchPlan, _ mark: CommandMark) throws -> ProcessLaunch {
        var launch = try plan.launch(command)
        launch.environment.append(mark.variable)
        launch.cgroupProcsFiles = cgroup?.procsFiles ?? []
        return launch
    }
}
