import AloftModel

/// `edge.headers`: those of answers, and those that tell applications of the client.
enum HeaderKeys {
    struct Headers: Sendable, Hashable {
        var answers: HeaderRules
        var forwarding: ForwardingSpec
    }

    static let section = Section<Headers>(
        "headers", [set.member, remove.member, forwarded.member, untrusted.member]
    ) { fields, reader in
        let rules = HeaderRules(set: fields[set], remove: fields[remove].map(\.item))
        let names = Set(rules.set.map { $0.name.lowercased() })
        for removed in fields[remove] where names.contains(removed.item.lowercased()) {
            reader.problems.error(
                removed.node?.span ?? fields.span, "`\(removed.item)` is both set and removed",
                hint: "keep one; `set` replaces what the app sent")
        }
        var forwarding = fields[untrusted]
        forwarding.family = fields[forwarded]
        return Headers(answers: rules, forwarding: forwarding)
    }

    static let set = Key<Headers, [HeaderRules.Field]>.standard(
        "set", .fields(lowercased: false), "{}", "Headers that every answer gets; they replace what the app sent.",
        example: "{X-Frame-Options: DENY}", synonyms: ["add"]
    ) { $0.answers.set }

    static let remove = Key<Headers, [Placed<String>]>.standard(
        "remove", .placedList(of: .fieldName, count: 0...64), "[]", "Headers that no answer keeps.",
        example: "[X-Powered-By]", synonyms: ["unset", "hide"]
    ) { $0.answers.remove.map { Placed(item: $0) } }

    static let forwarded = Key<Headers, ForwardingSpec.Family>.standard(
        "forwarded",
        .choice([
            ("both", .both, "both, and both say the same"),
            ("xForwarded", .xForwarded, "`X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`"),
            ("standard", .standard, "`Forwarded` (RFC 7239)"),
        ]),
        "both", "The headers in which apps are told of the client's address, scheme and host.",
        detail:
            "Behind `trustedProxies` they are made from what the proxy sent: from its `X-Forwarded-For`, `-Proto` and "
            + "`-Host` if it sent any of them, else from its `Forwarded`.",
        example: "standard"
    ) { $0.forwarding.family }

    static let untrusted = Key<Headers, ForwardingSpec>.standard(
        "untrusted", untrustedSection.kind, "{}", "Request headers that only `trustedProxies` may send.",
        detail:
            "Apps believe these headers about who asked, how and for what, so they are removed from everybody else's "
            + "requests, in every spelling with `_` or another mark for `-` too. Always: "
            + ForwardingSpec.guarded.map { "`\($0)`" }.joined(separator: ", ")
            + ". `Proxy` is removed from everybody's.",
        example: "{keep: [X-Real-IP]}"
    ) { $0.forwarding }

    static let untrustedSection = Section<ForwardingSpec>(
        "untrusted", [guarded.member, kept.member]
    ) { fields, reader in
        UntrustedCheck(removed: fields[guarded], kept: fields[kept]).report(to: &reader)
        return ForwardingSpec(remove: fields[guarded].map(\.item), keep: fields[kept].map(\.item))
    }

    static let guarded = Key<ForwardingSpec, [Placed<String>]>.standard(
        "remove", .placedList(of: .guardedName, count: 0...64), "[]",
        "More such headers; `X-Mine-*` is every name that begins so.", example: "[X-Internal-*]", synonyms: ["add"]
    ) { $0.remove.map { Placed(item: $0) } }

    static let kept = Key<ForwardingSpec, [Placed<String>]>.standard(
        "keep", .placedList(of: .guardedName, count: 0...64), "[]",
        "Headers that anyone may send all the same, because your apps don't take them for a proxy's word.",
        example: "[X-Real-IP]", synonyms: ["allow", "except"]
    ) { $0.keep.map { Placed(item: $0) } }
}

extension Kind where Value == String {
    /// The name of a header that only trusted proxies may send, or `X-Mine-*` for all that begin so.
    static var guardedName: Kind {
        text("header name", plural: "header names", pattern: HeaderNames.pattern, limits: "at most 128 characters") {
            text in
            if let complaint = HeaderNames.complaint(text) { return .failure(Complaint(complaint)) }
            let star = text.firstIndex(of: "*")
            guard star.map({ text[$0...] == "*" && text[..<$0].hasSuffix("-") && text != "-*" }) ?? true else {
                return .failure(
                    Complaint(
                        "has a `*` that does not stand behind a last `-`",
                        hint: "write `X-Mine-*` for every name that begins with `X-Mine-`"))
            }
            guard !ForwardingSpec.own.contains(GuardedName.folded(text)) else {
                return .failure(
                    Complaint(
                        "is a header that the edge reads or writes itself",
                        hint: "`edge.trustedProxies` says whose word about clients counts"))
            }
            return .success(text)
        }
    }
}

/// Names as applications compare them.
enum GuardedName {
    /// In lower case, with `-` for every mark; a last `*` stays.
    static func folded(_ name: String) -> String {
        let bytes = Array(name.lowercased().utf8)
        let folded = bytes.enumerated().map { index, byte -> UInt8 in
            let isLetter = (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
            return isLetter || (byte == UInt8(ascii: "*") && index == bytes.count - 1) ? byte : UInt8(ascii: "-")
        }
        return String(decoding: folded, as: UTF8.self)
    }

    /// Whether all that `name` stands for is in one of `names`; both folded.
    static func isCovered(_ name: String, by names: [String]) -> Bool {
        names.contains { other in
            other == name || (other.hasSuffix("*") && name.count >= other.count && name.hasPrefix(other.dropLast()))
        }
    }
}

/// Names in `edge.headers.untrusted` that change nothing.
private struct UntrustedCheck {
    let removed: [Placed<String>]
    let kept: [Placed<String>]

    func report(to reader: inout Reader) {
        let guarded = ForwardingSpec.guarded.map(GuardedName.folded)
        let own = removed.map { GuardedName.folded($0.item) }
        for (index, name) in removed.enumerated() {
            if kept.contains(where: { GuardedName.folded($0.item) == own[index] }) {
                reader.problems.error(
                    name.node?.span ?? .fileStart, "`\(name.item)` is both removed and kept", hint: "keep one")
            } else if GuardedName.isCovered(own[index], by: guarded + own[..<index]) {
                reader.problems.warning(
                    name.node?.span ?? .fileStart, "`\(name.item)` is removed already: this changes nothing",
                    hint: "remove it from the list")
            }
        }
        for name in kept {
            let folded = GuardedName.folded(name.item)
            let isRemoved =
                GuardedName.isCovered(folded, by: guarded + own)
                || (guarded + own).contains { GuardedName.isCovered($0, by: [folded]) }
            guard !isRemoved else { continue }
            let near = reader.problems.takesHints ? Nearest.word(to: name.item, among: ForwardingSpec.guarded) : nil
            reader.problems.warning(
                name.node?.span ?? .fileStart, "`\(name.item)` is not removed from any request: this changes nothing",
                hint: near.map { "did you mean `\($0)`?" } ?? "remove it from the list")
        }
    }
}
