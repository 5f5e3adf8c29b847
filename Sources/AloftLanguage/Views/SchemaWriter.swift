/// Writes the declarations as JSON Schema, draft 2020-12, for editors and other tools.
///
/// The schema says what a schema can: keys, types, spellings, and which keys exclude each other. What compares two
/// values, or looks a name up, only `Language.read` checks; a file that it accepts always validates.
struct SchemaWriter {
    /// Sections of the file are whole; in an environment any key may be missing.
    private enum Use: Hashable { case whole, overlay }

    private let extensions = JSONText.Member(
        name: "patternProperties", value: .object(("^x-", .bool(true))))

    func document() -> String {
        var members: [JSONText.Member] = [
            .init(name: "$schema", value: .string("https://json-schema.org/draft/2020-12/schema")),
            .init(name: "$id", value: .string("urn:aloft:schema:1")),
            .init(name: "title", value: .string("aloft.yaml")),
            .init(name: "description", value: .string("A web app's whole production infrastructure in one file.")),
        ]
        let file = FileKeys.section.form
        members += section(file, .whole)
        members.append(.init(name: "$defs", value: .object(definitions(file))))
        return JSONText.object(members).text() + "\n"
    }

    private func definitions(_ file: SectionForm) -> [JSONText.Member] {
        var sections: [SectionForm] = []
        Self.collect(file, into: &sections)
        let whole = sections.map { JSONText.Member(name: $0.name, value: .object(section($0, .whole))) }
        let overlaid = ([file] + sections).map { form in
            JSONText.Member(name: Self.name(form, .overlay), value: .object(section(form, .overlay)))
        }
        return whole + overlaid
    }

    private static func collect(_ form: SectionForm, into sections: inout [SectionForm]) {
        for key in form.keys {
            guard let section = key.form.section?.form, !sections.contains(where: { $0.name == section.name }) else {
                continue
            }
            // What an environment says of itself stands in the overlay.
            if section.name != EnvironmentKeys.section.form.name { sections.append(section) }
            collect(section, into: &sections)
        }
    }

    private static func name(_ form: SectionForm, _ use: Use) -> String {
        use == .whole ? form.name : "\(form.name)InEnvironment"
    }

    private func section(_ form: SectionForm, _ use: Use) -> [JSONText.Member] {
        let isFileOverlay = use == .overlay && form.name == FileKeys.section.form.name
        let ofWholeFile = [FileKeys.version.name, FileKeys.environments.name]
        let keys =
            isFileOverlay
            ? form.keys.filter { !ofWholeFile.contains($0.name) } + EnvironmentKeys.section.form.keys : form.keys
        var members: [JSONText.Member] = [
            .init(name: "type", value: .string("object")),
            .init(name: "properties", value: .object(keys.map { .init(name: $0.name, value: property($0, use)) })),
            extensions, .init(name: "additionalProperties", value: .bool(false)),
        ]
        let required = keys.filter { $0.presence == .required }.map(\.name)
        if !required.isEmpty, use == .whole { members.append(.init(name: "required", value: .strings(required))) }
        let conditions = form.alternatives.map { condition($0, use) }
        if !conditions.isEmpty { members.append(.init(name: "allOf", value: .array(conditions))) }
        return members
    }

    private func condition(_ alternative: Alternative, _ use: Use) -> JSONText {
        if !alternative.isExclusive {
            guard use == .whole else { return .bool(true) }
            return .object(("anyOf", .array(alternative.names.map { .object(("required", .strings([$0]))) })))
        }
        if alternative.isRequired, use == .whole {
            return .object(("oneOf", .array(alternative.names.map { .object(("required", .strings([$0]))) })))
        }
        var pairs: [JSONText] = []
        for (index, first) in alternative.names.enumerated() {
            for second in alternative.names[(index + 1)...] {
                pairs.append(.object(("required", .strings([first, second]))))
            }
        }
        return .object(("not", .object(("anyOf", .array(pairs)))))
    }

