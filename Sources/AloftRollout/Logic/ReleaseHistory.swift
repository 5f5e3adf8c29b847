import AloftModel

/// Which releases are kept.
package enum ReleaseHistory {
    /// Releases that are more than `history.keep` back, older than `history.maxAge`, or whose artifacts come, with those of
    /// all newer ones, to more than `history.maxSize`.
    ///
    /// Never among them: the current release, the one that was current before it, one that is pending or rolled out, and
    /// those of `needed`.
    package static func superfluous(
        _ releases: [Release], keeping history: HistorySpec, sizes: [String: Int] = [:], needed: Set<Int> = [],
        now: Timestamp
    ) -> [Release] {
        let sorted = releases.sorted { $0.number > $1.number }
        let kept = needed.union(alwaysKept(sorted))
        let heavy = tooHeavy(sorted, sizes, history.maxSize)
        return sorted.enumerated().filter { position, release in
            !kept.contains(release.number)
                && (position >= max(1, history.keep) || now - release.created > history.maxAge
                    || heavy.contains(release.number))
        }.map(\.element).sorted { $0.number < $1.number }
    }

    /// The release that `aloft rollback` goes back to: the last one before the current that served, and is not the same.
    package static func before(_ current: Release, in releases: [Release]) -> Release? {
        releases.filter { $0.number < current.number && $0.promoted != nil && !$0.runsTheSame(as: current) }
            .max { $0.number < $1.number }
    }

    /// What a rollback need not go through again, since the release that it brings back did.
    package static func gates(wentThroughBy draft: ReleaseDraft, in releases: [Release]) -> [GateRecord] {
        guard case .rollback(let number) = draft.reason, let earlier = releases.first(where: { $0.number == number })
        else { return [] }
        let gates = earlier.gates.filter { $0.stage == .before }
        // Those of a rollback say already where they are from.
        if case .rollback = earlier.reason { return gates }
        return gates.map { gate in
            var gate = gate
            gate.detail += " (release \(number))"
            return gate
        }
    }

    /// Releases with an artifact of their own that does not fit beside those of newer ones.
    private static func tooHeavy(_ newestFirst: [Release], _ sizes: [String: Int], _ limit: ByteSize) -> Set<Int> {
        var (seen, heavy): (Set<String>, Set<Int>) = ([], [])
        var bytes = 0
        for release in newestFirst {
            guard let artifact = release.overrides.artifact else { continue }
            if seen.insert(artifact).inserted { bytes += sizes[artifact] ?? 0 }
            if bytes > limit.bytes { heavy.insert(release.number) }
        }
        return heavy
    }

    private static func alwaysKept(_ releases: [Release]) -> Set<Int> {
        var kept = Set(releases.filter { [.pending, .rollingOut, .current].contains($0.status) }.map(\.number))
        if let current = releases.first(where: { $0.status == .current }) {
            let served = releases.filter { $0.number < current.number && $0.promoted != nil }
            if let last = served.first { kept.insert(last.number) }
            if let different = before(current, in: releases) { kept.insert(different.number) }
        }
        return kept
    }
}
