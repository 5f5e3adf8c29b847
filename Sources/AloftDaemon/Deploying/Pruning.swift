import AloftModel
import AloftRollout

/// Forgets releases that `history` does not keep, and removes what only they named.
struct Pruning: Sendable {
    let present: Present
    let rollouts: Rollouts
    let book: ReleaseBook
    let events: EventQueue

    func prune() async {
        do {
            for spec in present.facts.running.plan.services {
                _ = try await rollouts.prune(spec.name, keeping: spec.deploy.history)
            }
            _ = try await book.artifacts.removeUnnamed(by: try await book.store.all(), now: .now)
        } catch {
            events.publish(.warning, "release.notPruned", "daemon", "old releases stay: \(error)")
        }
    }
}
