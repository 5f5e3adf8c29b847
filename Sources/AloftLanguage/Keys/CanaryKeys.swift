import AloftModel

/// `services.*.deploy.steps` and `canary`.
enum CanaryKeys {
    static let step = Section<CanarySpec.Step>(
        "step", [weight.member, time.member, approve.member], alternatives: [.exactlyOne("weight", "approve")]
    ) { fields, reader in
        if fields.has(approve) { fields.report(time, idle: "in a step that waits for somebody", &reader) }
        if let name = fields[approve] { return .approve(name) }
        guard let weight = fields[weight] else { return nil }
        if !fields.has(time) {
            reader.problems.error(
                fields.span(Self.weight), "`for` is missing: how long the canary is sent \(weight)",
                hint: "write for example `{weight: \(weight), for: 5m}`")
        }
        return .weight(weight, for: fields[time] ?? .seconds(300))
    }

    static let weight = Key<CanarySpec.Step, Percent?>.optional(
        "weight", .percent(Percent(basisPoints: 1)...Percent(100)),
        "The share of requests that the new release is sent.",
        example: "5%", synonyms: ["setWeight", "percent", "traffic"]
    ) { if case .weight(let share, _) = $0 { share } else { nil } }

    static let time = Key<CanarySpec.Step, Duration?>.optional(
        "for", .duration(.seconds(1)...(.seconds(7 * 86_400)), usual: "m"), otherwise: "needed with `weight`",
        "At least so long.", example: "5m", synonyms: ["duration", "pause", "time"]
    ) { if case .weight(_, let time) = $0 { time } else { nil } }

    static let approve = Key<CanarySpec.Step, String?>.optional(
        "approve", .approver, "Waits until somebody of this name approves; analysis goes on.", example: "ops",
        synonyms: ["approval", "manual"]
    ) { if case .approve(let name) = $0 { name } else { nil } }

    static let section = Section<CanarySpec>(
        "canary", [sticky.member, force.member, mirror.member]
    ) { fields, _ in
        CanarySpec(
            sticky: fields[sticky], forceHeader: fields[force]?.header, forceCookie: fields[force]?.cookie,
            mirror: fields[mirror])
    }

    static let sticky = Key<CanarySpec, StickyKey?>.optional(
        "sticky", stickySection.kind, otherwise: "each request by itself",
        "By what a user is known, who then stays on one release while the shares stand.",
        example: "{cookie: session}", synonyms: ["affinity", "sessionAffinity"]
    ) { $0.sticky }

    static let stickySection = Section<StickyKey>(
        "sticky", [cookie.member, header.member, address.member],
        alternatives: [.exactlyOne("cookie", "header", "address")]
    ) { fields, _ in
        fields[cookie].map { .cookie($0) } ?? fields[header].map { .header($0) }
            ?? (fields[address] == true ? .address : nil)
    }

    static let cookie = Key<StickyKey, String?>.optional(
        "cookie", .cookieName, "The value of this cookie; without it the client's address.", example: "session"
    ) { if case .cookie(let name) = $0 { name } else { nil } }

    static let header = Key<StickyKey, String?>.optional(
        "header", .requestField, "The value of this header; without it the client's address.", example: "x-user"
    ) { if case .header(let name) = $0 { name } else { nil } }

    static let address = Key<StickyKey, Bool?>.optional(
        "address", .flag, "The client's address.", example: "true", synonyms: ["ip"]
    ) { $0 == .address ? true : nil }

    /// `force`: at least one of the two.
    struct Force: Sendable, Hashable {
        var header: String?
        var cookie: String?
    }

    static let force = Key<CanarySpec, Force?>.optional(
        "force", forceSection.kind, otherwise: "nobody can choose",
        "A request with this header or cookie chooses by itself: `canary` or `stable`.",
        example: "{header: x-release}", synonyms: ["override"]
    ) { spec in
        let force = Force(header: spec.forceHeader, cookie: spec.forceCookie)
        return force == Force() ? nil : force
    }

    static let forceSection = Section<Force>(
        "force", [forceHeader.member, forceCookie.member], alternatives: [.atLeastOne("header", "cookie")]
    ) { fields, _ in
        let force = Force(header: fields[forceHeader], cookie: fields[forceCookie])
        return force == Force() ? nil : force
    }

    static let forceHeader = Key<Force, String?>.optional(
        "header", .requestField, "A header whose value is `canary` or `stable`.", example: "x-release"
    ) { $0.header }

    static let forceCookie = Key<Force, String?>.optional(
        "cookie", .cookieName, "A cookie whose value is `canary` or `stable`.", example: "release"
    ) { $0.cookie }

    static let mirror = Key<CanarySpec, Percent?>.optional(
        "mirror", .percent(Percent(basisPoints: 1)...Percent(100)), otherwise: "no request is copied",
        "The share of GET and HEAD requests of which a copy goes to the canary too, its answer thrown away.",
        example: "10%", synonyms: ["shadow", "mirrorPercentage"]
    ) { $0.mirror }
}
