import AloftModel

/// Characters of HTTP (RFC 9110 §5).
enum HTTPText {
    /// A token: names of fields and methods.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// A field's value: visible ASCII with single spaces and tabs inside (RFC 9110 §5.5, without obs-text).
    static func isFieldValue(_ text: String) -> Bool {
        let bytes = text.utf8
        guard bytes.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) else { return false }
        return bytes.first != 0x20 && bytes.first != 0x09 && bytes.last != 0x20 && bytes.last != 0x09
    }

    /// Why a text is not a path of a request's target (RFC 3986 §3.3), or nil.
    static func complaint(aboutPath path: String, query: Bool) -> Complaint? {
        guard path.hasPrefix("/") else { return Complaint("does not begin with `/`", hint: "write `/\(path)`") }
        guard path.utf8.count <= 1024 else { return Complaint("is longer than 1024 bytes") }
        let allowed = "-._~!$&'()*+,;=:@/%" + (query ? "?" : "")
        for scalar in path.unicodeScalars where !isUnreserved(scalar) && !allowed.unicodeScalars.contains(scalar) {
            let shown =
                scalar.value > 0x20 && scalar.value < 0x7F ? "`\(scalar)`" : "a character that needs percent-encoding"
            let ends = scalar == "?" || scalar == "#"
            return Complaint(
                "holds \(shown)", hint: ends ? "a path ends before it" : "write it percent-encoded; a space is `%20`")
        }
        let bytes = Array(path.utf8)
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "%") {
            let digits = bytes[(index + 1)...].prefix(2)
            guard digits.count == 2, digits.allSatisfy(isHex) else {
                return Complaint("has a `%` without two hexadecimal digits")
            }
        }
        let segments = path.prefix { $0 != "?" }.split(separator: "/")
        if segments.contains(".") || segments.contains("..") {
            return Complaint("holds `.` or `..`, which no client sends")
        }
        return nil
    }

    private static func isUnreserved(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }

    static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"]

    /// Fields that belong to the connection or to the framing of a message; the edge alone sets them.
    static let ownFields: Set<String> = [
        "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade",
    ]
}

extension Kind where Value == PathPattern {
    /// `/exact` or `/below/*`.
    static var pathPattern: Kind {
        let form = ScalarForm(
            type: "path pattern", plural: "path patterns", limits: "at most 1024 bytes",
            json: .string(pattern: "^/[^*?#\\s]*\\*?$"))
        return .scalar(
            form, spell: { .text($0.description) },
            parse: { scalar, _ in
                let text = scalar.text
                let isPrefix = text.hasSuffix("*")
                let path = isPrefix ? String(text.dropLast()) : text
                if text == "*" { return .failure(Complaint("does not begin with `/`; write `/*`")) }
                if isPrefix, !path.hasSuffix("/") {
                    return .failure(
                        Complaint(
                            "has a `*` in the middle of a name",
                            hint: "write `\(path)/*`, which fits `\(path)` and all below it"))
                }
                if path.contains("*") {
                    return .failure(Complaint("has a `*` before its end", hint: "`*` stands only at the end: `/api/*`"))
                }
                if let complaint = HTTPText.complaint(aboutPath: path, query: false) { return .failure(complaint) }
                return .success(isPrefix ? .prefix(path) : .exact(path))
            })
    }
}

extension Kind where Value == String {
    /// A path to ask for, with its query.
    static var requestPath: Kind {
        text("path", plural: "paths", pattern: "^/[^#\\s]*$", limits: "at most 1024 bytes") { text in
            HTTPText.complaint(aboutPath: text, query: true).map { .failure($0) } ?? .success(text)
        }
    }

    /// An HTTP method in capitals.
    static var method: Kind {
        text("method", plural: "methods", pattern: "^[A-Z0-9!#$%&'*+.^_`|~-]+$", limits: "at most 32 characters") {
            text in
            guard HTTPText.isToken(text), text.utf8.count <= 32 else {
                return .failure(Complaint("is not an HTTP method"))
            }
            guard text == text.uppercased() else {
                return .failure(Complaint("is not in capitals; write `\(text.uppercased())`"))
            }
            return .success(text)
        }.checked { text, node, reader in
            guard !HTTPText.methods.contains(text), let near = Nearest.word(to: text, among: HTTPText.methods) else {
                return
            }
            reader.warning(node, "`\(text)` is not a common method", hint: "did you mean `\(near)`?")
        }
    }

