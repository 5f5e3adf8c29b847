import AloftModel
import AloftRollout
import AloftSystem

/// What takes the room in a state directory, for those who must make some.
struct DiskUse: Sendable {
    /// Below this a deploy is not begun: its text, its rows in the journal and a few lines of logs must fit. Of a small
    /// disk it is a twentieth.
    static let least = 2 << 20
    private static let deepest = 128

    var artifacts = 0
    var logs = 0
    var journal = 0
    /// Output of replicas that was not read yet.
    var spools = 0
    var rest = 0

    init(_ paths: StatePaths) throws(SystemError) {
        do throws(FolderWalk.Failure) {
            var walk = try FolderWalk(paths.directory, rules: .none, deepest: Self.deepest)
            while let entry = try walk.next() {
                guard entry.status.kind == .file else { continue }
                add(entry.allocated, entry.text)
            }
        } catch {
            if case .system(let error) = error { throw error }
        }
    }

    private mutating func add(_ bytes: Int, _ path: String) {
        switch path.split(separator: "/").first ?? "" {
        case "releases": artifacts += bytes
        case "logs", "daemon.log": logs += bytes
        case "run": spools += bytes
        case let name where name.hasPrefix("journal"): journal += bytes
        default: rest += bytes
        }
    }

    /// `artifacts 300MiB, logs 12MiB, …`, largest first.
    var description: String {
        [
            ("artifacts", artifacts), ("logs", logs), ("journal", journal), ("output not read yet", spools),
            ("the rest", rest),
        ]
        .sorted { $0.1 > $1.1 }.filter { $0.1 > 0 }
        .map { "\($0.0) \(ByteSize(bytes: $0.1).rounded)" }.joined(separator: ", ")
    }

    static let hint =
        "`aloft prune` removes old releases with their artifacts; `deploy.history` and `logs.maxSize` bound them from now on"
}

extension Operator {
    /// Refused before anything is begun, where what a deploy writes would not fit.
    func checkRoom() throws(ControlFailure) {
        let folder = options.paths.directory
        let (left, use): (Int, String)
        do throws(SystemError) {
            let room = try Directories.room(at: folder)
            guard room.free < min(DiskUse.least, room.size / 20) else { return }
            (left, use) = (room.free, try DiskUse(options.paths).description)
        } catch {
            throw ControlFailure(.failed, "\(error)")
        }
        throw ControlFailure(
            .refused,
            "the disk of \(folder) is full: \(ByteSize(bytes: left).rounded) are left. Aloft has there: \(use)",
            hint: DiskUse.hint)
    }

    /// An artifact that was not taken; of one that would not fit, what takes the room.
    func refusal(_ error: ArtifactError) -> ControlFailure {
        guard case .noRoom = error else { return ControlFailure(error) }
        do {
            let use = try DiskUse(options.paths).description
            return ControlFailure(
                .refused, "\(error). Aloft has in \(options.paths.directory): \(use)", hint: DiskUse.hint)
        } catch {
            return ControlFailure(.refused, "\(error)", hint: DiskUse.hint)
        }
    }

    /// Forgets releases of a service beyond `keep`, and removes at once what only they named.
    func prune(_ service: String, _ request: PruneRequest) async throws -> PruneReport {
        try await turnstile.alone {
            let before = try DiskUse(options.paths)
            let history = HistorySpec(keep: request.keep, maxAge: .seconds(1_000 * 365 * 86_400))
            let removed: [Release]
            do {
                removed = try await deployer.rollouts.prune(service, keeping: history)
                let book = deployer.book
                _ = try await book.artifacts.removeUnnamed(by: try await book.store.all(), now: .now, grace: .zero)
            } catch let error as RolloutError {
                throw ControlFailure(error)
            } catch let error as ArtifactError {
                throw ControlFailure(.failed, "\(error)")
            }
            let after = try DiskUse(options.paths)
            let (state, kept) = (options.paths.directory, options.paths.releases)
            return PruneReport(
                service: service, removed: removed.map(\.number), freed: max(0, before.artifacts - after.artifacts),
                free: try Directories.room(at: Directories.isDirectory(kept) ? kept : state).free,
                uses: after.description)
        }
    }
}
