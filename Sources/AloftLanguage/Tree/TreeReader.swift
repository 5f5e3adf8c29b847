/// Builds the tree of one file from libyaml's events, within limits.
///
/// A stack on the heap, no recursion. Aliases share what they name, so a tree takes memory by what is written and not
/// by what it expands to; what it expands to is counted, and refused past `maximumNodes`.
struct TreeReader {
    /// Levels of lists and maps.
    static let maximumDepth = 64
    /// Values after every alias is expanded.
    static let maximumNodes = 250_000

    /// The whole file could not be read; the problem was added.
    struct Unreadable: Error {}

    private struct Frame {
        var isMap: Bool
        var span: Span
        var anchor: String?
        var items: [Node] = []
        var entries: [Node.Entry] = []
        var pendingKey: (text: String, span: Span)?
        /// A key that could not be used: its value is read and dropped.
        var dropsValue = false
        var places: [String: Int] = [:]
        var merges: [(value: Node, span: Span)] = []
    }

    private var stack: [Frame] = []
    private var anchors: [String: Node?] = [:]
    private var total = 0
    private var root: Node?
    private(set) var problems: Problems

    private init(problems: Problems) { self.problems = problems }

    /// The file's only document, or nil where it has none or is not YAML; problems say why.
    static func read(_ text: SourceText, problems: inout Problems) -> Node? {
        var reader = TreeReader(problems: problems)
        var result: Node?
        do {
            result = try reader.document(EventStream(bytes: text.bytes))
        } catch let error as EventStream.SyntaxError {
            SyntaxProblem(error, text: text).add(to: &reader.problems)
        } catch {
            result = nil
        }
        problems = reader.problems
        return result
    }

    private mutating func document(_ events: EventStream) throws -> Node? {
        var documents = 0
        while true {
            let event = try events.next()
            switch event.kind {
            case .streamStart, .documentEnd: break
            case .streamEnd: return root
            case .documentStart:
                documents += 1
                guard documents == 1 else {
                    throw unreadable(
                        event.span, "a second document starts here; aloft.yaml is one document",
                        hint: "remove the `---`, or move what follows to a file of its own")
                }
            default: try take(event)
            }
        }
    }

    private mutating func take(_ event: EventStream.Event) throws {
        if let tag = event.tag {
            problems.error(
                event.span, "the tag `\(Self.written(tag).shortened)` has no meaning here",
                hint: "remove it; each key decides the type of its value")
        }
        switch event.kind {
        case .listStart, .mapStart:
            guard stack.count < Self.maximumDepth else {
                throw unreadable(Span(at: event.span.start), "nested more than \(Self.maximumDepth) levels deep")
            }
            let frame = Frame(isMap: event.isMapStart, span: Span(at: event.span.start), anchor: event.anchor)
            if let anchor = event.anchor { anchors[anchor] = .some(nil) }
            stack.append(frame)
        case .listEnd, .mapEnd: try close()
        case .scalar(let scalar):
            let node = Node(.scalar(scalar), event.span)
            if let anchor = event.anchor { anchors[anchor] = node }
            try place(node)
        case .alias(let name): try place(target(of: name, event.span))
        default: break
        }
    }

    private mutating func target(of name: String, _ span: Span) throws -> Node {
        guard let entry = anchors[name] else {
            let nearest = problems.takesHints ? Nearest.word(to: name, among: anchors.keys) : nil
            problems.error(
                span, "there is no anchor `&\(name)` before this alias",
                hint: nearest.map { "did you mean `*\($0)`?" })
            return Node(.scalar(.init(text: "", style: .broken)), span)
        }
        guard let node = entry else { throw unreadable(span, "the alias `*\(name)` stands inside what it names") }
        guard stack.count + node.height <= Self.maximumDepth else {
            throw unreadable(
                span, "with the alias `*\(name)` the file is nested more than \(Self.maximumDepth) levels deep")
        }
        return node
    }

    private mutating func place(_ node: Node) throws {
        total = total.addingReportingOverflow(node.count).partialValue
        guard total >= 0, total <= Self.maximumNodes else {
            throw unreadable(node.span, "the file expands to more than \(Self.maximumNodes) values")
        }
        guard var frame = stack.popLast() else {
            root = node
            return
        }
        defer { stack.append(frame) }
        guard frame.isMap else {
            frame.items.append(node)
            return
        }
        if frame.dropsValue {
            frame.dropsValue = false
        } else if let key = frame.pendingKey {
            frame.pendingKey = nil
            add(key, node, to: &frame)
        } else {
            takeKey(node, in: &frame)
        }
    }

    private mutating func takeKey(_ node: Node, in frame: inout Frame) {
        guard let scalar = node.scalar, !scalar.isNull else {
            let what = node.isNull ? "a key is missing here" : "\(node.noun) cannot be a key; a key is text"
            problems.error(node.span, what)
            frame.dropsValue = true
            return
        }
        frame.pendingKey = (scalar.text, node.span)
    }

    private mutating func add(_ key: (text: String, span: Span), _ value: Node, to frame: inout Frame) {
        if key.text == "<<" {
            if let first = frame.merges.first {
                problems.add(
                    Problem(
                        span: key.span, message: "the key `<<` stands here a second time",
                        hint: "merge several maps with one `<<: [*a, *b]`",
                        notes: [.init(span: first.span, message: "the first one is here")]))
            }
            if !value.isBroken { frame.merges.append((value, key.span)) }
        } else if let place = frame.places[key.text] {
            let first = frame.entries[place].keySpan
            problems.add(
                Problem(
                    span: key.span, message: "the key `\(key.text.shortened)` stands here a second time",
                    hint: "keep one of them",
                    notes: [.init(span: first, message: "the first one is here")]))
        } else {
            frame.places[key.text] = frame.entries.count
            frame.entries.append(.init(key: key.text, keySpan: key.span, value: value))
        }
    }

    private mutating func close() throws {
        guard var frame = stack.popLast() else { return }
        for merge in frame.merges { apply(merge, to: &frame) }
        let node = Node(frame.isMap ? .map(frame.entries) : .list(frame.items), frame.span)
        if let anchor = frame.anchor { anchors[anchor] = node }
        total -= node.count - 1
        try place(node)
    }

    /// `<<: *base` or `<<: [*a, *b]`: keys that the map does not have itself; the first to bring a key wins.
    private mutating func apply(_ merge: (value: Node, span: Span), to frame: inout Frame) {
        for source in merge.value.items ?? [merge.value] {
            guard let entries = source.entries else {
                problems.error(
                    merge.span, "`<<` merges maps, and this is \(source.noun)",
                    hint: "write `<<: *name`, an alias of a map")
                continue
            }
            for var entry in entries where frame.places[entry.key] == nil {
                entry.layer = .merged
                frame.places[entry.key] = frame.entries.count
                frame.entries.append(entry)
            }
        }
    }

    /// As it stands in the file: libyaml gives `!!map` in full.
    private static func written(_ tag: String) -> String {
        let prefix = "tag:yaml.org,2002:"
        return tag.hasPrefix(prefix) ? "!!" + tag.dropFirst(prefix.count) : tag
    }

    private mutating func unreadable(_ span: Span, _ message: String, hint: String? = nil) -> Unreadable {
        problems.error(span, message, hint: hint)
        return Unreadable()
    }
}

extension EventStream.Event {
    fileprivate var isMapStart: Bool { if case .mapStart = kind { true } else { false } }
}
