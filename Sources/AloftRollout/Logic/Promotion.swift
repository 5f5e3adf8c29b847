import AloftModel

/// Whether a release of one environment may be taken by another.
package enum Promotion {
    /// What is known of the release in the environment that it comes from, and of the artifact that would be deployed.
    package struct Candidate: Sendable, Hashable {
        package var release: Release
        /// The environment in which it ran: `staging`.
        package var environment: String
        /// All gates of the file it ran with, by stage: those that must have passed.
        package var gates: GatesSpec
        /// What the other environment would run.
        package var artifact: String?
        package var image: String?

        package init(
            release: Release, environment: String, gates: GatesSpec, artifact: String? = nil, image: String? = nil
        ) {
            self.release = release
            self.environment = environment
            self.gates = gates
            self.artifact = artifact
            self.image = image
        }
    }

    /// Everything that stands against it, in the words of a person; empty lets it pass.
    ///
    /// - Parameter environments: `environments` of the file.
    package static func objections(
        to candidate: Candidate, into target: String, environments: [EnvironmentRules], approvals: [ApprovalRecord]
    ) -> [String] {
        let release = candidate.release
        let name = "release \(release.number) of `\(release.service)` in `\(candidate.environment)`"
        var objections: [String] = []
        if let rules = environments.first(where: { $0.name == candidate.environment }) {
            if rules.promotesTo != target {
                let to = rules.promotesTo.map { "promotes to `\($0)`" } ?? "promotes to no other"
                objections.append("`\(candidate.environment)` \(to)")
            }
        } else {
            objections.append("the file has no environment `\(candidate.environment)`")
        }
        if release.environment != candidate.environment {
            objections.append("\(name) ran as `\(release.environment ?? "none")`")
        }
        if release.status != .current {
            objections.append("\(name) is not current but \(release.status.rawValue)")
        }
        objections += gateObjections(candidate, name)
        if release.overrides.artifact != candidate.artifact {
            objections.append("the artifact is not that of \(name)")
        }
        if release.overrides.containerImage != candidate.image { objections.append("the image is not that of \(name)") }
        let missing = missingApprovals(into: target, environments: environments, approvals: approvals)
        return objections + missing.map { "approval `\($0)` is missing" }
    }

    /// Names that must approve before `target` takes a release, in the order of the file, without those who have.
    package static func missingApprovals(
        into target: String, environments: [EnvironmentRules], approvals: [ApprovalRecord]
    ) -> [String] {
        let required = environments.first { $0.name == target }?.approvals ?? []
        return required.filter { name in !approvals.contains { $0.name == name } }
    }

    /// The last result of each gate counts; an advisory one that failed stops nothing here either.
    private static func gateObjections(_ candidate: Candidate, _ name: String) -> [String] {
        var last: [String: GateRecord] = [:]
        for record in candidate.release.gates { last["\(record.stage.rawValue)/\(record.name)"] = record }
        let before = candidate.gates.before.filter(\.required).map { ("before", $0.name) }
        let after = candidate.gates.after.map { ("after", $0.rawValue) }
        return (before + after).compactMap { stage, gate in
            switch last["\(stage)/\(gate)"]?.outcome {
            case .passed: nil
            // A check without a subject can't pass anywhere.
            case .notApplicable: nil
            case .failed: "gate `\(gate)` failed for \(name)"
            case nil: "gate `\(gate)` has not run for \(name)"
            }
        }
    }
}
