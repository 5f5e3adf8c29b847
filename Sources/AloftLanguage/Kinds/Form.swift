/// What a value may be, as data: the schema, the reference and `explain` are written from it.
indirect enum Form: Sendable {
    case scalar(ScalarForm)
    case choice([Explanation.Choice])
    case list(Form, count: ClosedRange<Int>)
    /// Names of the user's own, each with a value.
    case map(NameRule, Form, limit: Int)
    case section(SectionForm)
    case either([Form])
    /// A part of the whole file once more: what an environment lays over it, and keys of the environment's own.
    case overlay(SectionForm)

    /// `duration`, `list of text`, `section`.
    var type: String {
        switch self {
        case .scalar(let form): form.type
        case .choice(let choices): choices.count == 1 ? "word" : "one of several words"
        case .list(let item, _): "list of \(item.plural)"
        case .map(let names, let value, _): "\(names.noun) with a \(value.type) each"
        case .section: "section"
        case .either(let forms): forms.map(\.type).joined(separator: " or ")
        case .overlay: "section"
        }
    }

    private var plural: String {
        switch self {
        case .scalar(let form): form.plural
        case .choice: "words"
        case .section: "sections"
        default: "\(type)s"
        }
    }

    /// `100ms to 10m`, `at most 64 items`.
    var limits: String? {
        switch self {
        case .scalar(let form): form.limits
        case .list(let item, let count):
            ["\(count.lowerBound) to \(count.upperBound) items", item.limits].compactMap { $0 }.joined(
                separator: ", each ")
        case .map(_, _, let limit): "at most \(limit)"
        case .either(let forms): forms.compactMap(\.limits).first
        case .choice, .section, .overlay: nil
        }
    }

    var choices: [Explanation.Choice] {
        switch self {
        case .choice(let choices): choices
        case .list(let item, _): item.choices
        case .either(let forms): forms.flatMap(\.choices)
        case .scalar, .map, .section, .overlay: []
        }
    }

    /// The section whose keys stand below this value, and the path step that leads there: `*`, `[]`, or none.
    var section: (steps: [String], form: SectionForm)? {
        switch self {
        case .section(let form), .overlay(let form): return ([], form)
        case .list(let item, _): return item.section.map { (["[]"] + $0.steps, $0.form) }
        case .map(_, let value, _): return value.section.map { (["*"] + $0.steps, $0.form) }
        case .either(let forms): return forms.lazy.compactMap(\.section).first
        case .scalar, .choice: return nil
        }
    }
}

/// A single value.
struct ScalarForm: Sendable {
    enum JSON: Sendable {
        case string(pattern: String?)
        case integer(ClosedRange<Int>)
        case boolean
        /// Text as written, whatever YAML would make of it.
        case anyScalar
        /// A number of cores.
        case numberOrString(pattern: String)
    }

    var type: String
    var plural: String
    var limits: String?
    var json: JSON
}

/// What names the user may choose for the keys of a map.
struct NameRule: Sendable {
    /// `services`, for the reference.
    var noun: String
    /// `a service's name`, for messages.
    var subject: String
    /// ECMA 262, for the schema.
    var pattern: String
    /// What is allowed, in words.
    var rule: String
    /// Header fields may begin with `x-`; everything else leaves such names to the user.
    var leavesExtensions = true
    /// Nil where the name may be used, else why not.
    var complaint: @Sendable (String) -> String?
}

/// Keys that stand together.
struct SectionForm: Sendable {
    /// Name in the schema's `$defs`.
    var name: String
    var keys: [Declaration]
    var alternatives: [Alternative]
}

/// Keys of which only some may, or must, be given.
struct Alternative: Sendable {
    var names: [String]
    /// One of them must be given.
    var isRequired: Bool
    /// Two of them must not.
    var isExclusive: Bool

    static func atMostOne(_ names: String...) -> Alternative {
        .init(names: names, isRequired: false, isExclusive: true)
    }
    static func exactlyOne(_ names: String...) -> Alternative {
        .init(names: names, isRequired: true, isExclusive: true)
    }
    static func atLeastOne(_ names: String...) -> Alternative {
        .init(names: names, isRequired: true, isExclusive: false)
    }
}

/// One key: all that the schema, the reference, `explain` and messages know of it.
struct Declaration: Sendable {
    enum Presence: Sendable, Hashable {
        case required
        /// Nothing is assumed; the text says what then happens, where that needs saying.
        case optional(String?)
        /// The default as it would stand in the file.
        case standard(String)
    }

    var name: String
    var form: Form
    var presence: Presence
    var summary: String
    var detail: String?
    /// A value as YAML, other than the default.
    var example: String
    var effect: Effect?
    /// What other tools call it; a hint for those who write that.
    var synonyms: [String]
}

/// What a change of a key does to a running app.
enum Effect: Sendable, Hashable {
    /// Other processes are needed: they are rolled out as a release.
    case newRelease
    /// Waits for the next release.
    case nextRelease
    /// Processes are started or stopped.
    case scales
    case opensListeners
    case newRequests
    case newConnections
    case atOnce
    case none

    func description(service: String?) -> String {
        switch self {
        case .newRelease: "is a new release of \(service ?? "the service"), rolled out by its `deploy`"
        case .nextRelease: "takes effect with the next release of \(service ?? "the service")"
        case .scales: "starts or stops replicas of \(service ?? "the service")"
        case .opensListeners: "opens and closes listeners; open connections stay"
        case .newRequests: "takes effect for the next request"
        case .newConnections: "takes effect for new connections"
        case .atOnce: "takes effect at once"
        case .none: "changes nothing that runs"
        }
    }
}
