import AloftModel

/// How values of one type stand in the file: described, read and spelled in one place.
struct Kind<Value: Sendable>: Sendable {
    var form: Form
    /// Nil where the value cannot be used; the problem was added.
    var read: @Sendable (Node, inout Reader) -> Value?
    var spell: @Sendable (Value) -> Outline

    init(
        _ form: Form, spell: @escaping @Sendable (Value) -> Outline,
        read: @escaping @Sendable (Node, inout Reader) -> Value?
    ) {
        self.form = form
        self.read = read
        self.spell = spell
    }
}

/// What is known while a tree is read.
struct Reader: Sendable {
    var problems: Problems
    let text: SourceText
    /// Absolute folder of the file.
    let directory: String
    /// Names that `${env.NAME}` may use.
    let variables: Set<String>
    /// The overlay that was chosen.
    var environment: String?
    /// A variable may have no value here.
    var acceptsUnset = false
    /// Names of all services of the file, whether they can be read or not.
    var services: [String] = []
    /// Those of them that say `listen: none`.
    var workers: Set<String> = []
    /// Names of all environments of the file.
    var environments: [String] = []
    /// Names of all channels of `notifications`.
    var channels: [String] = []
    /// Channels that jobs name.
    var jobChannels: Set<String> = []
    /// How the service that is being read listens; nil where there is no replica whose address could be named.
    var listen: ServiceSpec.Listen?
    /// Files of `envFiles`, with their places.
    var envFiles: [EnvFileUse] = []
    /// Which time zones there are.
    var zones = TimeZones.machine
    /// `edge.timeouts.request`, which routes inherit.
    var requestTimeout: Duration = .seconds(30)
    /// Keys and `[0]` down to the value that is being read.
    var path: [String] = []

    init(problems: Problems = Problems(), text: SourceText, directory: String, variables: Set<String>) {
        self.problems = problems
        self.text = text
        self.directory = directory
        self.variables = variables
    }

    /// `services.api.command[2]`; empty for the whole file.
    var pathText: String {
        path.reduce(into: "") { text, step in
            text += step.hasPrefix("[") || text.isEmpty ? step : "." + step
        }
    }

    /// The name of the key that is being read, also within its list.
    var key: String { path.last { !$0.hasPrefix("[") } ?? "" }

    /// Whether what is read is an item of a list.
    var isItem: Bool { path.last?.hasPrefix("[") == true }

    /// `timeout: 30`, or only the text for an item of a list.
    func quotation(_ scalar: Node.Scalar) -> String {
        let text = scalar.text.isEmpty ? "\"\"" : scalar.text.shortened
        return path.last?.hasPrefix("[") ?? true ? "`\(text)`" : "`\(key): \(text)`"
    }

    mutating func error(_ node: Node, _ message: String, hint: String? = nil) {
        problems.error(node.span, message, hint: hint)
    }

    mutating func warning(_ node: Node, _ message: String, hint: String? = nil) {
        problems.warning(node.span, message, hint: hint)
    }

    mutating func within<Result>(_ step: String, _ body: (inout Reader) -> Result) -> Result {
        path.append(step)
        defer { path.removeLast() }
        return body(&self)
    }
}

/// One item of `envFiles`.
struct EnvFileUse: Sendable {
    var service: String
    var file: EnvironmentFile
    var span: Span
}

/// Why a text is not a value of its type.
struct Complaint: Error, Sendable, Hashable {
    /// With the quotation in front: "`timeout: 30` has no unit; write `30s`".
    var message: String
    var hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}

extension Kind {
    /// A single value given by its text. `parse` completes the sentence that begins with the quoted text.
    static func scalar(
        _ form: ScalarForm, spell: @escaping @Sendable (Value) -> Outline,
        parse: @escaping @Sendable (Node.Scalar, Reader) -> Result<Value, Complaint>
    ) -> Kind {
        Kind(.scalar(form), spell: spell) { node, reader in
            guard let scalar = node.scalar else {
                reader.error(node, "`\(reader.key)` is a \(form.type), and this is \(node.noun)")
                return nil
            }
            guard !scalar.isNull else {
                reader.error(node, "a value is missing here", hint: "`\(reader.key)` is a \(form.type)")
                return nil
            }
            switch parse(scalar, reader) {
            case .success(let value): return value
            case .failure(let complaint):
                reader.error(node, "\(reader.quotation(scalar)) \(complaint.message)", hint: complaint.hint)
                return nil
            }
        }
    }

    /// Optional in the plan: nil is left out of the file.
    var optional: Kind<Value?> {
        Kind<Value?>(
            form, spell: { $0.map(spell) ?? .map([]) },
            read: { node, reader in
                read(node, &reader).map(Optional.some)
            })
    }

    /// The same value where no replica has an address yet, so that `${PORT}` and `${SOCKET}` name nothing.
    var withoutAddress: Kind {
        Kind(form, spell: spell) { node, reader in
            let listen = reader.listen
            reader.listen = nil
            defer { reader.listen = listen }
            return read(node, &reader)
        }
    }

    /// The same value under more conditions.
    func checked(_ check: @escaping @Sendable (Value, Node, inout Reader) -> Void) -> Kind {
        Kind(form, spell: spell) { node, reader in
            guard let value = read(node, &reader) else { return nil }
            check(value, node, &reader)
            return value
        }
    }

    /// Items that can be read; the others were reported.
    static func list<Item: Sendable>(of item: Kind<Item>, count: ClosedRange<Int>) -> Kind where Value == [Item] {
        let placed = Kind<[Placed<Item>]>.placedList(of: item, count: count)
        return Kind(
            placed.form, spell: { .list($0.map(item.spell)) },
            read: { node, reader in
                placed.read(node, &reader)?.map(\.item)
            })
    }

    /// The same, for checks that compare items and must say which one they mean.
    static func placedList<Item: Sendable>(
        of item: Kind<Item>, count: ClosedRange<Int>
    ) -> Kind where Value == [Placed<Item>] {
        Kind(
            .list(item.form, count: count), spell: { .list($0.map { item.spell($0.item) }) },
            read: { node, reader in
                guard let nodes = node.items else {
                    let hint =
                        reader.problems.takesHints
                        ? Kind.placedList(of: item, count: count).proposal(
                            ListHint.candidates(node, reader.key), reader) : nil
                    reader.error(node, "`\(reader.key)` is a list, and this is \(node.noun)", hint: hint)
                    return nil
                }
                guard count.contains(nodes.count) else {
                    let bound =
                        nodes.count < count.lowerBound ? "at least \(count.lowerBound)" : "at most \(count.upperBound)"
                    reader.error(node, "`\(reader.key)` has \(nodes.count) items; it takes \(bound)")
                    return nil
                }
                var values: [Placed<Item>] = []
                values.reserveCapacity(nodes.count)
                for (index, itemNode) in nodes.enumerated() where !itemNode.isBroken {
                    let reports = reader.problems.errorReports
                    let value = reader.within("[\(index)]") { item.read(itemNode, &$0) }
                    let isSound = reports == reader.problems.errorReports
                    if let value { values.append(Placed(item: value, node: itemNode, index: index, isSound: isSound)) }
                }
                return values
            })
    }
}

/// An item of a list with its place in the file; no place where it is a default.
struct Placed<Item: Sendable>: Sendable {
    var item: Item
    var node: Node?
    /// In the list of the file, from 0.
    var index: Int
    /// False where some part of it could not be read and is a default instead.
    var isSound: Bool

    init(item: Item, node: Node? = nil, index: Int = 0, isSound: Bool = true) {
        self.item = item
        self.node = node
        self.index = index
        self.isSound = isSound
    }
}
