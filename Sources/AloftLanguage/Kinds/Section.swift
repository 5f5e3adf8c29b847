/// A key of a section: its declaration, how its value is read, and where the value stands in the model.
///
/// `Value` is optional where nothing is assumed for a key that is left out.
struct Key<Owner: Sendable, Value: Sendable>: Sendable {
    let declaration: Declaration
    let kind: Kind<Value>
    /// The value where the key is left out.
    let initial: Value
    /// The value to spell in the effective file; nil leaves the key out.
    let current: @Sendable (Owner) -> Value?

    var name: String { declaration.name }

    private init(
        _ name: String, _ kind: Kind<Value>, presence: Declaration.Presence, initial: Value, summary: String,
        detail: String?, example: String, effect: Effect?, synonyms: [String],
        current: @escaping @Sendable (Owner) -> Value?
    ) {
        declaration = Declaration(
            name: name, form: kind.form, presence: presence, summary: summary, detail: detail, example: example,
            effect: effect, synonyms: synonyms)
        self.kind = kind
        self.initial = initial
        self.current = current
    }

    /// A key with a default, given as it would stand in the file.
    static func standard(
        _ name: String, _ kind: Kind<Value>, _ standard: String, _ summary: String, detail: String? = nil,
        example: String, effect: Effect? = nil, synonyms: [String] = [], _ current: @escaping @Sendable (Owner) -> Value
    ) -> Key {
        Key(
            name, kind, presence: .standard(standard), initial: Standard.value(standard, of: kind, key: name),
            summary: summary, detail: detail, example: example, effect: effect, synonyms: synonyms, current: current)
    }

    /// A key with a default that not every owner has: `balance` of a route that redirects.
    static func applicable(
        _ name: String, _ kind: Kind<Value>, _ standard: String, _ summary: String, detail: String? = nil,
        example: String, effect: Effect? = nil, synonyms: [String] = [],
        _ current: @escaping @Sendable (Owner) -> Value?
    ) -> Key {
        Key(
            name, kind, presence: .standard(standard), initial: Standard.value(standard, of: kind, key: name),
            summary: summary, detail: detail, example: example, effect: effect, synonyms: synonyms, current: current)
    }

    /// A key that may be left out; `otherwise` says what then holds.
    static func optional<Given: Sendable>(
        _ name: String, _ kind: Kind<Given>, otherwise: String? = nil, _ summary: String, detail: String? = nil,
        example: String, effect: Effect? = nil, synonyms: [String] = [],
        _ current: @escaping @Sendable (Owner) -> Given?
    ) -> Key where Value == Given? {
        Key(
            name, kind.optional, presence: .optional(otherwise), initial: nil, summary: summary, detail: detail,
            example: example, effect: effect, synonyms: synonyms, current: { current($0).map(Optional.some) })
    }

    /// A key without which its section cannot be used.
    static func required<Given: Sendable>(
        _ name: String, _ kind: Kind<Given>, _ summary: String, detail: String? = nil, example: String,
        effect: Effect? = nil, synonyms: [String] = [], _ current: @escaping @Sendable (Owner) -> Given
    ) -> Key where Value == Given? {
        Key(
            name, kind.optional, presence: .required, initial: nil, summary: summary, detail: detail, example: example,
            effect: effect, synonyms: synonyms, current: { .some(current($0)) })
    }

    /// The key among others of its section, whatever their types.
    var member: Member<Owner> {
        let spell = kind.spell
        let current = current
        let read = kind.read
        return Member(
            declaration: declaration, read: { node, reader in read(node, &reader) },
            spell: { owner in current(owner).map(spell) })
    }
}

/// Defaults are text in the declarations, so that they are written once; they are read when the key is first used.
enum Standard {
    static func value<Value>(_ text: String, of kind: Kind<Value>, key: String) -> Value {
        let source = SourceText(Array(text.utf8))
        var problems = Problems()
        var reader = Reader(text: source, directory: "/", variables: [])
        reader.path = [key]
        guard let node = TreeReader.read(source, problems: &problems), let value = kind.read(node, &reader),
            !problems.hasErrors, !reader.problems.hasErrors
        else { preconditionFailure("the default `\(text)` of `\(key)` is not a value of its kind") }
        return value
    }
}

/// A key with its type erased.
struct Member<Owner: Sendable>: Sendable {
    let declaration: Declaration
    let read: @Sendable (Node, inout Reader) -> (any Sendable)?
    let spell: @Sendable (Owner) -> Outline?
}

/// Keys that stand together and make one value of the model.
struct Section<Owner: Sendable>: Sendable {
    let form: SectionForm
    private let members: [Member<Owner>]
    private let places: [String: Int]
    /// Looks ahead in the section for what its keys need to know of one another.
    private let prepare: @Sendable (Node, inout Reader) -> Void
    private let build: @Sendable (Fields, inout Reader) -> Owner?

    init(
        _ name: String, _ members: [Member<Owner>], alternatives: [Alternative] = [],
        prepare: @escaping @Sendable (Node, inout Reader) -> Void = { _, _ in },
        build: @escaping @Sendable (Fields, inout Reader) -> Owner?
    ) {
        form = SectionForm(name: name, keys: members.map(\.declaration), alternatives: alternatives)
        self.members = members
        self.prepare = prepare
        self.build = build
        var places: [String: Int] = [:]
        for (index, member) in members.enumerated() { places[member.declaration.name] = index }
        self.places = places
    }

