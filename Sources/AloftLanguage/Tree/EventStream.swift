internal import CYaml

/// libyaml's events, pulled one at a time.
///
/// libyaml's parser keeps its own stack on the heap and refuses more than 1000 levels, so hostile nesting costs neither
/// the C nor the Swift stack. Yams' own composer is not used: it stops at the first duplicate key, gives no end of a
/// value, and hashes whole subtrees, which takes exponential time where aliases share them.
final class EventStream {
    struct Event {
        enum Kind {
            case alias(String)
            case scalar(Node.Scalar)
            case listStart, listEnd, mapStart, mapEnd
            case documentStart, documentEnd
            case streamStart, streamEnd
        }

        var kind: Kind
        var anchor: String?
        /// An explicit tag such as `!secret`.
        var tag: String?
        var span: Span
    }

    /// What libyaml did not like.
    struct SyntaxError: Error {
        var position: Position
        var problem: String
        /// Where the construct began that could not be finished.
        var context: (position: Position, text: String)?
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let buffer: UnsafeMutableBufferPointer<UInt8>

    /// `bytes` must be UTF-8 without NUL.
    init(bytes: [UInt8]) throws(SyntaxError) {
        parser = .allocate(capacity: 1)
        buffer = .allocate(capacity: max(bytes.count, 1))
        _ = buffer.initialize(from: bytes)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            buffer.deallocate()
            throw SyntaxError(position: .start, problem: "there is not enough memory to read the file")
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, buffer.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        buffer.deallocate()
    }

    func next() throws(SyntaxError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        let span = Span(Self.position(event.start_mark), Self.position(event.end_mark))
        switch event.type {
        case YAML_ALIAS_EVENT: return Event(kind: .alias(Self.text(event.data.alias.anchor) ?? ""), span: span)
        case YAML_SCALAR_EVENT:
            let data = event.data.scalar
            let bytes = UnsafeBufferPointer(start: data.value, count: data.length)
            let scalar = Node.Scalar(text: String(decoding: bytes, as: UTF8.self), style: Self.style(data.style))
            return Event(kind: .scalar(scalar), anchor: Self.text(data.anchor), tag: Self.text(data.tag), span: span)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return Event(
                kind: .listStart, anchor: Self.text(start.anchor), tag: Self.text(start.tag), span: span)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return Event(kind: .mapStart, anchor: Self.text(start.anchor), tag: Self.text(start.tag), span: span)
        case YAML_SEQUENCE_END_EVENT: return Event(kind: .listEnd, span: span)
        case YAML_MAPPING_END_EVENT: return Event(kind: .mapEnd, span: span)
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, span: span)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, span: span)
        case YAML_STREAM_START_EVENT: return Event(kind: .streamStart, span: span)
        default: return Event(kind: .streamEnd, span: span)
        }
    }

    private static func style(_ style: yaml_scalar_style_t) -> Node.Scalar.Style {
        switch style {
        case YAML_PLAIN_SCALAR_STYLE: .plain
        case YAML_SINGLE_QUOTED_SCALAR_STYLE, YAML_DOUBLE_QUOTED_SCALAR_STYLE: .quoted
        default: .block
        }
    }

    private func failure() -> SyntaxError {
        let error = parser.pointee
        let problem = error.problem.map { String(cString: $0) } ?? "the text is not YAML"
        let context = error.context.map { (Self.position(error.context_mark), String(cString: $0)) }
        return SyntaxError(position: Self.position(error.problem_mark), problem: problem, context: context)
    }

    private static func position(_ mark: yaml_mark_t) -> Position {
        Position(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private static func text(_ pointer: UnsafePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }
}
