import AloftModel

/// Why a request to `Rollouts` was refused or could not be done.
package enum RolloutError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Somebody else's rollout of the service is under way.
    case held(service: String, release: Int, by: String, since: Timestamp, phase: RolloutPhase)
    /// The release that runs, or is being rolled out, is no different.
    case sameRelease(service: String, release: Int)
    /// Nothing is being rolled out.
    case noRollout(service: String)
    /// The rollout does not wait for an approval of this name; those it still waits for.
    case noSuchApproval(service: String, name: String, open: [String])
    /// Not in this phase: what was asked, and why not.
    case notNow(service: String, asked: String, phase: RolloutPhase, why: String)
    /// A migration that cannot be undone has run: only `force` goes back.
    case irreversible(service: String, release: Int)
    case noSuchRelease(service: String, number: Int, known: [Int])
    /// The journal could not be read or written.
    case store(String)
    /// The file of a release can't be read any more.
    case spec(service: String, release: Int, String)

    /// For events of one release, which need not name it twice.
    func message(ofRelease number: Int) -> String {
        if case .spec(_, number, let what) = self { return "release \(number): its file can't be read: \(what)" }
        return "release \(number): \(self)"
    }

    package var description: String {
        switch self {
        case .held(let service, let release, let by, let since, let phase):
            "\(by) is rolling out release \(release) of `\(service)` since \(since) (\(phase.rawValue))"
        case .sameRelease(let service, let release):
            "release \(release) of `\(service)` is the same"
        case .noRollout(let service):
            "no release of `\(service)` is being rolled out"
        case .noSuchApproval(let service, let name, let open):
            open.isEmpty
                ? "the rollout of `\(service)` waits for no approval"
                : "the rollout of `\(service)` does not wait for `\(name)`, but for: \(open.joined(separator: ", "))"
        case .notNow(let service, let asked, let phase, let why):
            "cannot \(asked) the rollout of `\(service)` now (\(phase.rawValue)): \(why)"
        case .irreversible(let service, let release):
            "the migration of release \(release) of `\(service)` has run and can't be undone"
        case .noSuchRelease(let service, let number, let known):
            "`\(service)` has no release \(number)"
                + (known.isEmpty ? "" : "; kept are \(known.map(String.init).joined(separator: ", "))")
        case .store(let what):
            "the journal failed: \(what)"
        case .spec(let service, let release, let what):
            "release \(release) of `\(service)` can't be read: \(what)"
        }
    }
}