    var kind: Kind<Owner> { Kind(.section(form), spell: spell, read: read) }

    private func spell(_ owner: Owner) -> Outline {
        .map(
            members.compactMap { member in
                member.spell(owner).map { .init(name: member.declaration.name, value: $0) }
            })
    }

    private func read(_ node: Node, _ reader: inout Reader) -> Owner? {
        guard let entries = node.entries else {
            let names = form.keys.map { "`\($0.name)`" }.prefix(6).joined(separator: ", ")
            let proposal = reader.problems.takesHints ? kind.proposal(SectionHint.candidates(node, form), reader) : nil
            reader.error(
                node, "\(reader.isItem ? "each item of " : "")`\(reader.key)` is a section, and this is \(node.noun)",
                hint: proposal ?? "its keys are \(names)\(form.keys.count > 6 ? " …" : "")")
            return nil
        }
        prepare(node, &reader)
        let ignored = outranked(entries)
        var fields = Fields(span: node.span)
        for entry in entries where !entry.key.hasPrefix("x-") && !ignored.contains(entry.key) {
            guard let place = places[entry.key] else {
                if let meant = UnknownKey(entry, in: form, beside: entries).report(to: &reader) {
                    fields.meant.insert(meant)
                }
                continue
            }
            fields.entries[entry.key] = entry
            guard !entry.value.isNull else {
                let example = members[place].declaration.exampleLine
                reader.problems.error(
                    entry.keySpan, "`\(entry.key)` has no value",
                    hint: example.map { "write for example `\($0)`, or remove the key" }
                        ?? "remove the key, or give it one")
                continue
            }
            guard !entry.value.isBroken else { continue }
            fields.values[entry.key] = reader.within(entry.key) { members[place].read(entry.value, &$0) }
        }
        report(missingIn: fields, node, &reader)
        return build(fields, &reader)
    }

    /// Keys that another one of a higher layer stands in for: an environment's `replicas` for the file's `scaling`.
    private func outranked(_ entries: [Node.Entry]) -> Set<String> {
        var names: Set<String> = []
        for alternative in form.alternatives where alternative.isExclusive {
            let given = entries.filter { alternative.names.contains($0.key) }
            guard given.count > 1, let top = given.map(\.layer).max() else { continue }
            names.formUnion(given.filter { $0.layer < top }.map(\.key))
        }
        return names
    }

    private func report(missingIn fields: Fields, _ node: Node, _ reader: inout Reader) {
        let place = reader.path.isEmpty ? "the file" : "`\(reader.pathText)`"
        for key in form.keys where key.presence == .required && !fields.mentions(key.name) {
            reader.error(
                node, "`\(key.name)` is missing in \(place)", hint: key.exampleLine.map { "write for example `\($0)`" })
        }
        for alternative in form.alternatives {
            let given = alternative.names.filter { fields.entries[$0] != nil }
            let isMeant = alternative.names.contains { fields.meant.contains($0) }
            let names = alternative.names.map { "`\($0)`" }.joined(separator: ", ")
            if given.isEmpty, alternative.isRequired, !isMeant {
                let example = form.keys.first { $0.name == alternative.names[0] }?.exampleLine
                reader.error(
                    node, "\(place) needs one of \(names)", hint: example.map { "write for example `\($0)`" })
            } else if alternative.isExclusive, given.count > 1, let second = fields.entries[given[1]] {
                reader.problems.error(
                    second.keySpan, "`\(given[0])` and `\(given[1])` exclude each other in \(place)",
                    hint: "keep one of \(names)")
            }
        }
    }
}

/// The values of one section that were read, by key.
struct Fields: Sendable {
    /// Of the whole section.
    let span: Span
    fileprivate(set) var values: [String: any Sendable] = [:]
    fileprivate(set) var entries: [String: Node.Entry] = [:]
    /// Keys that a misspelled one most likely stands for.
    fileprivate var meant: Set<String> = []

    init(span: Span) { self.span = span }

    fileprivate func mentions(_ name: String) -> Bool { entries[name] != nil || meant.contains(name) }

    /// The value given, or the default where none was given or it could not be read.
    subscript<Owner, Value>(key: Key<Owner, Value>) -> Value { values[key.name] as? Value ?? key.initial }

    /// True where the file has the key.
    func has<Owner, Value>(_ key: Key<Owner, Value>) -> Bool { entries[key.name] != nil }

    func node<Owner, Value>(_ key: Key<Owner, Value>) -> Node? { entries[key.name]?.value }

    /// Place of the key's value; of the section where the key is left out.
    func span<Owner, Value>(_ key: Key<Owner, Value>) -> Span { node(key)?.span ?? span }

    /// Where the key comes from; nil where it is left out.
    func layer<Owner, Value>(_ key: Key<Owner, Value>) -> Node.Entry.Layer? { entries[key.name]?.layer }

    func keySpan<Owner, Value>(_ key: Key<Owner, Value>) -> Span { entries[key.name]?.keySpan ?? span }
}

extension Declaration {
    /// `period: 5s`, where the example fits on a line.
    var exampleLine: String? { example.contains("\n") ? nil : "\(name): \(example)" }
}
