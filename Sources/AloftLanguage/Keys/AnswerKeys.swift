import AloftModel

/// `edge.routes[].redirect` and `respond`.
extension RouteKeys {
    static let redirectKind: Kind<RedirectSpec> = {
        let section = redirectSection.kind
        let place = Kind<String>.redirectTarget
        return Kind(.either([place.form, section.form]), spell: section.spell) { node, reader in
            guard node.items == nil else {
                reader.error(node, "`redirect` is a URL, a path, or a section with `to`, and this is a list")
                return nil
            }
            guard node.scalar == nil else {
                return place.read(node, &reader).map { RedirectSpec(to: $0, status: redirectStatus.initial) }
            }
            return section.read(node, &reader)
        }
    }()

    static let redirectSection = Section<RedirectSpec>("redirect", [to.member, redirectStatus.member]) { fields, _ in
        fields[to].map { RedirectSpec(to: $0, status: fields[redirectStatus]) }
    }

    static let to = Key<RedirectSpec, String?>.required(
        "to", .redirectTarget, "An absolute URL or a path.",
        detail:
            "`${uri}` is the request's path and query, `${host}` its host without the port; a request that names no "
            + "host gets 400 where the host is needed.",
        example: "\"https://example.com${uri}\"", synonyms: ["url", "location", "target"]
    ) { $0.to }

    static let redirectStatus = Key<RedirectSpec, Int>.standard(
        "status",
        .status(
            [
                (301, "for good; some clients turn POST into GET"), (302, "for now; some clients turn POST into GET"),
                (303, "look there with GET"), (307, "for now, same method"), (308, "for good, same method"),
            ]),
        "308", "What kind of redirect.", example: "307", synonyms: ["code"]
    ) { $0.status }

    static let respondSection = Section<RespondSpec>(
        "respond", [status.member, body.member, contentType.member]
    ) { fields, reader in
        let spec = RespondSpec(status: fields[status], body: fields[body], contentType: fields[contentType])
        if !spec.body.isEmpty, [204, 205, 304].contains(spec.status) {
            reader.problems.error(
                fields.span(body), "an answer with status \(spec.status) has no body",
                hint: "remove `body`, or write `status: 200`")
        }
        return spec
    }

    static let status = Key<RespondSpec, Int>.standard(
        "status", .integer(200...599), "200", "The status.", example: "404", synonyms: ["code", "statusCode"]
    ) { $0.status }

    static let body = Key<RespondSpec, String>.standard(
        "body", .body, "\"\"", "The body, as it stands here.", example: "\"maintenance\\n\"",
        synonyms: ["text", "content"]
    ) { $0.body }

    static let contentType = Key<RespondSpec, String>.standard(
        "contentType", .fieldValue, "text/plain; charset=utf-8", "The type of the body.",
        example: "application/json", synonyms: ["type"]
    ) { $0.contentType }
}

extension Kind where Value == String {
    static var body: Kind {
        let form = ScalarForm(type: "text", plural: "texts", limits: "at most 64 KiB", json: .anyScalar)
        return .scalar(
            form, spell: { .text($0) },
            parse: { scalar, _ in
                scalar.text.utf8.count <= 64 << 10
                    ? .success(scalar.text) : .failure(Complaint("is longer than 64 KiB"))
            })
    }

    static var redirectTarget: Kind {
        let form = ScalarForm(
            type: "URL or path", plural: "URLs", limits: "at most 2048 bytes",
            json: .string(pattern: "^(https?://|/|\\$\\{uri\\})"))
        return Kind(
            .scalar(form), spell: { .text($0) },
            read: { node, reader in
                guard let scalar = node.scalar, !scalar.isNull else {
                    reader.error(node, "`\(reader.key)` is a URL or path, and this is \(node.noun)")
                    return nil
                }
                var index = 0
                for piece in scalar.text.split(separator: "${", omittingEmptySubsequences: false).dropFirst() {
                    let name = piece.prefix { $0 != "}" }
                    if !["uri", "host"].contains(name) || name.count == piece.count {
                        reader.problems.error(
                            reader.text.reference(index, in: node),
                            "unknown reference `${\(String(name).shortened)}` in a redirect",
                            hint: "known are `${uri}`, the request's path and query, and `${host}`, its host")
                        return nil
                    }
                    index += 1
                }
                let sample = scalar.text.replacing("${uri}", with: "/").replacing("${host}", with: "host")
                if let complaint = complaint(aboutTarget: sample) {
                    reader.error(node, "\(reader.quotation(scalar)) \(complaint.message)", hint: complaint.hint)
                    return nil
                }
                return scalar.text
            })
    }

    private static func complaint(aboutTarget text: String) -> Complaint? {
        guard text.utf8.count <= 2048 else { return Complaint("is longer than 2048 bytes") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`{|}".utf8.contains($0) }) else {
            return Complaint("holds a character that needs percent-encoding")
        }
        if text.hasPrefix("//") && !text.hasPrefix("///") || text.hasPrefix("/\\") {
            return Complaint("begins with `//`, which is another host", hint: "write the whole URL, with `https:`")
        }
        if text.hasPrefix("/") { return nil }
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            let authority = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            return authority.isEmpty || authority.hasPrefix(":") ? Complaint("has no host") : nil
        }
        return Complaint("is neither a URL nor a path", hint: "write `\"https://example.com${uri}\"` or `/new`")
    }
}

extension Kind where Value == Int {
    /// One of some statuses.
    static func status(_ words: [(Int, String)]) -> Kind {
        let choice = Kind<Int>.choice(words.map { (String($0.0), $0.0, $0.1) })
        return Kind(choice.form, spell: { .bare(String($0)) }, read: choice.read)
    }
}
