import AloftCompute
import AloftEdge
import AloftJournal
import AloftModel
import AloftRollout
import Foundation

/// Rollouts start, scale, promote and remove sets of replicas.
struct ComputeSets: ReplicaSets {
    let compute: Compute

    func sets(of service: String) async -> [SetState] {
        await compute.sets(service).map { set in
            SetState(
                release: set.release, isPrimary: set.isPrimary, desired: set.desired, ready: set.ready + set.done,
                replicas: set.replicas.count, unsure: set.adopting, crashes: set.crashes,
                failure: Self.failure(of: set), failedStarts: set.failedStarts, isStuck: set.isStuck,
                output: Self.troubled(in: set)?.printed ?? [])
        }
    }

    /// Of the first replica that is not as it should be.
    static func failure(of set: ReplicaSetStatus) -> String? {
        // One that was started again is as it should be, and how it ended is all there is to say.
        let crashed = set.crashes > 0 ? set.replicas.first { $0.lastExit?.asked == false } : nil
        return (troubled(in: set) ?? crashed)?.trouble
    }

    /// The one that tried most often first.
    private static func troubled(in set: ReplicaSetStatus) -> ReplicaStatus? {
        let all = (set.waiting + set.replicas).filter {
            $0.state != .ready && $0.state != .done && ($0.reason ?? $0.exit) != nil
        }
        let most = all.map(\.failedStarts).max() ?? 0
        return all.first { $0.failedStarts == most }
    }

    func start(_ spec: ServiceSpec, release: Int, desired: Int) async throws {
        try await compute.start(ServiceTarget(spec: spec, release: release), desired: desired)
    }

    func scale(_ service: String, release: Int, to desired: Int) async throws {
        try await compute.scale(service, release: release, to: desired)
    }

    func promote(_ service: String, release: Int) async throws {
        try await compute.promote(service, release: release)
    }

    func remove(_ service: String, release: Int) async throws {
        try await compute.remove(service, release: release)
    }
}

extension ReplicaStatus {
    fileprivate var exit: String? { lastExit?.summary }

    /// What the process before printed that says why it ended, or else the present one.
    fileprivate var printed: [String] { printed(hasCrashed: lastExit?.asked == false) }

    private func printed(hasCrashed: Bool) -> [String] {
        let before = lastExit?.lastLines ?? []
        return hasCrashed ? (before.isEmpty ? lastLines : before) : (lastLines.isEmpty ? before : lastLines)
    }

    /// Why, and the line of what was printed that says most. Of one that ended by itself and was not ready since, it is the end that
    /// matters, and not that the next process does not listen yet.
    fileprivate var trouble: String? {
        let wasReadySince = [.unready, .draining, .stopping].contains(state)
        let hasCrashed = lastExit?.asked == false && !wasReadySince
        guard let why = hasCrashed ? exit : reason ?? exit else { return nil }
        // Of one that a probe condemned it is the probe that says why.
        let isCondemned = hasCrashed && lastExit?.condemnation != nil
        let said = isCondemned ? nil : TellingLines.headline(printed(hasCrashed: hasCrashed))
        return "\(id.name): \(why)" + (said.map { ": \($0)" } ?? "")
    }
}

/// Rollouts share requests between releases and read how each did.
struct EdgeTraffic: Traffic {
    /// Synthetic requests under way at once.
    static let probesAtOnce = 8

    let edge: Edge
    let compute: Compute

    /// Compute hears of it second: replicas count as available for as long as they are sent requests.
    func split(_ split: TrafficSplit?, of service: String) async {
        await edge.split(split, of: service)
        await compute.split(split, of: service)
    }

    func numbers(of service: String) async -> [Int: ReleaseNumbers] {
        var numbers: [Int: ReleaseNumbers] = [:]
        for counts in await edge.statistics().releases where counts.service == service {
            numbers[counts.release] = ReleaseNumbers(
                requests: Int(clamping: counts.requests), failures: Int(clamping: counts.failures),
                latency: LatencyCounts(counts.latency.countsByMicroseconds))
        }
        return numbers
    }

    func probe(_ service: String, release: Int, path: String, requests: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<max(0, requests) {
                if index >= Self.probesAtOnce { await group.next() }
                group.addTask {
                    // How it went is in the edge's counters, where every other request is.
                    _ = await edge.probe(
                        service: service, release: release, path: path, host: "localhost", within: .seconds(5))
                }
            }
        }
    }
}

/// Releases and rollouts are tables of the journal.
struct JournalRolloutStore: RolloutStore {
    let journal: Journal

    func releases(of service: String) async throws -> [Release] {
        try await journal.releases(of: service).map(Self.release)
    }

    /// Of all services.
    func all() async throws -> [Release] { try await journal.releases().map(Self.release) }

    func save(_ releases: [Release], rollout: RolloutState?) async throws {
        let encoder = JSONEncoder()
        let rows = try releases.map {
            ReleaseRow(service: $0.service, number: $0.number, json: Array(try encoder.encode($0)))
        }
        let state = try rollout.map { (service: $0.service, json: Array(try encoder.encode($0))) }
        try await journal.save(releases: rows, rollout: state)
    }

    func rollouts() async throws -> [RolloutState] {
        let decoder = JSONDecoder()
        return try await journal.rollouts().sorted { $0.key < $1.key }
            .map { try decoder.decode(RolloutState.self, from: Data($0.value)) }
    }

    func removeReleases(of service: String, numbers: [Int]) async throws {
        try await journal.removeReleases(numbers, of: service)
    }

    private static func release(_ row: ReleaseRow) throws -> Release {
        try JSONDecoder().decode(Release.self, from: Data(row.json))
    }
}

/// Gates and migrations are commands that compute runs.
struct ServiceCommands: CommandRunner {
    let compute: Compute
    /// Tells this daemon's commands from those of others on this machine.
    let stateDirectory: String

    func run(_ command: ReleaseCommand, line: @escaping @Sendable (String) -> Void) async -> CommandResult {
        if command.kind == .migration {
            let limit = command.spec.deploy.progressDeadline
            let missing = await compute.awaitDependencies(of: command.spec, within: limit)
            guard missing.isEmpty else {
                let names = missing.joined(separator: ", ")
                return CommandResult(passed: false, detail: "not run: after \(limit.quantity) still waits for \(names)")
            }
        }
        let result = await compute.run(
            ServiceCommand(
                command: command.run, spec: command.spec, release: command.release, mark: mark(of: command),
                timeout: command.timeout)
        ) { line($0) }
        return CommandResult(passed: result.passed, detail: result.detail)
    }

    func endRemains(of command: ReleaseCommand) async {
        do {
            _ = try await compute.endRemains(of: mark(of: command))
        } catch {
            // Its processes can't be listed; `run` of the same command would fail for the same reason.
            return
        }
    }

    private func mark(of command: ReleaseCommand) -> String {
        let state = SpecDigest.name(of: stateDirectory)
        return "\(state)/\(command.spec.name)/\(command.release)/\(command.kind.rawValue)/\(command.name)"
    }
}
