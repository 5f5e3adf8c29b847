import AloftModel

/// `environments.*`: the parts of the file that they lay over it, by name.
enum EnvironmentKeys {
    /// An environment says nothing of itself yet.
    static let section = Section<EnvironmentRules>("environment", []) { _, reader in
        EnvironmentRules(name: reader.path.last ?? "")
    }

    /// `FileReading` lays them over the file before this section is read; here their names count.
    static let rules: Kind<[EnvironmentRules]> = {
        let rule = NameRule.named("environments", subject: "an environment's name")
        let form = Form.map(rule, .overlay(section.form), limit: FileReading.maximumEnvironments)
        let spell: @Sendable ([EnvironmentRules]) -> Outline = { all in
            .map(all.map { .init(name: $0.name, value: .map([])) })
        }
        return Kind(form, spell: spell) { node, _ in
            (node.entries ?? []).filter { !$0.key.hasPrefix("x-") }.map { EnvironmentRules(name: $0.key) }
        }
    }()
}