    private func property(_ key: Declaration, _ use: Use) -> JSONText {
        var members = value(key.form, use)
        members.insert(.init(name: "description", value: .string(description(key))), at: 0)
        if case .standard(let text) = key.presence, let value = Self.value(text, key.form) {
            members.append(.init(name: "default", value: value))
        }
        return .object(members)
    }

    private func description(_ key: Declaration) -> String {
        let choices = key.form.choices.map { "`\($0.value)`: \($0.meaning)" }
        let limits = key.form.choices.isEmpty ? key.form.limits.map { "Allowed: \($0)." } : nil
        return ([key.summary, key.detail, limits].compactMap { $0 } + choices).joined(separator: "\n")
    }

    /// A default of a single value as JSON; lists and sections describe themselves.
    private static func value(_ text: String, _ form: Form) -> JSONText? {
        guard !text.hasPrefix("{"), !text.hasPrefix("[") else { return nil }
        let bare = text.hasPrefix("\"") ? String(text.dropFirst().dropLast()) : text
        guard case .scalar(let scalar) = form else { return .string(bare) }
        switch scalar.json {
        case .integer: return Int(bare).map(JSONText.number)
        case .boolean: return .bool(bare == "true")
        case .string, .anyScalar, .numberOrString: return .string(bare)
        }
    }
}

extension SchemaWriter {
    private func value(_ form: Form, _ use: Use) -> [JSONText.Member] {
        switch form {
        case .scalar(let scalar): Self.scalar(scalar)
        case .choice(let choices): [.init(name: "enum", value: .array(choices.flatMap { Self.word($0.value) }))]
        case .list(let item, let count):
            [
                .init(name: "type", value: .string("array")),
                .init(name: "items", value: .object(value(item, .whole))),
                .init(name: "minItems", value: .number(count.lowerBound)),
                .init(name: "maxItems", value: .number(count.upperBound)),
            ]
        case .map(let names, let item, let limit): map(names, .object(value(item, use)), limit)
        case .section(let form): [.init(name: "$ref", value: .string("#/$defs/\(Self.name(form, use))"))]
        case .either(let forms): [.init(name: "anyOf", value: .array(forms.map { .object(value($0, use)) }))]
        case .overlay:
            [.init(name: "$ref", value: .string("#/$defs/\(Self.name(FileKeys.section.form, .overlay))"))]
        }
    }

    private func map(_ names: NameRule, _ item: JSONText, _ limit: Int) -> [JSONText.Member] {
        let isOpen = names.leavesExtensions
        let pattern = isOpen ? "^(?!x-)" + names.pattern.dropFirst() : names.pattern
        let own: [JSONText.Member] = isOpen ? [.init(name: "^x-", value: .bool(true))] : []
        return [
            .init(name: "type", value: .string("object")),
            .init(name: "patternProperties", value: .object(own + [.init(name: pattern, value: item)])),
            .init(name: "additionalProperties", value: .bool(false)),
            .init(name: "maxProperties", value: .number(limit)),
        ]
    }

    /// A word that YAML takes for a number or boolean is allowed as that too: `minVersion: 1.2`.
    private static func word(_ text: String) -> [JSONText] {
        if text == "true" { return [.bool(true)] }
        if let number = Int(text) { return [.string(text), .number(number)] }
        if Double(text) != nil { return [.string(text), .decimal(text)] }
        return [.string(text)]
    }

    private static func scalar(_ form: ScalarForm) -> [JSONText.Member] {
        switch form.json {
        case .string(let pattern):
            [.init(name: "type", value: .string("string"))]
                + (pattern.map { [.init(name: "pattern", value: .string($0))] } ?? [])
        case .integer(let range):
            [
                .init(name: "type", value: .string("integer")),
                .init(name: "minimum", value: .number(range.lowerBound)),
                .init(name: "maximum", value: .number(range.upperBound)),
            ]
        case .boolean: [.init(name: "type", value: .string("boolean"))]
        case .anyScalar: [.init(name: "type", value: .strings(["string", "number", "boolean"]))]
        case .numberOrString(let pattern):
            [
                .init(name: "type", value: .strings(["number", "string"])),
                .init(name: "minimum", value: .number(0)), .init(name: "pattern", value: .string(pattern)),
            ]
        }
    }
}
