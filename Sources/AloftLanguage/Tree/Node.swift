/// A value of the file with its place: what libyaml's events say, aliases and merge keys already resolved.
///
/// Text stays as the file spells it. YAML's own guesses (`no` a boolean, `1.0` a number, `017` octal) are never made;
/// a key's declaration decides what its text means.
struct Node: Sendable {
    enum Content: Sendable {
        case scalar(Scalar)
        case list([Node])
        case map([Entry])
    }

    var content: Content
    /// A scalar from its first to its last character; a list or map only its first character.
    var span: Span

    /// Nodes in it, itself included, each use of an alias counted again.
    var count: Int
    /// Levels below it.
    var height: Int

    /// `x` or `"x"`.
    struct Scalar: Sendable {
        enum Style: Sendable {
            case plain, quoted, block
            /// Stands for a value that could not be had, such as that of an unknown alias; it was reported.
            case broken
        }

        var text: String
        var style: Style

        /// Nothing, `~` or `null` without quotes.
        var isNull: Bool { style == .plain && ["", "~", "null", "Null", "NULL"].contains(text) }
    }

    /// One key with its value.
    struct Entry: Sendable {
        /// Where the entry comes from; of two keys that exclude each other the higher layer's wins.
        enum Layer: Int, Sendable, Comparable {
            /// Through `<<`.
            case merged
            case file
            /// From the chosen environment.
            case overlay

            static func < (left: Layer, right: Layer) -> Bool { left.rawValue < right.rawValue }
        }

        var key: String
        var keySpan: Span
        var value: Node
        var layer: Layer = .file
    }

    init(_ content: Content, _ span: Span) {
        self.content = content
        self.span = span
        let children: [Node] =
            switch content {
            case .scalar: []
            case .list(let items): items
            case .map(let entries): entries.map(\.value)
            }
        count = children.reduce(1) { $0.addingReportingOverflow($1.count).partialValue }
        height = children.reduce(0) { max($0, $1.height + 1) }
    }

    var scalar: Scalar? { if case .scalar(let scalar) = content { scalar } else { nil } }
    var items: [Node]? { if case .list(let items) = content { items } else { nil } }
    var entries: [Entry]? { if case .map(let entries) = content { entries } else { nil } }

    var isNull: Bool { scalar?.isNull ?? false }
    var isBroken: Bool { scalar?.style == .broken }

    /// `a list`, for messages.
    var noun: String {
        switch content {
        case .scalar(let scalar): scalar.isNull ? "nothing" : "`\(scalar.text.shortened)`"
        case .list: "a list"
        case .map: "a section with keys of its own"
        }
    }

    subscript(key: String) -> Node? { entries?.first { $0.key == key }?.value }
}

extension Node {
    /// This node with `overlay` laid over it: maps merge key by key, everything else is replaced.
    func overlaid(by overlay: Node) -> Node {
        guard case .map(var merged) = content, case .map(let additions) = overlay.content else { return overlay }
        var places: [String: Int] = [:]
        for (index, entry) in merged.enumerated() { places[entry.key] = index }
        for addition in additions {
            var entry = addition
            entry.layer = .overlay
            if let place = places[addition.key] {
                entry.value = merged[place].value.overlaid(by: addition.value)
                if entry.value.entries != nil { entry.keySpan = merged[place].keySpan }
                merged[place] = entry
            } else {
                places[addition.key] = merged.count
                merged.append(entry)
            }
        }
        return Node(.map(merged), span)
    }
}

extension String {
    /// At most sixty characters, for messages that quote the file.
    var shortened: String { count > 60 ? prefix(59) + "…" : self }
}
