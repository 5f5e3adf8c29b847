import AloftModel

extension Kind where Value == Template {
    /// A URL with one of these schemes, which may come from a variable: `${env.SLACK_URL}`.
    static func url(_ schemes: [String], example: String) -> Kind {
        let template = Kind.template
        let form = ScalarForm(type: "URL", plural: "URLs", limits: "at most 2048 bytes", json: .string(pattern: nil))
        return Kind(.scalar(form), spell: template.spell) { node, reader in
            guard let value = template.read(node, &reader) else { return nil }
            guard let complaint = URLText.complaint(value, schemes, example) else { return value }
            reader.error(node, "`\(reader.key)` \(complaint.message)", hint: complaint.hint)
            return nil
        }.withoutAddress
    }

    /// A password, key or the like: one line, not empty.
    static var credential: Kind {
        let template = Kind.template
        return Kind(template.form, spell: template.spell) { node, reader in
            guard let value = template.read(node, &reader) else { return nil }
            let text = value.resolved { _ in "x" }
            guard !text.isEmpty, text.utf8.count <= 4096, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
                reader.error(node, "`\(reader.key)` is one line of text, and not empty")
                return nil
            }
            return value
        }.withoutAddress
    }
}

enum URLText {
    /// What comes from variables is known only when it is used, and is checked then.
    static func complaint(_ template: Template, _ schemes: [String], _ example: String) -> Complaint? {
        let hint = "write for example `\(example)`, or `${env.NAME}`"
        guard case .text(let start)? = template.parts.first else { return nil }
        guard template.description.utf8.count <= 2048 else { return Complaint("is longer than 2048 bytes") }
        let isASCII = template.parts.allSatisfy { part in
            guard case .text(let text) = part else { return true }
            return text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
        guard isASCII else { return Complaint("holds a character that no URL has", hint: "write it percent-encoded") }
        guard let scheme = schemes.first(where: { start.lowercased().hasPrefix("\($0)://") }) else {
            let names = Words.either(schemes.map { "\($0)://" })
            return Complaint("is a URL that begins with \(names)", hint: hint)
        }
        let rest = start.dropFirst(scheme.utf8.count + 3)
        let hasHost = template.parts.count > 1 || !rest.isEmpty && !["/", "?", "#", ":"].contains(rest.prefix(1))
        return hasHost ? nil : Complaint("is a URL without a host", hint: hint)
    }
}

extension Kind where Value == String {
    /// `ops@example.com`; no display name.
    static var mailAddress: Kind {
        text(
            "e-mail address", plural: "e-mail addresses", limits: "at most 254 characters", json: .string(pattern: "@")
        ) {
            text in
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            let fits = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>()[],;:\\\"".utf8.contains($0) }
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), fits, text.utf8.count <= 254 else {
                return .failure(Complaint("is not an e-mail address", hint: "write for example `ops@example.com`"))
            }
            return .success(text)
        }
    }

    /// `app1.example.com`; no wildcard, no address.
    static var hostName: Kind {
        text(
            "host name", plural: "host names", limits: "at most 253 characters",
            json: .string(pattern: "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")
        ) { text in
            switch HostText.read(text) {
            case .failure(let complaint): .failure(complaint)
            case .success(let host) where host.isWildcard: .failure(Complaint("is a pattern, not the name of one host"))
            case .success(let host): .success(host.name)
            }
        }
    }

    /// The name of a channel of `notifications`.
    static var channelName: Kind {
        let form = ScalarForm(
            type: "name of a channel", plural: "names of channels", limits: nil, json: .string(pattern: Names.pattern))
        return .scalar(
            form, spell: { .text($0) },
            parse: { scalar, reader in
                guard !reader.channels.contains(scalar.text) else { return .success(scalar.text) }
                let near = reader.problems.takesHints ? Nearest.word(to: scalar.text, among: reader.channels) : nil
                let known = reader.channels.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
                return .failure(
                    Complaint(
                        "names no channel of `notifications.channels`",
                        hint: near.map { "did you mean `\($0)`?" }
                            ?? (known.isEmpty ? "there are none yet" : "there is \(known)")))
            })
    }

    /// Who approves: the name of a person or group.
    static var approver: Kind {
        text(
            "name of an approver", plural: "names of approvers", pattern: "^[A-Za-z0-9][A-Za-z0-9._@-]*$",
            limits: "at most 64 characters"
        ) { text in
            let letters = text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "._@-".utf8.contains(byte)
                }
            }
            guard let first = text.utf8.first, letters, text.utf8.count <= 64, !"._@-".utf8.contains(first) else {
                return .failure(
                    Complaint("is not a name", hint: "letters, digits, `.`, `_`, `-` and `@`; for example `ops`"))
            }
            return .success(text)
        }
    }

    /// The name of a request's header field by which users are told apart.
    static var requestField: Kind {
        text("header name", plural: "header names", pattern: HeaderNames.pattern, limits: "at most 128 characters") {
            text in
            guard HTTPText.isToken(text), text.utf8.count <= 128 else {
                return .failure(Complaint("is not a header's name"))
            }
            return .success(text.lowercased())
        }
    }

    /// The name of a cookie (RFC 6265 §4.1.1).
    static var cookieName: Kind {
        text("cookie name", plural: "cookie names", pattern: HeaderNames.pattern, limits: "at most 128 characters") {
            text in
            guard HTTPText.isToken(text), text.utf8.count <= 128 else {
                return .failure(Complaint("is not a cookie's name"))
            }
            return .success(text)
        }
    }
}