    /// The value of a Host field: a name or an address, with a port where there is one.
    static var hostField: Kind {
        text("host", plural: "hosts", pattern: "^[A-Za-z0-9._:\\[\\]-]+$", limits: "at most 255 bytes") { text in
            if let range = text.firstRange(of: "://") {
                let rest = text[range.upperBound...].prefix { $0 != "/" }
                return .failure(Complaint("is a URL, not a host", hint: "write `\(rest)`"))
            }
            let fits = text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "._-:[]".utf8.contains(byte)
                }
            }
            guard fits, !text.isEmpty, text.utf8.count <= 255 else {
                return .failure(Complaint("is not a host", hint: "write for example `shop.example`"))
            }
            return .success(text)
        }
    }

    /// The name of a header field of answers that a file may change.
    static var fieldName: Kind {
        text("header name", plural: "header names", pattern: HeaderNames.pattern, limits: "at most 128 characters") {
            text in
            HeaderNames.complaint(text).map { .failure(Complaint($0)) } ?? .success(text)
        }
    }

    static var fieldValue: Kind {
        text(
            "header value", plural: "header values", limits: "at most 4096 bytes of visible ASCII", json: .anyScalar
        ) { text in
            guard text.utf8.count <= 4096 else { return .failure(Complaint("is longer than 4096 bytes")) }
            guard HTTPText.isFieldValue(text) else {
                return .failure(
                    Complaint("holds what no header may: a line break, a control character, or spaces at an end"))
            }
            return .success(text)
        }
    }
}

enum HeaderNames {
    static let pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"

    static func complaint(_ name: String) -> String? {
        guard HTTPText.isToken(name), name.utf8.count <= 128 else { return "is not a header's name" }
        guard !HTTPText.ownFields.contains(name.lowercased()) else {
            return "is a header that the edge sets itself, for each connection"
        }
        return nil
    }

    static let rule = NameRule(
        noun: "header names", subject: "a header's name", pattern: pattern, rule: "letters, digits and `-`",
        leavesExtensions: false, complaint: complaint)

    /// Of a probe, which is a GET without a body on a connection of its own.
    static let ofProbe = NameRule(
        noun: "header names", subject: "a header's name", pattern: pattern, rule: "letters, digits and `-`",
        leavesExtensions: false
    ) { name in
        guard HTTPText.isToken(name), name.utf8.count <= 128 else { return "is not a header's name" }
        if name.lowercased() == "host" { return "stands beside `headers`: write `host: shop.example`" }
        guard !HTTPText.ownFields.contains(name.lowercased()), name.lowercased() != "expect" else {
            return "is a header of the connection, which the probe sets itself"
        }
        return nil
    }
}

extension Kind where Value == [HeaderRules.Field] {
    /// Header fields by name. Names that differ only by case are one field.
    static func fields(lowercased: Bool, _ rule: NameRule = HeaderNames.rule) -> Kind {
        let map = Kind<[(name: String, value: String)]>.map(rule, of: .fieldValue, limit: 64)
        return Kind(
            map.form, spell: { map.spell($0.map { ($0.name, $0.value) }) },
            read: { node, reader in
                guard let pairs = map.read(node, &reader) else { return nil }
                var seen: [String: Span] = [:]
                for entry in node.entries ?? [] {
                    if let first = seen.updateValue(entry.keySpan, forKey: entry.key.lowercased()) {
                        reader.problems.add(
                            Problem(
                                span: entry.keySpan,
                                message: "the header `\(entry.key.shortened)` stands here a second time",
                                hint: "case makes no difference; keep one",
                                notes: [.init(span: first, message: "the first one is here")]))
                    }
                }
                return pairs.map { .init(name: lowercased ? $0.name.lowercased() : $0.name, value: $0.value) }
            })
    }
}
