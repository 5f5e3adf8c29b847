import AloftCompute
import AloftModel
import AloftRollout

/// Forgets releases that `history` does not keep, and removes what only they named.
struct Pruning: Sendable {
    let present: Present
    let rollouts: Rollouts
    let book: ReleaseBook
    let folders: CodeFolders
    let compute: Compute
    /// A release that is being made names its image only at its end.
    let turnstile: Turnstile
    let events: EventQueue

    func prune() async {
        do {
            let services = present.facts.running.plan.services
            let sizes = try await book.artifacts.sizes()
            for spec in services {
                _ = try await rollouts.prune(spec.name, keeping: spec.deploy.history, sizes: sizes)
                if case .build? = spec.container?.source { try await removeImages(of: spec.name) }
            }
            let releases = try await book.store.all()
            _ = try await book.artifacts.removeUnnamed(by: releases, now: .now)
            _ = try book.kept.remove(except: Set(releases.compactMap(\.overrides.variables)), now: .now)
            try await folders.forget(allBut: Set(services.map(\.name)))
        } catch {
            events.publish(.warning, "release.notPruned", "daemon", "old releases stay: \(error)")
        }
    }

    private func removeImages(of service: String) async throws {
        try await turnstile.alone {
            let kept = try await rollouts.releases(of: service).compactMap(\.overrides.containerImage)
            _ = try await compute.removeBuiltImages(of: service, keeping: Set(kept))
        }
    }
}
