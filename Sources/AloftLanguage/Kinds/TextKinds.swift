import AloftModel

extension Kind where Value == String {
    /// Text under a rule of its own.
    static func text(
        _ type: String, plural: String, pattern: String? = nil, limits: String? = nil, json: ScalarForm.JSON? = nil,
        _ rule: @escaping @Sendable (String) -> Result<String, Complaint>
    ) -> Kind {
        let form = ScalarForm(type: type, plural: plural, limits: limits, json: json ?? .string(pattern: pattern))
        return .scalar(
            form, spell: { .text($0) },
            parse: { scalar, _ in
                if scalar.text.contains("${") {
                    return .failure(
                        Complaint(
                            "holds a reference, and this key takes none",
                            hint: "references stand in `command`, `env` and `exec`"))
                }
                return rule(scalar.text)
            })
    }

    /// `my-app`.
    static func name(_ type: String) -> Kind {
        text(type, plural: "names", pattern: Names.pattern, limits: "at most 63 characters") { text in
            Names.complaint(text).map { .failure(Complaint($0.message, hint: $0.hint)) } ?? .success(text)
        }
    }

    /// The name of a service of the file.
    static var serviceName: Kind { serviceName(takesRequests: false) }

    /// - Parameter takesRequests: whether a service with `listen: none` is out of the question.
    static func serviceName(takesRequests: Bool) -> Kind {
        let form = ScalarForm(
            type: "name of a service", plural: "names of services", limits: nil, json: .string(pattern: Names.pattern))
        return .scalar(
            form, spell: { .text($0) },
            parse: { scalar, reader in
                if takesRequests, reader.workers.contains(scalar.text) {
                    return .failure(
                        Complaint(
                            "leads to a service with `listen: none`, which takes no requests",
                            hint: "write `listen: port` in `services.\(scalar.text)`, or name another service"))
                }
                guard !reader.services.contains(scalar.text) else { return .success(scalar.text) }
                let services = reader.services.filter { !takesRequests || !reader.workers.contains($0) }
                let near = reader.problems.takesHints ? Nearest.word(to: scalar.text, among: services) : nil
                let known = services.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
                let hint =
                    near.map { "did you mean `\($0)`?" }
                    ?? (known.isEmpty ? "the file has no services" : "there is \(known)")
                return .failure(Complaint("names no service of the file", hint: hint))
            })
    }

    /// One line of a `.gitignore`.
    static var ignorePattern: Kind {
        text("pattern", plural: "patterns", limits: "at most 1024 bytes") { text in
            guard text.utf8.count <= 1024, !text.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
                return .failure(Complaint("is not a pattern: one line, at most 1024 bytes"))
            }
            let bare = text.drop { $0 == "!" || $0 == "/" }.filter { $0 != " " && $0 != "/" }
            guard !bare.isEmpty else { return .failure(Complaint("matches nothing", hint: "write for example `tmp/`")) }
            guard !text.hasPrefix("#") else {
                return .failure(
                    Complaint("is a comment, as in `.gitignore`", hint: "write `\\\(text)` for such a name"))
            }
            guard !text.hasSuffix("\\"), !text.contains("[") || text.contains("]") else {
                return .failure(
                    Complaint("matches nothing: its `\(text.hasSuffix("\\") ? "\\" : "[")` has no end"))
            }
            return .success(text)
        }
    }

    /// A file or folder; in the plan its absolute path.
    static func path(_ type: String, plural: String) -> Kind {
        let form = ScalarForm(type: type, plural: plural, limits: "at most 1024 bytes", json: .string(pattern: nil))
        let kind = Kind.scalar(
            form, spell: { .text($0) },
            parse: { scalar, reader -> Result<String, Complaint> in
                let text = scalar.text
                guard !text.isEmpty, text.utf8.count <= 1024 else { return .failure(Complaint("is not a path")) }
                guard !text.hasPrefix("~") else {
                    return .failure(
                        Complaint("begins with `~`, which only a shell expands", hint: "write the whole path"))
                }
                guard !text.contains("${") else {
                    return .failure(
                        Complaint("holds a reference, and this key takes none", hint: "write the whole path"))
                }
                guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
                    return .failure(Complaint("holds a control character"))
                }
                return .success(FilePaths.absolute(text, from: reader.directory))
            })
        return kind
    }
}

/// Names of apps, services and environments: what a DNS label allows, so that a name fits everywhere later.
enum Names {
    static let pattern = "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
    static let rule = "lower-case letters, digits and `-`, beginning with a letter, at most 63 characters"

