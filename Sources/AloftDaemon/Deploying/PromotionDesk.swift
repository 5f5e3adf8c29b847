import AloftJournal
import AloftModel
import AloftRollout
import Foundation

/// Releases that another environment's daemon runs, looked at in its state directory, and approvals of taking them.
struct PromotionDesk: Sendable {
    let book: ReleaseBook
    let journal: Journal

    /// Approvals that were given for one release of another environment, before it was taken.
    struct Pending: Sendable, Codable, Hashable {
        var environment: String
        var release: Int
        var fileDigest: String
        var approvals: [ApprovalRecord]
        /// Names that still have to approve.
        var missing: [String]

        /// For `waitsFor` of a service: what goes on once somebody has done it.
        ///
        /// - Parameter target: The environment that takes the release.
        func wish(into target: String?, service: String) -> String {
            guard missing.isEmpty else {
                return "waits for approval of release \(release) of \(environment): \(missing.joined(separator: ", "))"
            }
            return "waits for `aloft promote \(environment) \(target ?? "TO") \(service)`: all have approved "
                + "release \(release) of \(environment)"
        }
    }

    private static func key(_ service: String) -> String { "promotion/\(service)" }

    func pending(_ service: String) async throws -> Pending? {
        guard let text = try await journal.fact(Self.key(service)) else { return nil }
        return try JSONDecoder().decode(Pending.self, from: Data(text.utf8))
    }

    private func save(_ pending: Pending?, of service: String) async throws {
        let text = try pending.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        try await journal.setFact(Self.key(service), text)
    }

    func forget(_ service: String) async throws { try await save(nil, of: service) }

    // MARK: Looking

    /// The current release of the service over there. Its file text and its artifact are copied here.
    func fetch(_ service: String, _ request: TakeRequest) async throws -> Promotion.Candidate {
        let paths = StatePaths(directory: request.state)
        guard FileManager.default.fileExists(atPath: paths.journal) else {
            throw ControlFailure(
                .nothingThere, "\(request.state) is not the state directory of a daemon",
                hint: "start `aloft up --environment \(request.environment)`, or name it with --from-state")
        }
        let there = JournalRolloutStore(journal: try Journal(path: paths.journal, access: .readOnly))
        let releases: [Release]
        do {
            releases = try await there.releases(of: service)
        } catch {
            try there.journal.close()
            throw error
        }
        try there.journal.close()
        guard let release = releases.last(where: { $0.status == .current }) else {
            throw ControlFailure(
                .nothingThere, "\(service) has no current release in \(request.environment)",
                hint: "`aloft history \(service) --environment \(request.environment)` lists what there is")
        }
        return try await copied(release, from: ReleaseArtifacts(root: paths.releases), request.environment)
    }

    private func copied(
        _ release: Release, from artifacts: ReleaseArtifacts, _ environment: String
    ) async throws -> Promotion.Candidate {
        do {
            let text = try artifacts.text(release.fileDigest)
            _ = try await book.artifacts.keep(text: text)
            var digest: String?
            if let artifact = release.overrides.artifact {
                digest = try await book.artifacts.keep(folder: artifacts.path(of: artifact)).digest
            }
            let plan = try book.read(text, environment: environment)
            guard let spec = plan.services.first(where: { $0.name == release.service }) else {
                throw ControlFailure(.failed, "the file of release \(release.number) has no \(release.service)")
            }
            return Promotion.Candidate(
                release: release, environment: environment, gates: spec.deploy.gates, artifact: digest,
                image: release.overrides.containerImage)
        } catch let error as ArtifactError {
            throw ControlFailure(error)
        }
    }

    // MARK: Deciding

    /// The environment that takes the release.
    ///
    /// - Throws: `refused` with all that stands against it but approvals.
    func check(
        _ candidate: Promotion.Candidate, into target: String?, environments: [EnvironmentRules]
    ) throws(ControlFailure) -> String {
        guard let target else {
            throw ControlFailure(
                .refused, "this daemon runs no environment that a release could be promoted to",
                hint: "start it with `aloft up --environment NAME`")
        }
        let required = environments.first { $0.name == target }?.approvals ?? []
        let all = Promotion.objections(
            to: candidate, into: target, environments: environments,
            approvals: required.map { ApprovalRecord(name: $0, user: "", time: candidate.release.created) })
        guard all.isEmpty else { throw ControlFailure(.refused, all.joined(separator: "; ")) }
        return target
    }

    /// The approvals with which the release may be taken.
    ///
    /// - Throws: `refused` where some are missing; they can be given from now on.
    func approvals(
        for candidate: Promotion.Candidate, into target: String, environments: [EnvironmentRules]
    ) async throws -> [ApprovalRecord] {
        let release = candidate.release
        let given =
            try await pending(release.service).map { pending in
                pending.environment == candidate.environment && pending.release == release.number
                    && pending.fileDigest == release.fileDigest ? pending.approvals : []
            } ?? []
        let missing = Promotion.missingApprovals(into: target, environments: environments, approvals: given)
        guard missing.isEmpty else {
            try await save(
                Pending(
                    environment: candidate.environment, release: release.number, fileDigest: release.fileDigest,
                    approvals: given, missing: missing),
                of: release.service)
            let names = missing.map { "`\($0)`" }.joined(separator: ", ")
            throw ControlFailure(
                .refused, "release \(release.number) of \(candidate.environment) waits for approval: \(names)",
                hint: "`aloft approve \(release.service) --as \(missing[0]) --environment \(target)`, "
                    + "then promote again")
        }
        return given
    }

    /// Records an approval for a release that waits to be taken.
    ///
    /// - Throws: `nothingThere` where none waits, `refused` where it does not wait for this name.
    func approve(
        _ service: String, name: String?, by user: String, proposing command: ProposedCommand
    ) async throws -> Pending {
        guard var pending = try await pending(service), !pending.missing.isEmpty else {
            throw ControlFailure(.nothingThere, "nothing of \(service) waits for an approval")
        }
        let name = name ?? (pending.missing.count == 1 ? pending.missing[0] : "")
        guard pending.missing.contains(name) else {
            let names = pending.missing.joined(separator: ", ")
            throw ControlFailure(
                .refused, "release \(pending.release) of \(pending.environment) waits for: \(names)",
                hint: "say which: " + command("approve \(service) --as \(pending.missing[0])"))
        }
        pending.approvals.append(ApprovalRecord(name: name, user: user, time: .now))
        pending.missing.removeAll { $0 == name }
        try await save(pending, of: service)
        return pending
    }
}
