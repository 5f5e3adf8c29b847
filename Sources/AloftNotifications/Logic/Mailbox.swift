/// An address that mail goes to or comes from, `ops@example.org`: only what is safe in a command and in a header.
///
/// RFC 5321's dot-string and domain, or an address literal; no quoted local parts, no display names, ASCII only.
struct Mailbox: Sendable, Hashable {
    let text: String

    init(_ text: String) throws(AddressProblem) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, Self.isLocal(parts[0]), Self.isDomain(parts[1]), text.utf8.count <= 254 else {
            throw AddressProblem("'\(clipped(oneLine(text), 80))' is not an address such as ops@example.org")
        }
        self.text = text
    }

    private static func isLocal(_ text: Substring) -> Bool {
        let special = "!#$%&'*+-/=?^_`{|}~"
        let atoms = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 64
            && atoms.allSatisfy { atom in
                !atom.isEmpty
                    && atom.unicodeScalars.allSatisfy { isLetterOrDigit($0) || special.unicodeScalars.contains($0) }
            }
    }

    private static func isDomain(_ text: Substring) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") {
            return text.count > 2
                && text.dropFirst().dropLast().unicodeScalars.allSatisfy {
                    isLetterOrDigit($0) || $0 == "." || $0 == ":"
                }
        }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.unicodeScalars.allSatisfy { isLetterOrDigit($0) || $0 == "-" || $0 == "_" }
        }
    }
}

func isLetterOrDigit(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
}

/// A machine's name as EHLO and Message-ID may say it: letters, digits, dots, dashes; else `localhost`.
func safeHostName(_ name: String) -> String {
    let isSafe =
        !name.isEmpty && name.utf8.count <= 253
        && name.unicodeScalars.allSatisfy { isLetterOrDigit($0) || $0 == "-" || $0 == "." }
        && !name.hasPrefix(".") && !name.hasSuffix(".") && !name.hasPrefix("-")
    return isSafe ? name : "localhost"
}