    static func complaint(_ text: String) -> Complaint? {
        guard !isName(text) else { return nil }
        let fixed = slug(text)
        return Complaint(
            "is not a name: \(rule)", hint: fixed.isEmpty || fixed == text ? nil : "write for example `\(fixed)`")
    }

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 63 else { return false }
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let dash = UInt8(ascii: "-")
        return letters.contains(first) && last != dash
            && text.utf8.allSatisfy { letters.contains($0) || (0x30...0x39).contains($0) || $0 == dash }
    }

    /// The nearest name: `My App_2` becomes `my-app-2`; empty where nothing is left.
    static func slug(_ text: String) -> String {
        var result = ""
        for scalar in text.lowercased().unicodeScalars.prefix(200) {
            let isLetter = ("a"..."z").contains(scalar)
            let isDigit = ("0"..."9").contains(scalar)
            if isLetter || isDigit && !result.isEmpty {
                result.unicodeScalars.append(scalar)
            } else if !result.isEmpty, !result.hasSuffix("-") {
                result += "-"
            }
        }
        result = String(result.prefix(63))
        while result.hasSuffix("-") { result.removeLast() }
        return result
    }
}

extension NameRule {
    static func named(_ noun: String, subject: String) -> NameRule {
        NameRule(noun: noun, subject: subject, pattern: Names.pattern, rule: Names.rule) { text in
            Names.complaint(text).map { [$0.message, $0.hint].compactMap { $0 }.joined(separator: "; ") }
        }
    }
}

extension Kind {
    /// One of some words.
    static func choice(_ words: [(word: String, value: Value, meaning: String)]) -> Kind where Value: Hashable {
        let form = Form.choice(words.map { .init(value: $0.word, meaning: $0.meaning) })
        let names = words.map(\.word)
        let spell: @Sendable (Value) -> Outline = { value in
            .text(words.first { $0.value == value }?.word ?? "")
        }
        return Kind(form, spell: spell) { node, reader in
            guard let scalar = node.scalar, !scalar.isNull else {
                reader.error(node, "`\(reader.key)` is one of \(Words.either(names)), and this is \(node.noun)")
                return nil
            }
            if let found = words.first(where: { $0.word == scalar.text }) { return found.value }
            let near = Nearest.word(to: scalar.text, among: names)
            let only = names.count == 1 ? names.first : nil
            reader.error(
                node, "\(reader.quotation(scalar)) is not \(names.count == 1 ? "" : "one of ")\(Words.either(names))",
                hint: (near ?? only).map { near == nil ? "write `\($0)`" : "did you mean `\($0)`?" })
            return nil
        }
    }

    /// Names of the user's own with a value each, in the order of the file.
    static func map<Item: Sendable>(
        _ names: NameRule, of item: Kind<Item>, limit: Int
    ) -> Kind where Value == [(name: String, value: Item)] {
        let form = Form.map(names, item.form, limit: limit)
        let spell: @Sendable (Value) -> Outline = { pairs in
            .map(pairs.map { .init(name: $0.name, value: item.spell($0.value)) })
        }
        return Kind(form, spell: spell) { node, reader in
            guard let entries = node.entries else {
                let kind = Kind.map(names, of: item, limit: limit)
                let proposal = reader.problems.takesHints ? kind.proposal(MapHint.candidates(node), reader) : nil
                reader.error(
                    node, "`\(reader.key)` is a section, and this is \(node.noun)",
                    hint: proposal ?? "write `\(reader.key):`, and below it one name and value a line")
                return nil
            }
            guard entries.count <= limit else {
                reader.error(node, "`\(reader.key)` has \(entries.count) entries; it takes at most \(limit)")
                return nil
            }
            var values: Value = []
            for entry in entries where !(names.leavesExtensions && entry.key.hasPrefix("x-")) {
                if let complaint = names.complaint(entry.key) {
                    reader.problems.error(entry.keySpan, "`\(entry.key.shortened)` \(complaint)")
                }
                guard !entry.value.isNull else {
                    reader.problems.error(
                        entry.keySpan, "`\(entry.key.shortened)` has no value",
                        hint: "write `\"\"` for an empty text, or remove the key")
                    continue
                }
                guard !entry.value.isBroken else { continue }
                let value = reader.within(entry.key) { item.read(entry.value, &$0) }
                if let value { values.append((entry.key, value)) }
            }
            return values
        }
    }
}

enum Words {
    /// `a`, `b` or `c`.
    static func either(_ words: [String]) -> String {
        let quoted = words.map { "`\($0)`" }
        guard let last = quoted.last, quoted.count > 1 else { return quoted.first ?? "" }
        return quoted.dropLast().joined(separator: ", ") + " or " + last
    }
}
