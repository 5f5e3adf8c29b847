import AloftModel

/// One reading of one file, from bytes to plan and diagnostics.
struct FileReading {
    /// Each is laid over the file and checked as a whole, so their number bounds the time.
    static let maximumEnvironments = 20
    /// Bad characters that are reported, one by one.
    private static let maximumBadCharacters = 20

    private let source: SourceFile
    private let text: SourceText
    private let variables: Set<String>
    /// `${env.NAME}` may name what has no value here.
    private let acceptsUnset: Bool
    private var problems = Problems()
    /// Of the plan that was asked for.
    private var envFiles: [EnvFileUse] = []

    init(source: SourceFile, variables: Set<String>, acceptsUnset: Bool = false) {
        self.source = source
        self.variables = variables
        self.acceptsUnset = acceptsUnset
        text = SourceText(source.bytes.count <= Language.maximumFileSize ? source.bytes : [])
    }

    func read(environment: String?, envFiles: EnvironmentFiles? = nil) -> Reading {
        var copy = self
        var plan = copy.plan(environment: environment)
        var ofFiles: [Diagnostic] = []
        if let envFiles, plan != nil { ofFiles = copy.fill(&plan, from: envFiles) }
        let diagnostics = copy.problems.all.map { $0.diagnostic(in: text, of: source.name) }.sorted() + ofFiles
        let hasErrors = copy.problems.hasErrors || ofFiles.contains { $0.severity == .error }
        return Reading(plan: hasErrors ? nil : plan, diagnostics: diagnostics)
    }

    /// Gives each service what its `envFiles` hold.
    ///
    /// - Returns: What is wrong at a place in one of them.
    private mutating func fill(_ plan: inout Plan?, from files: EnvironmentFiles) -> [Diagnostic] {
        var files = files
        for index in plan?.services.indices ?? 0..<0 {
            guard let service = plan?.services[index], !service.envFiles.isEmpty else { continue }
            let (variables, faults) = files.variables(of: service.envFiles)
            let places = envFiles.filter { $0.service == service.name }.map(\.span)
            for fault in faults {
                let span = places.indices.contains(fault.index) ? places[fault.index] : .fileStart
                problems.error(span, fault.message, hint: fault.hint)
            }
            plan?.services[index].fileVariables = variables
        }
        return files.diagnostics
    }

    private mutating func plan(environment: String?) -> Plan? {
        guard isText(), let root = TreeReader.read(text, problems: &problems) else {
            if !problems.hasErrors { reportEmpty() }
            return nil
        }
        guard !root.isNull else {
            reportEmpty()
            return nil
        }
        guard root.entries != nil else {
            problems.error(
                root.span, "an aloft.yaml is a map of keys, and this is \(root.noun)", hint: "begin with `version: 1`")
            return nil
        }
        let overlays = overlays(of: root)
        if let environment, !overlays.contains(where: { $0.name == environment }) {
            reportUnknown(environment, overlays.map(\.name), root)
        }
        var result: Plan?
        if environment == nil { result = plan(of: root, environment: nil, isChosen: true) }
        for overlay in overlays {
            let known = problems.all.count
            let merged = plan(
                of: root.overlaid(by: overlay.node), environment: overlay.name, isChosen: overlay.name == environment)
            if overlay.name == environment { result = merged }
            guard overlay.name != environment else { continue }
            let note = Problem.Note(span: overlay.node.span, message: "so it is in the environment `\(overlay.name)`")
            problems.annotate(from: known, note)
        }
        return result
    }

    private mutating func plan(of root: Node, environment: String?, isChosen: Bool) -> Plan? {
        var reader = Reader(problems: problems, text: text, directory: source.directory, variables: variables)
        reader.acceptsUnset = acceptsUnset
        reader.environment = environment
        let plan = FileKeys.section.kind.read(root, &reader)
        problems = reader.problems
        if isChosen { envFiles = reader.envFiles }
        return plan
    }

    /// The environments that can be laid over the file.
    private mutating func overlays(of root: Node) -> [(name: String, node: Node)] {
        guard let node = root[FileKeys.environments.name], !node.isNull else { return [] }
        guard let entries = node.entries else {
            problems.error(
                node.span, "`environments` is a section, and this is \(node.noun)",
                hint: "write `environments:`, and below it one name a line with what differs there")
            return []
        }
        guard entries.count <= Self.maximumEnvironments else {
            problems.error(
                node.span, "`environments` has \(entries.count) entries; it takes at most \(Self.maximumEnvironments)")
            return []
        }
        return entries.filter { !$0.key.hasPrefix("x-") }.compactMap { overlay(of: $0) }
    }

    private mutating func overlay(of entry: Node.Entry) -> (name: String, node: Node)? {
        if let complaint = Names.complaint(entry.key) {
            problems.error(entry.keySpan, "`\(entry.key.shortened)` \(complaint.message)", hint: complaint.hint)
        }
        guard !entry.value.isNull else { return (entry.key, Node(.map([]), entry.value.span)) }
        guard let keys = entry.value.entries else {
            problems.error(
                entry.value.span, "an environment is a part of the file, and this is \(entry.value.noun)",
                hint: "write below it the keys that differ, for example `logs: {level: debug}`")
            return nil
        }
        let ofWholeFile = [FileKeys.version.name, FileKeys.environments.name]
        for key in keys where ofWholeFile.contains(key.key) {
            problems.error(
                key.keySpan, "`\(key.key)` is for the whole file and has no place in an environment", hint: "remove it")
        }
        let own = ofWholeFile + EnvironmentKeys.section.form.keys.map(\.name)
        return (entry.key, Node(.map(keys.filter { !own.contains($0.key) }), entry.value.span))
    }

    private mutating func reportUnknown(_ name: String, _ known: [String], _ root: Node) {
        let near = Nearest.word(to: name, among: known)
        let all = known.map { "`\($0)`" }.joined(separator: ", ")
        let entry = root.entries?.first { $0.key == FileKeys.environments.name }
        problems.error(
            entry?.keySpan ?? root.span, "the file has no environment `\(name.shortened)`",
            hint: near.map { "did you mean `\($0)`?" } ?? (known.isEmpty ? "it has none at all" : "it has \(all)"))
    }
}

extension FileReading {
    /// Whether the bytes are a text of bearable size that a YAML parser may see.
    private mutating func isText() -> Bool {
        guard source.bytes.count <= Language.maximumFileSize else {
            problems.error(
                .fileStart, "the file is larger than 1 MiB",
                hint: "a file for people is smaller; YAML anchors repeat what repeats")
            return false
        }
        let bad = text.badCharacters(limit: Self.maximumBadCharacters)
        for (offset, character) in bad { report(character, at: offset) }
        return bad.isEmpty
    }

    private mutating func report(_ character: SourceText.BadCharacter, at offset: Int) {
        let span = Span(at: text.position(ofByte: offset))
        switch character {
        case .notUTF8(let byte):
            let hex = String(byte, radix: 16, uppercase: true)
            problems.error(span, "the byte 0x\(hex) at offset \(offset) is not UTF-8", hint: "save the file as UTF-8")
        case .control(let value):
            let hex = String(value, radix: 16, uppercase: true)
            let digits = String(repeating: "0", count: max(0, 4 - hex.count)) + hex
            problems.error(
                span, "the character U+\(digits) is not allowed in YAML",
                hint: "remove it, or write it as an escape in double quotes")
        }
    }

    private mutating func reportEmpty() {
        problems.error(
            .fileStart, "the file is empty", hint: "begin with `version: 1`, or let `aloft init` propose a file")
    }
}
