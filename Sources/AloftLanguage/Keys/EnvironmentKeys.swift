import AloftModel

/// `environments.*`: what an environment says of itself, beside the part of the file that it lays over the file.
enum EnvironmentKeys {
    static let section = Section<EnvironmentRules>("environment", [promotesTo.member, requires.member]) {
        fields, reader in
        let name = reader.path.last ?? ""
        if fields[promotesTo] == name {
            reader.problems.error(
                fields.span(promotesTo), "`\(name)` promotes to itself",
                hint: "name the environment that comes after it")
        }
        return EnvironmentRules(
            name: name, promotesTo: fields[promotesTo], approvals: fields[requires]?.approvals ?? [])
    }

    static let promotesTo = Key<EnvironmentRules, String?>.optional(
        "promotesTo", environmentName, otherwise: "releases stay here",
        "The environment that may take over releases of this one, with `aloft promote`.", example: "production",
        effect: .atOnce, synonyms: ["next", "promoteTo"]
    ) { $0.promotesTo }

    /// `requires`.
    struct Requirement: Sendable, Hashable { var approvals: [String] }

    static let requires = Key<EnvironmentRules, Requirement?>.optional(
        "requires", requirement.kind, otherwise: "nobody is asked", "What a release of another one needs to come here.",
        example: "{approvals: [ops]}", effect: .atOnce
    ) { $0.approvals.isEmpty ? nil : Requirement(approvals: $0.approvals) }

    static let requirement = Section<Requirement>("requires", [approvals.member]) { fields, reader in
        fields.reportRepeated(approvals, &reader)
        return fields[approvals].map { Requirement(approvals: $0) }
    }

    static let approvals = Key<Requirement, [String]?>.required(
        "approvals", .list(of: .approver, count: 1...20), "Who must each approve.", example: "[ops]",
        synonyms: ["approvers", "reviewers"]
    ) { $0.approvals }

    /// The part of an environment that is no part of the file.
    static func own(_ node: Node) -> Node {
        let names = section.form.keys.map(\.name)
        return Node(.map((node.entries ?? []).filter { names.contains($0.key) }), node.span)
    }

    /// `FileReading` lays the rest over the file before this section is read.
    static let rules: Kind<[EnvironmentRules]> = {
        let rule = NameRule.named("environments", subject: "an environment's name")
        let kind = section.kind
        let form = Form.map(rule, .overlay(section.form), limit: FileReading.maximumEnvironments)
        let spell: @Sendable ([EnvironmentRules]) -> Outline = { all in
            .map(all.map { .init(name: $0.name, value: kind.spell($0)) })
        }
        return Kind(form, spell: spell) { node, reader in
            (node.entries ?? []).filter { !$0.key.hasPrefix("x-") }.compactMap { entry in
                reader.within(entry.key) { kind.read(own(entry.value), &$0) }
            }
        }
    }()

    private static let environmentName: Kind<String> = {
        let form = ScalarForm(
            type: "name of an environment", plural: "names of environments", limits: nil,
            json: .string(pattern: Names.pattern))
        return .scalar(
            form, spell: { .text($0) },
            parse: { scalar, reader in
                guard !reader.environments.contains(scalar.text) else { return .success(scalar.text) }
                let near = Nearest.word(to: scalar.text, among: reader.environments)
                return .failure(
                    Complaint(
                        "names no environment of the file",
                        hint: near.map { "did you mean `\($0)`?" } ?? "add it to `environments`, or correct the name"))
            })
    }()
}
