/// All keys of the language by path, in the order of the declarations.
struct KeyIndex: Sendable {
    static let shared = KeyIndex()

    struct Entry: Sendable {
        /// `services.*.replicas`.
        var path: String
        var steps: [String]
        var declaration: Declaration
        /// The key's own, or that of the nearest key above.
        var effect: Effect
    }

    let entries: [Entry]
    private let byPath: [String: Int]

    private init() {
        var entries: [Entry] = []
        Self.collect(FileKeys.section.form, below: [], effect: .atOnce, into: &entries)
        self.entries = entries
        byPath = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($0.element.path, $0.offset) })
    }

    private static func collect(_ form: SectionForm, below steps: [String], effect: Effect, into entries: inout [Entry])
    {
        for key in form.keys {
            let own = steps + [key.name]
            let effect = key.effect ?? effect
            entries.append(Entry(path: text(own), steps: own, declaration: key, effect: effect))
            if let (more, section) = key.form.section {
                collect(section, below: own + more, effect: effect, into: &entries)
            }
        }
    }

    /// `services.*.probes`, `edge.routes[].match`.
    static func text(_ steps: [String]) -> String {
        steps.reduce(into: "") { $0 += $1 == "[]" || $0.isEmpty ? $1 : "." + $1 }
    }

    subscript(path: String) -> Entry? { byPath[path].map { entries[$0] } }

    func paths(endingIn name: String) -> [String] {
        entries.filter { $0.declaration.name == name }.map(\.path)
    }

    /// The entry for a path with the user's own names and numbers in it.
    func entry(for path: String) -> Entry? {
        let wanted = Self.steps(of: path)
        return entries.first { Self.fits($0.steps, wanted) } ?? entries.first { Self.holds($0, wanted) }
    }

    /// `edge.routes[0].match` as steps, each bracket a step of its own.
    static func steps(of path: String) -> [String] {
        path.replacing("[", with: ".[").split(separator: ".").map { step in
            step.hasPrefix("[") && step.hasSuffix("]") ? "[]" : String(step)
        }
    }

    /// Brackets may be left out of the wanted path; `*` takes any name.
    private static func fits(_ steps: [String], _ wanted: [String]) -> Bool {
        var rest = wanted[...]
        for step in steps {
            if step == "[]" {
                if rest.first == "[]" || rest.first == "*" { rest.removeFirst() }
                continue
            }
            guard let next = rest.popFirst(), step == "*" ? next != "[]" : next == step else { return false }
        }
        return rest.isEmpty
    }

    /// One name of a map, or one item of a list: the key that holds it says what it is.
    private static func holds(_ entry: Entry, _ wanted: [String]) -> Bool {
        guard let last = wanted.last else { return false }
        switch entry.declaration.form {
        case .map: return last != "[]" && fits(entry.steps, wanted.dropLast())
        case .list: return (last == "[]" || last == "*") && fits(entry.steps, wanted.dropLast())
        default: return false
        }
    }
}

extension KeyIndex {
    func explain(_ path: String) -> Explained {
        let wanted = Self.steps(of: path)
        let reserved = FutureWords.words(at: wanted).map(FutureWord.init)
        if let entry = entry(for: path) { return .key(explanation(of: entry, reserved)) }
        let suffixes = entries.filter { entry in
            (1..<max(entry.steps.count, 2)).contains { Self.fits(Array(entry.steps.dropFirst($0)), wanted) }
        }
        if suffixes.count == 1 { return .key(explanation(of: suffixes[0], reserved)) }
        if !reserved.isEmpty { return .future(reserved) }
        if suffixes.count > 1 {
            return .unknown(
                message: "several keys end in `\(path.shortened)`", suggestions: Array(suffixes.prefix(8).map(\.path)))
        }
        return .unknown(message: "there is no key `\(path.shortened)`", suggestions: suggestions(for: path, wanted))
    }

    private func suggestions(for path: String, _ wanted: [String]) -> [String] {
        guard let last = wanted.last else { return FileKeys.section.form.keys.map(\.name) }
        let names = Set(entries.map(\.declaration.name))
        let synonyms = entries.filter { $0.declaration.synonyms.contains(last) }.map(\.path)
        let near = Nearest.words(to: last, among: names, limit: 4)
        let known = near.flatMap { name in entries.filter { $0.declaration.name == name } }
        let ranked = known.sorted { shared($0, wanted) > shared($1, wanted) }.map(\.path)
        var seen: Set<String> = []
        return Array(
            (synonyms + ranked + Nearest.words(to: path, among: entries.map(\.path), limit: 3)).filter {
                seen.insert($0).inserted
            }.prefix(8))
    }

    private func shared(_ entry: Entry, _ wanted: [String]) -> Int { Set(entry.steps).intersection(wanted).count }

    private func explanation(of entry: Entry, _ reserved: [FutureWord]) -> Explanation {
        let key = entry.declaration
        let standard: String? =
            switch key.presence {
            case .required: nil
            case .optional(let otherwise): otherwise
            case .standard(let text): text
            }
        return Explanation(
            path: entry.path, type: key.form.type, summary: key.summary, detail: key.detail, standard: standard,
            isRequired: key.presence == .required, limits: key.form.limits, choices: key.form.choices,
            example: Example(entry).text, effect: entry.effect.description(service: nil),
            keys: (key.form.section?.form.keys ?? []).map { .init(name: $0.name, summary: $0.summary) },
            reserved: reserved)
    }
}

/// A key's example with the keys above it, as it would stand in a file.
struct Example {
    let text: String

    init(_ entry: KeyIndex.Entry) {
        var lines: [String] = []
        var indent = 0
        var dash = ""
        for (index, step) in entry.steps.enumerated() {
            if step == "[]" {
                dash = "- "
                continue
            }
            let name = step == "*" ? Self.sampleName(below: entry.steps[index - 1]) : step
            let isLast = index == entry.steps.count - 1
            let value = isLast ? " " + entry.declaration.example : ""
            lines.append(String(repeating: " ", count: indent) + dash + name + ":" + value)
            indent += dash.isEmpty ? 2 : 4
            dash = ""
        }
        text = lines.joined(separator: "\n")
    }

    private static func sampleName(below step: String) -> String { step == "services" ? "web" : "name" }
}
