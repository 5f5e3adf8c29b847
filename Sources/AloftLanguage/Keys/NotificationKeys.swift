import AloftModel

/// `notifications`.
enum NotificationKeys {
    static let section = Section<NotificationSpec>(
        "notifications", [channels.member, critical.member, warning.member, deploys.member, fallback.member],
        prepare: { node, reader in
            reader.channels = (node["channels"]?.entries ?? []).map(\.key).filter { !$0.hasPrefix("x-") }
        },
        build: build)

    private static func build(_ fields: Fields, _ reader: inout Reader) -> NotificationSpec? {
        let spec = NotificationSpec(
            channels: fields[channels], critical: fields[critical] ?? .init(), warning: fields[warning] ?? .init(),
            deploys: fields[deploys] ?? .init(), fallback: fields[fallback])
        if !fields.has(critical), !fields.has(warning), !fields.has(deploys), reader.jobChannels.isEmpty {
            fields.report(fallback, idle: "without `critical`, `warning` or `deploys`: nothing is ever sent", &reader)
        }
        let routed = Set(spec.critical.to + spec.warning.to + spec.deploys.to)
        if let name = spec.fallback, routed == [name] {
            fields.report(fallback, idle: "where `\(name)` is the only channel: it would be its own", &reader)
        }
        let used = routed.union([spec.fallback].compactMap { $0 }).union(reader.jobChannels)
        for entry in fields.node(channels)?.entries ?? [] where !entry.key.hasPrefix("x-") && !used.contains(entry.key)
        {
            reader.problems.warning(
                entry.keySpan, "nothing is ever sent to the channel `\(entry.key.shortened)`",
                hint: "name it in `critical`, `warning`, `deploys` or `fallback`, or remove it")
        }
        return spec
    }

    static let channels = Key<NotificationSpec, [NotificationSpec.Channel]>.standard(
        "channels", channelsKind, "{}", "Where notifications can go, by name.",
        example: "{ops: {slack: \"https://hooks.slack.com/services/T0/B0/x\"}}"
    ) { $0.channels }

    static let critical = routing("critical", "Who is told of what needs somebody now.", example: "{to: [ops]}") {
        $0.critical
    }
    static let warning = routing("warning", "Who is told of what may need somebody.", example: "{to: [ops], after: 5m}")
    {
        $0.warning
    }
    static let deploys = routing("deploys", "Who is told of deploys and what became of them.", example: "{to: [ops]}") {
        $0.deploys
    }

    static let fallback = Key<NotificationSpec, String?>.optional(
        "fallback", .channelName, otherwise: "nowhere", "Where goes, once, what its own channel could not take.",
        example: "ops"
    ) { $0.fallback }

    private static func routing(
        _ name: String, _ summary: String, example: String,
        _ current: @escaping @Sendable (NotificationSpec) -> NotificationSpec.Routing
    ) -> Key<NotificationSpec, NotificationSpec.Routing?> {
        .optional(name, routingSection.kind, otherwise: "nobody", summary, example: example) { spec in
            let routing = current(spec)
            return routing.to.isEmpty ? nil : routing
        }
    }

    static let routingSection = Section<NotificationSpec.Routing>("routing", [to.member, after.member]) {
        fields, reader in
        guard let names = fields[to] else { return nil }
        fields.reportRepeated(to, &reader)
        return NotificationSpec.Routing(to: names, after: fields[after])
    }

    static let to = Key<NotificationSpec.Routing, [String]?>.required(
        "to", .list(of: .channelName, count: 1...20), "Names of channels.", example: "[ops]", synonyms: ["channels"]
    ) { $0.to }

    static let after = Key<NotificationSpec.Routing, Duration>.standard(
        "after", .duration(.zero...(.seconds(86_400)), usual: "m"), "0s",
        "Held back and gathered for so long; what is over by then is not sent.", example: "5m", synonyms: ["delay"]
    ) { $0.after }

    private static let channelsKind: Kind<[NotificationSpec.Channel]> = {
        let rule = NameRule.named("channels", subject: "a channel's name")
        let map = Kind<[(name: String, value: NotificationSpec.Channel)]>.map(
            rule, of: ChannelKeys.section.kind, limit: 50)
        return Kind(map.form, spell: { map.spell($0.map { ($0.name, $0) }) }) { node, reader in
            map.read(node, &reader)?.map(\.value)
        }
    }()
}
