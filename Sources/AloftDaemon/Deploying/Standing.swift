import AloftLanguage
import AloftModel
import AloftRollout

/// What a service runs, and what a reload of a file would make of it.
///
/// The two words about a service are the file's and those of `aloft deploy` beside it (`--set`, `--artifact`,
/// `--image`), which win until they are taken back. So neither the file alone nor the release alone says what runs next.
struct Standing: Sendable {
    /// As its newest release that did not fail describes it.
    var runs: ServiceSpec
    /// After a reload: the same where the file's own words are not new.
    var next: ServiceSpec
    /// Where what runs is not what the file says, and whose word that is.
    var notes: [String] = []
}

extension Deployer {
    /// Nil where the service has no release yet, or none that can be read: then the file alone speaks.
    ///
    /// - Parameter values: Of `${env.NAME}` after the reload.
    func standing(of file: ServiceSpec, values: [String: String]) async throws -> Standing? {
        let releases = try await rollouts.releases(of: file.name)
        guard let newest = releases.last(where: Self.stands), let base = readable(newest) else { return nil }
        let kept = try await kept(for: file)
        let wanted = book.laid(kept, over: file)
        var unpinned = newest.overrides
        (unpinned.pinned, unpinned.folder) = (nil, nil)
        guard let runs = readable(unpinned, over: base) else { return nil }
        var notes = Self.overridden(kept.environment, in: file, releases)
        let isNew = try await journal.fact(Self.seenKey(file.name)) != book.digest(file, values)
        guard !isNew else { return Standing(runs: runs, next: book.file(file, over: wanted), notes: notes) }
        // A container's digest names the image that its tag meant then, so the words are compared; a process runs in the
        // folder that a link led to then.
        var inItsFolder = kept
        if base.directory == file.directory { inItsFolder.folder = newest.overrides.folder }
        let runsTheFile =
            file.container == nil
            ? newest.specDigest == book.digest(book.laid(inItsFolder, over: file), values)
            : book.digest(runs, values) == book.digest(wanted, values)
        if !runsTheFile { notes.append(Self.heldBack(newest, releases)) }
        return Standing(runs: runs, next: book.file(file, over: runs), notes: notes)
    }

    /// What runs now and what a reload would make of it, with all that it does not do.
    func statement(
        from running: Plan, to proposed: Plan, _ offer: HostVariables.Offer
    ) async throws -> (changes: [PlanChange], notes: [String]) {
        var (before, after) = (running, proposed)
        var notes: [String] = []
        var values: [PlanChange] = []
        for index in after.services.indices {
            let file = after.services[index]
            guard let standing = try await standing(of: file, values: offer.values) else { continue }
            after.services[index] = standing.next
            if let old = before.services.firstIndex(where: { $0.name == file.name }) {
                // What a release keeps of `envFiles` does not say which file it was in.
                let ran = before.services[old].fileVariables
                let keeps = standing.next.fileVariables.fingerprint == standing.runs.fileVariables.fingerprint
                before.services[old] = book.file(before.services[old], over: standing.runs)
                before.services[old].fileVariables = ran
                after.services[index].fileVariables = keeps ? ran : file.fileVariables
            }
            notes += standing.notes
            values += offer.changed.filter { changes($0, standing.next, offer) }
                .map { Language.newValue(of: $0, for: file.name) }
        }
        for name in offer.kept {
            notes.append("${env.\(name)} is not set in this shell: the daemon keeps the value that it has")
        }
        return (Language.difference(from: before, to: after) + values, notes)
    }

    private func changes(_ name: String, _ spec: ServiceSpec, _ offer: HostVariables.Offer) -> Bool {
        var before = offer.values
        before[name] = book.variables.values[name]
        return book.digest(spec, before) != book.digest(spec, offer.values)
    }

    static func stands(_ release: Release) -> Bool { release.status != .failed && release.status != .rolledBack }

    private func readable(_ overrides: ReleaseOverrides, over base: ServiceSpec) -> ServiceSpec? {
        do { return try book.spec(overrides, over: base) } catch { return nil }
    }

    private func readable(_ release: Release) -> ServiceSpec? {
        do { return try book.base(of: release) } catch { return nil }
    }

    private static func overridden(
        _ variables: [String: String], in file: ServiceSpec, _ releases: [Release]
    ) -> [String] {
        variables.sorted { $0.key < $1.key }.compactMap { name, value in
            let said = file.environment.first { $0.name == name }?.value
            guard said != Template(value) else { return nil }
            // The oldest of the releases in a row that have it.
            let since = releases.filter(stands).reversed().prefix { $0.overrides.environment[name] == value }.last
            let by = since.map { " in release \($0.number)" } ?? ""
            let verb = said == nil ? "is" : "stays"
            return "env.\(name) of \(file.name) \(verb) \(value): set by `aloft deploy --set`\(by); "
                + "`aloft deploy \(file.name) --unset env.\(name)` lets the file speak"
        }
    }

    private static func heldBack(_ newest: Release, _ releases: [Release]) -> String {
        let service = newest.service
        var why = "it is what `aloft deploy` made of an earlier file"
        if let last = releases.last, last.number > newest.number {
            why =
                "release \(last.number), which followed the file, is \(last.status == .failed ? "failed" : "rolled back")"
        } else if case .rollback(let number) = newest.reason {
            why = "it is a rollback to \(number)"
        } else if case .promoted(let environment, _) = newest.reason {
            why = "it was promoted from \(environment)"
        }
        return "\(service) stays as release \(newest.number) has it, not as the file says: \(why); "
            + "`aloft deploy \(service)` follows the file"
    }
}
