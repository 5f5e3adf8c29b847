import AloftSystem
import Glibc
import Logging

/// Takes what a container of docker prints to the spool files.
///
/// A process of docker's, attached to the container from its first byte, writes to the files and outlives this daemon.
/// Docker keeps no log of its own besides (`--log-driver none`): nothing is rotated away before it was read, and a
/// program that prints faster than the disk takes it waits, as with podman. With docker's json-file a container that
/// printed 20 MB of short lines lost half of them.
struct DockerAttachment: Sendable {
    let name: String
    let stdoutPath: String
    let stderrPath: String
    let calls: EngineCalls
    let logger: Logger

    /// Starts a container that was made, and returns once it runs, or has run.
    ///
    /// - Returns: What docker says where it could not be started; then nobody is attached any more.
    /// - Throws: Where it is not known within the time of a change.
    func start() async throws -> EngineAnswer {
        let watch = try await launch(["start", "--attach", name])
        let deadline = calls.clock.now + EngineCalls.Limit.change
        var pause = Duration.milliseconds(20)
        while calls.clock.now < deadline {
            // Asked in this order, as it may start and end in between.
            let hasEnded = watch.ending != nil
            if try await hasStarted() { return EngineAnswer(ending: .exited(0), output: "", errors: "") }
            if hasEnded {
                let said = try readText(stderrPath, limit: 64 << 10)
                return EngineAnswer(ending: .exited(1), output: "", errors: said)
            }
            try await calls.clock.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(500))
        }
        try watch.signal(SIGKILL)
        throw LaunchFailure("`docker start` did not end within \(EngineCalls.Limit.change.quantity)")
    }

    private func hasStarted() async throws(LaunchFailure) -> Bool {
        let answer = try await calls.finish(
            ["container", "inspect", "--format", "{{.State.Status}}", name], within: EngineCalls.Limit.question)
        guard answer.succeeded else { throw LaunchFailure(EngineText.startFailure(answer.complaint, calls.engine)) }
        return answer.output.filter { $0.isLetter } != "created"
    }

    /// Sees to it that somebody is attached, until the task is cancelled. What is printed while nobody is, is lost, and a
    /// line of Aloft's log says that it may be.
    func keep() async {
        while !Task.isCancelled {
            do {
                try await follow()
                // Who is attached to a container that ends may end before it: nobody has to follow.
                try await calls.clock.sleep(for: .seconds(1))
            } catch is CancellationError {
                return
            } catch {
                logger.error("a container's output cannot be read", metadata: ["error": "\(error)"])
                guard (try? await calls.clock.sleep(for: .seconds(5))) != nil else { return }
            }
        }
    }

    private func follow() async throws {
        if let known = try attached().first {
            do throws(SystemError) {
                _ = try await ProcessWatch(ProcessIdentity(of: known)).wait()
            } catch {
                // It ended just now.
                if error.code != ESRCH && !error.isAbsence { throw error }
            }
        } else {
            logger.warning("some output of a container may be lost", metadata: ["container": "\(name)"])
            _ = try await launch(["attach", "--no-stdin", "--sig-proxy=false", name]).wait()
        }
    }

    /// After the container's end: the one attached ends by itself once it has written the last; for that it has three
    /// seconds.
    func end() async throws {
        let deadline = calls.clock.now + .seconds(3)
        while calls.clock.now < deadline {
            if try attached().isEmpty { return }
            try await calls.clock.sleep(for: .milliseconds(20))
        }
        for pid in try attached() { kill(pid, SIGKILL) }
    }

    /// Processes that write to the spool files.
    private func attached() throws -> [Int32] {
        try ProcessRemains(leader: nil, cgroup: nil, outputFiles: [stdoutPath, stderrPath]).find()
    }

    private func launch(_ arguments: [String]) async throws -> ProcessWatch {
        let flags = O_WRONLY | O_CREAT | O_APPEND
        let out = try Descriptor(opening: stdoutPath, flags)
        let err = try Descriptor(opening: stderrPath, flags)
        let watch = try await ProcessLaunch(
            executable: calls.engine.path, arguments: [calls.engine.path] + arguments, environment: calls.environment,
            directory: "/", standardOutput: out.number, standardError: err.number
        ).runWatched()
        withExtendedLifetime((out, err)) {}
        return watch
    }
}
