import AloftModel

extension Kind where Value == Template {
    /// Text with `${PORT}`, `${SOCKET}` and `${env.NAME}`; `$${` is the text `${`.
    static var template: Kind {
        let form = ScalarForm(type: "text", plural: "texts", limits: "at most 32 KiB", json: .anyScalar)
        return Kind(
            .scalar(form), spell: { .text(TemplateText.spelled($0)) },
            read: { node, reader in
                guard let scalar = node.scalar else {
                    reader.error(node, "`\(reader.key)` takes text here, and this is \(node.noun)")
                    return nil
                }
                guard !scalar.isNull else {
                    reader.error(node, "a text is missing here", hint: "write `\"\"` for an empty one")
                    return nil
                }
                guard scalar.text.utf8.count <= 32 << 10 else {
                    reader.error(node, "this text is longer than 32 KiB")
                    return nil
                }
                guard !scalar.text.utf8.contains(0) else {
                    reader.error(node, "this text holds a NUL, which no program can be given")
                    return nil
                }
                return TemplateText.read(scalar.text, node, &reader)
            })
    }
}

enum TemplateText {
    static func spelled(_ template: Template) -> String {
        template.parts.map { part in
            guard case .text(let text) = part else { return Template(parts: [part]).description }
            return escaped(text)
        }.joined()
    }

    private static func escaped(_ text: String) -> String {
        text.contains("${")
            ? text.split(separator: "${", omittingEmptySubsequences: false).joined(separator: "$${") : text
    }

    static func read(_ text: String, _ node: Node, _ reader: inout Reader) -> Template? {
        var parts: [Template.Part] = []
        var literal = ""
        var rest = text[...]
        var isUsable = true
        var index = 0
        while let start = rest.firstRange(of: "${") {
            let isEscaped = rest[..<start.lowerBound].hasSuffix("$")
            literal += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            defer { index += 1 }
            if isEscaped {
                literal.removeLast()
                literal += "${"
                continue
            }
            guard let end = rest.firstIndex(of: "}") else {
                let hint = "add the `}`, or write `$${` for the text `${`"
                report(Complaint("`${` is not closed", hint: hint), index, node, &reader)
                return nil
            }
            let name = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = ""
            switch part(name, reader) {
            case .success(let part): parts.append(part)
            case .failure(let complaint):
                report(complaint, index, node, &reader)
                isUsable = false
            }
        }
        literal += rest
        if !literal.isEmpty || parts.isEmpty { parts.append(.text(literal)) }
        return isUsable ? Template(parts: parts) : nil
    }

    /// The place is looked for only now: most references are right.
    private static func report(_ complaint: Complaint, _ index: Int, _ node: Node, _ reader: inout Reader) {
        let span = reader.problems.isFull ? node.span : reader.text.reference(index, in: node)
        reader.problems.error(span, complaint.message, hint: complaint.hint)
    }

    private static func part(_ name: String, _ reader: Reader) -> Result<Template.Part, Complaint> {
        switch name {
        case "PORT" where reader.listen == .port: return .success(.port)
        case "SOCKET" where reader.listen == .unix: return .success(.socket)
        case "PORT" where reader.listen == nil, "SOCKET" where reader.listen == nil:
            return .failure(
                Complaint(
                    "`${\(name)}` is the address of one replica, and this is not run or sent by one",
                    hint: "`${env.NAME}` is known here"))
        case "PORT" where reader.listen == .nothing, "SOCKET" where reader.listen == .nothing:
            return .failure(
                Complaint(
                    "`${\(name)}` in a service that listens nowhere",
                    hint: "write `listen: \(name == "PORT" ? "port" : "unix")`, or take it out"))
        case "PORT":
            return .failure(
                Complaint(
                    "`${PORT}` in a service that listens on a Unix socket",
                    hint: "write `${SOCKET}`, or `listen: port`"))
        case "SOCKET":
            return .failure(
                Complaint(
                    "`${SOCKET}` in a service that listens on a port", hint: "write `${PORT}`, or `listen: unix`"))
        default:
            return name.hasPrefix("env.")
                ? variable(String(name.dropFirst(4)), reader) : .failure(unknown(name, reader))
        }
    }

    private static func variable(_ name: String, _ reader: Reader) -> Result<Template.Part, Complaint> {
        guard name.wholeMatch(of: #/[A-Za-z_][A-Za-z0-9_]*/#) != nil else {
            let isDefault = [":-", ":?", ":+"].contains(where: name.contains)
            return .failure(
                Complaint(
                    "`${env.\(name.shortened)}` names no variable",
                    hint: isDefault
                        ? "a default such as `${NAME:-x}` is read in files of `envFiles` only"
                        : "a name has letters, digits and `_`"))
        }
        guard !reader.acceptsUnset, !reader.variables.contains(name) else { return .success(.environment(name)) }
        let near = reader.problems.takesHints ? Nearest.word(to: name, among: reader.variables) : nil
        return .failure(
            Complaint(
                "the environment has no variable `\(name.shortened)`",
                hint: near.map { "did you mean `${env.\($0)}`?" } ?? "set it where `aloft` is started"))
    }

    private static func unknown(_ name: String, _ reader: Reader) -> Complaint {
        let first = name.prefix { $0 != "." }
        if FutureWords.references.contains(String(first)), first.count < name.count {
            return Complaint(
                "`${\(name.shortened)}` is a reference of Aloft's language that this version does not do yet")
        }
        let message = "unknown reference `${\(name.shortened)}`"
        if reader.variables.contains(name) { return Complaint(message, hint: "did you mean `${env.\(name)}`?") }
        let own = reader.listen?.reference
        if let near = Nearest.word(to: name, among: [own].compactMap { $0 }) {
            return Complaint(message, hint: "did you mean `${\(near)}`?")
        }
        let variables = reader.problems.takesHints ? reader.variables.map { "env.\($0)" } : []
        if let near = Nearest.word(to: name, among: variables) {
            return Complaint(message, hint: "did you mean `${\(near)}`?")
        }
        let known = own.map { "known are `${\($0)}` and" } ?? "known is"
        return Complaint(message, hint: "\(known) `${env.NAME}`; `$${` is the text `${`")
    }
}

extension ServiceSpec.Listen {
    /// What names the address of a replica.
    var reference: String? {
        switch self {
        case .port: "PORT"
        case .unix: "SOCKET"
        case .nothing: nil
        }
    }
}

extension SourceText {
    /// Where the `index`-th `${` of a scalar stands, up to its `}`; the whole scalar where it is written with escapes.
    func reference(_ index: Int, in node: Node) -> Span {
        var left = index
        for number in node.span.start.line...max(node.span.start.line, node.span.end.line) {
            let scalars = Array(line(number).unicodeScalars)
            var place = number == node.span.start.line ? node.span.start.column - 1 : 0
            let end = number == node.span.end.line ? min(scalars.count, node.span.end.column - 1) : scalars.count
            while place + 1 < end {
                guard scalars[place] == "$", scalars[place + 1] == "{" else {
                    place += 1
                    continue
                }
                if left == 0 {
                    let close = scalars[place..<end].firstIndex(of: "}").map { $0 + 1 } ?? end
                    return Span(Position(line: number, column: place + 1), Position(line: number, column: close + 1))
                }
                left -= 1
                place += 2
            }
        }
        return node.span
    }
}
