import AloftCompute
import AloftJobs
import AloftJournal
import AloftLogs
import AloftModel
import AloftRollout
import AloftScaling
import Foundation
import Logging
import ServiceLifecycle

/// Jobs are commands that compute runs in the current release of their service.
struct JobCommands: JobRunner {
    let compute: Compute
    let book: ReleaseBook
    /// Tells this daemon's commands from those of others on this machine.
    let stateDirectory: String

    func release(of service: String) async throws -> Int { try await current(service).number }

    func run(
        _ job: JobSpec, run: Int, release: Int, line: @escaping @Sendable (String) async -> Void
    ) async -> JobPlanner.Ending {
        let spec: ServiceSpec
        do {
            let releases = try await book.store.releases(of: job.service)
            guard let found = releases.first(where: { $0.number == release }) else {
                return .notStarted("release \(release) of \(job.service) is not there any more")
            }
            spec = try book.spec(of: found)
        } catch {
            return .notStarted("\(error)")
        }
        let result = await compute.run(
            ServiceCommand(
                command: job.command, spec: spec, release: release, mark: mark(job.name, run), timeout: job.timeout),
            line: line)
        switch result.outcome {
        case .exited(let code): return .exited(Int(code))
        case .signaled: return .signaled(String(result.detail.dropFirst("killed by ".count)))
        case .timedOut: return .timedOut
        case .notStarted(let why): return .notStarted(why)
        }
    }

    func endRemains(of job: String, run: Int) async {
        do {
            _ = try await compute.endRemains(of: mark(job, run))
        } catch {
            // Its processes can't be listed; the next run of the job would fail for the same reason.
            return
        }
    }

    /// The release that a service runs now.
    func current(_ service: String) async throws -> Release {
        guard let release = try await book.current(service) else {
            throw ControlFailure(
                .nothingThere, "\(service) has no release that runs yet",
                hint: "`aloft status` says what its first one waits for")
        }
        return release
    }

    private func mark(_ job: String, _ run: Int) -> String {
        "\(SpecDigest.name(of: stateDirectory))/job/\(job)/\(run)"
    }
}

/// What is remembered of each job is a fact of the journal.
struct JournalJobs: JobStore {
    private static let prefix = "job/"

    let journal: Journal

    func load() async throws -> [String: JobState] {
        var states: [String: JobState] = [:]
        for (key, text) in try await journal.facts(prefix: Self.prefix) {
            states[String(key.dropFirst(Self.prefix.count))] = try JSONDecoder().decode(
                JobState.self, from: Data(text.utf8))
        }
        return states
    }

    func save(_ state: JobState, of job: String) async throws {
        let json = try JSONEncoder().encode(state)
        try await journal.setFact(Self.prefix + job, String(decoding: json, as: UTF8.self))
    }

    func remove(_ job: String) async throws { try await journal.setFact(Self.prefix + job, nil) }
}

extension JobPorts {
    init(_ commands: JobCommands, _ stores: Stores, _ events: EventQueue) {
        let logs = stores.logs
        self.init(
            runner: commands, store: JournalJobs(journal: stores.journal),
            offset: { TimeZones.offset($0, $1) },
            printed: { job, run, line in
                logs.append(
                    line, of: ReplicaID(service: job, index: run, generation: 1), output: .stdout, at: .now)
            },
            event: { events.publish($0) })
    }
}

/// Runs jobs for as long as the daemon runs; what is under way at its end is ended.
struct JobService: Service {
    let jobs: Jobs

    func run() async throws {
        await cancelWhenGracefulShutdown { await jobs.run() }
    }
}
