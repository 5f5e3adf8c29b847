/// `$NAME`, `${NAME:-default}` and their like.
extension DotEnv {
    /// What a `$` stands for; false where it stands for nothing.
    mutating func reference(into pieces: inout DotEnvValue, depth: Int) -> Bool {
        let start = position
        switch peek(1) {
        case "$":
            advance(2)
            pieces.append("$")
            return true
        case "{":
            advance(2)
            return braced(start, &pieces, depth)
        case let scalar? where Self.isLetter(scalar) || scalar == "_":
            advance(1)
            return use(variableName(), start, &pieces)
        default:
            advance(1)
            fail(
                start, "this `$` names no variable",
                "write `$$` for a dollar sign, or put the value in single quotes")
            return false
        }
    }

    private mutating func variableName() -> String {
        let start = at
        while let scalar = current, Self.isLetter(scalar) || Self.isDigit(scalar) || scalar == "_" { advance(1) }
        return string(text[start..<at])
    }

    private mutating func braced(_ start: Position, _ pieces: inout DotEnvValue, _ depth: Int) -> Bool {
        let name = variableName()
        guard !name.isEmpty, depth < Self.deepest else { return misspelled(start) }
        if current == "}" {
            advance(1)
            return use(name, start, &pieces)
        }
        let coversEmpty = current == ":"
        if coversEmpty { advance(1) }
        guard let sign = current, "-?+".unicodeScalars.contains(sign) else { return misspelled(start) }
        advance(1)
        // Read in any case, used where it is needed: what is not used may name a variable that is not set.
        let known = faults.count
        var word = DotEnvValue()
        while let scalar = current, scalar != "}" {
            guard scalar != "\n" else { return misspelled(start) }
            if scalar == "$" {
                _ = reference(into: &word, depth: depth + 1)
            } else {
                word.append(scalar)
                advance(1)
            }
        }
        guard current == "}" else { return misspelled(start) }
        advance(1)
        let value = values[name] ?? lookup(name)
        let isSet = value.map { !coversEmpty || !$0.isEmpty } ?? false
        let usesWord = sign == "+" ? isSet : !isSet
        if !usesWord { faults.removeSubrange(known...) }
        switch (sign, usesWord) {
        case ("?", true):
            fail(
                start, "a variable that this value requires is not set", "set it above this line, or in the environment"
            )
            return false
        case (_, true): pieces.append(word)
        case ("+", false): break
        default: pieces.append(value ?? "")
        }
        return faults.count == known
    }

    private mutating func use(_ name: String, _ start: Position, _ pieces: inout DotEnvValue) -> Bool {
        guard let value = values[name] ?? lookup(name) else {
            // The name may be a part of a password: it is not shown.
            fail(
                start, "this `$` names a variable that is not set",
                "set it above this line, write `${NAME:-}` for an empty text, `$$` for a dollar sign, or put the "
                    + "value in single quotes")
            return false
        }
        pieces.append(value)
        return true
    }

    private mutating func misspelled(_ start: Position) -> Bool {
        fail(
            start, "this `${` is not closed or not understood",
            "write `${NAME}` or `${NAME:-default}`; `$$` is a dollar sign")
        return false
    }
}

/// A value while it is put together.
struct DotEnvValue {
    private var scalars = String.UnicodeScalarView()

    var text: String { String(scalars) }

    mutating func append(_ scalar: Unicode.Scalar) { scalars.append(scalar) }
    mutating func append(_ text: String) { scalars.append(contentsOf: text.unicodeScalars) }
    mutating func append(_ other: DotEnvValue) { scalars.append(contentsOf: other.scalars) }
}
